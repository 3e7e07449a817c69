//! What one part says of another: places that exist and are of the right kind, a publisher and a consumer
//! for every topic, no cycle, and guarantees that the other end can keep.

mod lease;
mod windows;

use crate::error::{ScenarioError, nearest, suggest};
use crate::hardware;
use crate::spec::parse::Reader;
use crate::spec::slo::{During, Metric, Slo, SloError};
use crate::spec::{BrokerSpec, Names, Place, Scenario, place, target};
use std::collections::{BTreeMap, BTreeSet};
use stormglass_core::actor::Control;
use stormglass_core::fault::{FaultKind, Target, zone_letters};
use stormglass_core::processor::config::{DeliveryMode, ProcessorConfig};
use stormglass_core::sink::config::SinkKind;

type Checked = Result<(), ScenarioError>;

/// Judges every reference of a scenario.
///
/// # Errors
/// At the first that leads nowhere or to the wrong thing.
pub(crate) fn check(reader: &Reader<'_>, scenario: &Scenario, names: &Names) -> Checked {
    // Users' parts may make their own work.
    if scenario.sources.is_empty() && scenario.services.is_empty() {
        return Err(reader.source.error(
            0..0,
            "a scenario needs a source",
            "add [source.<name>] with `to` and `arrival`",
        ));
    }
    let mut ends = Ends::default();
    for (name, source) in &scenario.sources {
        let path = format!("source.{name}.to");
        let topic = topic_of(
            reader,
            scenario,
            &path,
            &source.to,
            "a source publishes to a topic",
        )?;
        ends.publishers.insert(topic);
    }
    for (name, processor) in &scenario.processors {
        let at = |key: &str| format!("processor.{name}.{key}");
        let topic = topic_of(
            reader,
            scenario,
            &at("from"),
            &processor.from,
            "a processor reads from a topic",
        )?;
        ends.consumers.insert(topic);
        let sink = sink_of(reader, scenario, &at("to"), &processor.to)?;
        ends.sinks.insert(sink.to_owned());
        known(
            reader,
            &at("operator"),
            &processor.operator,
            "operator",
            names.operators.as_ref(),
        )?;
        let part = format!("processor.{name}");
        delivery(reader, scenario, &part, processor.delivery, topic.0, sink)?;
        let ends = (topic.0, sink);
        in_flight(reader, scenario, &at("in_flight"), processor, ends)?;
        lease::check(reader, scenario, name, topic.0)?;
        windows::check(reader, scenario, name, processor)?;
    }
    lease::check_used(reader, scenario)?;
    for (name, service) in &scenario.services {
        let at = |key: &str| format!("service.{name}.{key}");
        known(
            reader,
            &at("service"),
            &service.service,
            "service",
            names.services.as_ref(),
        )?;
        let from = match &service.from {
            Some(from) => Some(topic_of(
                reader,
                scenario,
                &at("from"),
                from,
                "a service reads from a topic",
            )?),
            None => None,
        };
        ends.consumers.extend(from);
        match service.to.as_deref().map(|to| (to, place(to))) {
            None => {}
            Some((to, Some(Place::Sink(_)))) => {
                let sink = sink_of(reader, scenario, &at("to"), to)?;
                ends.sinks.insert(sink.to_owned());
                if let Some((broker, _)) = from {
                    let part = format!("service.{name}");
                    delivery(reader, scenario, &part, service.delivery, broker, sink)?;
                }
            }
            Some((to, Some(Place::Topic { .. }) | None)) => {
                let why = "a service writes to a topic or to a sink";
                let topic = topic_of(reader, scenario, &at("to"), to, why)?;
                ends.publishers.insert(topic);
                if let Some(from) = from {
                    ends.edges.push((from, topic, at("to")));
                }
            }
        }
    }
    ends.check(reader, scenario)?;
    profile_and_expectations(reader, scenario, names)?;
    faults(reader, scenario, names)
}

/// A topic by broker and name.
type Topic<'a> = (&'a str, &'a str);

/// Who publishes and consumes what.
#[derive(Default)]
struct Ends<'a> {
    publishers: BTreeSet<Topic<'a>>,
    consumers: BTreeSet<Topic<'a>>,
    sinks: BTreeSet<String>,
    edges: Vec<(Topic<'a>, Topic<'a>, String)>,
}

impl Ends<'_> {
    fn check(&self, reader: &Reader<'_>, scenario: &Scenario) -> Checked {
        for (name, broker) in &scenario.brokers {
            let topics = broker.topics();
            if topics.is_empty() {
                return Err(reader.error(
                    &format!("broker.{name}"),
                    format!("broker `{name}` has no topics"),
                    "add `topics.<name> = { … }` to it",
                ));
            }
            for topic in topics {
                let path = format!("broker.{name}.topics.{topic}");
                let span = reader.spans.key(&path);
                let idle = if !self.publishers.contains(&(name.as_str(), topic)) {
                    Some(("nobody publishes to", "a source's or service's `to`"))
                } else if !self.consumers.contains(&(name.as_str(), topic)) {
                    Some(("nobody consumes", "a processor's or service's `from`"))
                } else {
                    None
                };
                if let Some((what, key)) = idle {
                    return Err(reader.source.error(
                        span,
                        format!("{what} topic `{topic}` of broker `{name}`"),
                        format!("write {key} = \"broker.{name}/{topic}\", or remove the topic"),
                    ));
                }
            }
        }
        for sink in scenario.sinks.keys() {
            if !self.sinks.contains(sink) {
                return Err(reader.source.error(
                    reader.spans.key(&format!("sink.{sink}")),
                    format!("nobody writes to sink `{sink}`"),
                    format!("write a processor's `to` = \"sink.{sink}\", or remove the sink"),
                ));
            }
        }
        self.check_cycles(reader)
    }

    /// A topic that is fed from itself never comes to rest.
    fn check_cycles(&self, reader: &Reader<'_>) -> Checked {
        let mut reached: BTreeMap<Topic<'_>, BTreeSet<Topic<'_>>> = BTreeMap::new();
        for (from, to, path) in &self.edges {
            let mut onward: BTreeSet<Topic<'_>> = reached.get(to).cloned().unwrap_or_default();
            onward.insert(*to);
            if onward.contains(from) {
                return Err(reader.error(
                    path,
                    format!("`broker.{}/{}` is fed from itself: a cycle", from.0, from.1),
                    "events would go round for ever: let this service write elsewhere",
                ));
            }
            for (topic, targets) in &mut reached {
                if topic == from || targets.contains(from) {
                    targets.extend(onward.iter().copied());
                }
            }
            reached.entry(*from).or_default().extend(onward);
        }
        Ok(())
    }
}

fn topic_of<'a>(
    reader: &Reader<'_>,
    scenario: &'a Scenario,
    path: &str,
    text: &'a str,
    why: &str,
) -> Result<Topic<'a>, ScenarioError> {
    let Some(Place::Topic { broker, topic }) = place(text) else {
        return Err(reader.error(
            path,
            format!("{why}, and {text:?} is none"),
            "write \"broker.<name>/<topic>\"",
        ));
    };
    let Some((name, found)) = scenario.brokers.get_key_value(broker) else {
        let known = scenario.brokers.keys().map(String::as_str);
        return Err(reader.error(
            path,
            format!("no broker is called `{broker}`"),
            suggest(broker, "brokers", known),
        ));
    };
    let topics = found.topics();
    match topics.iter().find(|known| **known == topic) {
        Some(topic) => Ok((name.as_str(), topic)),
        None => Err(reader.error(
            path,
            format!("broker `{broker}` has no topic `{topic}`"),
            suggest(topic, "topics", topics),
        )),
    }
}

fn sink_of<'a>(
    reader: &Reader<'_>,
    scenario: &'a Scenario,
    path: &str,
    text: &str,
) -> Result<&'a str, ScenarioError> {
    let Some(Place::Sink(sink)) = place(text) else {
        return Err(reader.error(
            path,
            format!("a processor writes to a sink, and {text:?} is none"),
            "write \"sink.<name>\"",
        ));
    };
    match scenario.sinks.get_key_value(sink) {
        Some((name, _)) => Ok(name),
        None => Err(reader.error(
            path,
            format!("no sink is called `{sink}`"),
            suggest(sink, "sinks", scenario.sinks.keys().map(String::as_str)),
        )),
    }
}

fn known(
    reader: &Reader<'_>,
    path: &str,
    name: &str,
    what: &str,
    names: Option<&BTreeSet<String>>,
) -> Checked {
    match names {
        Some(names) if !names.contains(name) => Err(reader.error(
            path,
            format!("unknown {what} `{name}`"),
            suggest(name, &format!("{what}s"), names.iter().map(String::as_str)),
        )),
        Some(_) | None => Ok(()),
    }
}

/// Several open writes of a partition have positions of their own, and end in any order.
fn in_flight(
    reader: &Reader<'_>,
    scenario: &Scenario,
    path: &str,
    processor: &ProcessorConfig,
    (broker, sink): (&str, &str),
) -> Checked {
    if processor.in_flight == 1 {
        return Ok(());
    }
    let what = if !matches!(scenario.brokers[broker], BrokerSpec::Log(_)) {
        "which an input without positions has not"
    } else if processor.delivery != DeliveryMode::AtLeastOnce {
        "which only at-least-once can tell apart"
    } else if processor.window.is_some() {
        "which windows have not"
    } else if scenario.sinks[sink].kind == SinkKind::Upsert {
        "and an upsert drops the one that was overtaken without a trace"
    } else {
        return Ok(());
    };
    Err(reader.error(
        path,
        format!("several writes open at once need positions of their own, {what}"),
        "choose 1, or at-least-once on a log broker without windows, to a sink that appends",
    ))
}

/// Exactly-once keeps rows and position in one transaction: it needs a position and a transaction.
fn delivery(
    reader: &Reader<'_>,
    scenario: &Scenario,
    part: &str,
    mode: DeliveryMode,
    broker: &str,
    sink: &str,
) -> Checked {
    let is_log = matches!(scenario.brokers[broker], BrokerSpec::Log(_));
    let path = format!("{part}.delivery");
    match mode {
        DeliveryMode::AtMostOnce | DeliveryMode::AtLeastOnce => {
            let transactional = scenario.sinks[sink].kind == SinkKind::Transactional;
            if transactional && !is_log {
                return Err(reader.error(
                    &format!("{part}.to"),
                    format!(
                        "sink `{sink}` is transactional and needs positions, which a {} has not",
                        scenario.brokers[broker].kind()
                    ),
                    "read from a log broker, or write to an append or upsert sink",
                ));
            }
            Ok(())
        }
        DeliveryMode::ExactlyOnce if !is_log => Err(reader.error(
            &path,
            format!(
                "exactly-once needs a log broker, and `{broker}` is a {}",
                scenario.brokers[broker].kind()
            ),
            "only a log has positions to keep with the rows: use at-least-once, or a log broker",
        )),
        DeliveryMode::ExactlyOnce if scenario.sinks[sink].kind != SinkKind::Transactional => {
            Err(reader.error(
                &path,
                format!("exactly-once needs a transactional sink, and `{sink}` is none"),
                format!("write kind = \"transactional\" for sink.{sink}, or use at-least-once"),
            ))
        }
        DeliveryMode::ExactlyOnce => Ok(()),
    }
}

fn profile_and_expectations(reader: &Reader<'_>, scenario: &Scenario, names: &Names) -> Checked {
    let profile = &scenario.profile.name;
    if !hardware::is_file(profile) {
        let profiles = names.profiles.as_ref();
        known(reader, "profile.name", profile, "profile", profiles)?;
    }
    for (index, check) in scenario.expect.checks.iter().enumerate() {
        let path = format!("expect.checks.{index}");
        known(reader, &path, check, "check", names.checks.as_ref())?;
    }
    for (index, check) in scenario.expect.found_by.iter().enumerate() {
        let path = format!("expect.found_by.{index}");
        known(reader, &path, check, "check", names.checks.as_ref())?;
    }
    if scenario.expect.found_within == Some(0) {
        return Err(reader.error(
            "expect.found_within",
            "nothing is found in 0 seeds",
            "write in how many seeds, by the median, the failure has to show, such as 5",
        ));
    }
    for (index, point) in scenario.expect.points.iter().enumerate() {
        let path = format!("expect.points.{index}");
        known(reader, &path, &point.name, "point", names.points.as_ref())?;
    }
    for (index, slo) in scenario.expect.slo.iter().enumerate() {
        if let Some(mistake) = misplaced(slo, scenario) {
            let path = format!("expect.slo.{index}");
            return Err(reader.error(&path, mistake.message, mistake.hint));
        }
    }
    Ok(())
}

/// The mistake of an objective about windows or a planned fault which the scenario does not have.
pub(crate) fn misplaced(slo: &Slo, scenario: &Scenario) -> Option<SloError> {
    let mut processors = scenario.processors.values();
    if slo.metric == Metric::Late && processors.all(|processor| processor.window.is_none()) {
        return Some(SloError {
            span: 0..slo.text.len(),
            message: String::from("nothing can be late: no processor has windows of event time"),
            hint: String::from(
                "add [processor.<name>.window], or bound how late events come by p99.9(end-to-end)",
            ),
        });
    }
    let Some(During::Planned(name)) = &slo.during else {
        return None;
    };
    let planned = || {
        let faults = scenario.faults.planned.iter();
        faults.map(|fault| fault.name.as_str())
    };
    if planned().any(|known| known == name) {
        return None;
    }
    Some(SloError {
        span: slo.planned_span(),
        message: format!("no planned fault is called '{name}'"),
        hint: suggest(name, "planned faults", planned()),
    })
}

/// All parts by their full name, with their number of nodes.
#[must_use]
pub(crate) fn parts(scenario: &Scenario) -> BTreeMap<String, u16> {
    let mut parts = BTreeMap::new();
    for name in scenario.sources.keys() {
        parts.insert(format!("source.{name}"), 1);
    }
    for (name, broker) in &scenario.brokers {
        parts.insert(format!("broker.{name}"), broker.nodes());
    }
    for (name, processor) in &scenario.processors {
        parts.insert(format!("processor.{name}"), processor.nodes);
    }
    for name in scenario.sinks.keys() {
        parts.insert(format!("sink.{name}"), 1);
    }
    for (name, service) in &scenario.services {
        parts.insert(format!("service.{name}"), service.nodes);
    }
    for name in scenario.leases.keys() {
        parts.insert(format!("lease.{name}"), 1);
    }
    parts
}

fn faults(reader: &Reader<'_>, scenario: &Scenario, names: &Names) -> Checked {
    let parts = parts(scenario);
    for part in scenario.faults.withstands.keys() {
        if !parts.contains_key(part) {
            return Err(reader.error(
                &format!("faults.withstands.{part}"),
                format!("no part is called `{part}`"),
                suggest(part, "parts", parts.keys().map(String::as_str)),
            ));
        }
    }
    let mut seen = BTreeSet::new();
    for (index, fault) in scenario.faults.planned.iter().enumerate() {
        let at = |key: &str| format!("faults.planned.{index}.{key}");
        if !seen.insert(&fault.name) {
            return Err(reader.error(
                &at("name"),
                format!("two planned faults are called '{}'", fault.name),
                "give each a name of its own, since objectives go by it",
            ));
        }
        for part in target::parts(&fault.target) {
            if !parts.contains_key(&part) {
                let hint = match nearest(&part, parts.keys().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => suggest(&part, "parts", parts.keys().map(String::as_str)),
                };
                return Err(reader.error(
                    &at("target"),
                    format!("no part is called `{part}`"),
                    hint,
                ));
            }
        }
        role(reader, scenario, &at("target"), &fault.target)?;
        node(reader, &parts, &at("target"), &fault.target)?;
        let kind = fault.kind.to_fault();
        match &kind {
            FaultKind::CrashAt { point, .. } | FaultKind::YieldAt { point, .. } => {
                known(reader, &at("point"), point, "point", names.points.as_ref())?;
            }
            FaultKind::Drop { class, .. } | FaultKind::Reset { class, .. } => {
                known(reader, &at("class"), class, "class", names.classes.as_ref())?;
            }
            FaultKind::Delay { class, .. } | FaultKind::Quota { class, .. }
                if !class.is_empty() =>
            {
                known(reader, &at("class"), class, "class", names.classes.as_ref())?;
            }
            FaultKind::Delay { .. }
            | FaultKind::Quota { .. }
            | FaultKind::Crash
            | FaultKind::PowerLoss { .. }
            | FaultKind::Pause { .. }
            | FaultKind::Partition
            | FaultKind::Oneway
            | FaultKind::Loss { .. }
            | FaultKind::Duplicate { .. }
            | FaultKind::SlowDisk { .. }
            | FaultKind::DiskFull
            | FaultKind::FailedSync
            | FaultKind::Corrupt
            | FaultKind::SlowNode { .. }
            | FaultKind::SlowLink { .. }
            | FaultKind::ClockStep { .. }
            | FaultKind::ClockDrift { .. }
            | FaultKind::LeapSecond
            | FaultKind::ClockFreeze
            | FaultKind::Control(_) => takes(reader, &at("target"), &kind, &fault.target)?,
            FaultKind::ClockSlew { parts, .. } => {
                if *parts == 0 {
                    return Err(reader.error(
                        &at("ppm"),
                        "a clock that is moved by 0 ppm does not move",
                        "write how fast, such as 500",
                    ));
                }
            }
        }
    }
    Ok(())
}

/// What only a processor can be told is told to processors.
fn takes(reader: &Reader<'_>, path: &str, kind: &FaultKind, target: &Target) -> Checked {
    let FaultKind::Control(Control::Leave | Control::Poison { .. }) = kind else {
        return Ok(());
    };
    let parts = target::parts(target);
    match parts.iter().find(|part| !part.starts_with("processor.")) {
        Some(part) => Err(reader.error(
            path,
            format!("`{part}` is no processor"),
            "only a processor leaves a group or has an operator; write \"one of processor.…\"",
        )),
        None if parts.is_empty() => Err(reader.error(
            path,
            "a zone is no processor",
            "only a processor leaves a group or has an operator; write \"one of processor.…\"",
        )),
        None => Ok(()),
    }
}

/// Leaders and controllers are of log brokers, coordinators of processors that read from one.
fn role(reader: &Reader<'_>, scenario: &Scenario, path: &str, target: &Target) -> Checked {
    let is_log = |part: &str| {
        part.strip_prefix("broker.")
            .and_then(|name| scenario.brokers.get(name))
            .is_some_and(|broker| matches!(broker, BrokerSpec::Log(_)))
    };
    match target {
        Target::Leader(part) | Target::Controller(part) if !is_log(part) => Err(reader.error(
            path,
            format!("`{part}` has no leader and no controller"),
            "only a log broker has them; write \"one of …\" or a node",
        )),
        Target::Coordinator(part) => {
            let reads_log = part
                .strip_prefix("processor.")
                .and_then(|name| scenario.processors.get(name))
                .and_then(|processor| place(&processor.from))
                .is_some_and(|from| match from {
                    Place::Topic { broker, .. } => is_log(&format!("broker.{broker}")),
                    Place::Sink(_) => false,
                });
            if reads_log {
                return Ok(());
            }
            Err(reader.error(
                path,
                format!("`{part}` has no coordinator"),
                "the groups of processors that read from a log broker have one",
            ))
        }
        Target::Link(from, to) => {
            role(reader, scenario, path, from)?;
            role(reader, scenario, path, to)
        }
        Target::Set(ends) => ends
            .iter()
            .try_for_each(|end| role(reader, scenario, path, end)),
        Target::Leader(_)
        | Target::Controller(_)
        | Target::Node(_)
        | Target::OneOf(_, _)
        | Target::All(_)
        | Target::Zone(_) => Ok(()),
    }
}

/// A node by number exists.
fn node(
    reader: &Reader<'_>,
    parts: &BTreeMap<String, u16>,
    path: &str,
    target: &Target,
) -> Checked {
    match target {
        Target::Node(name) => {
            let (part, index) = name.rsplit_once('.').unwrap_or((name, ""));
            let nodes = parts.get(part).copied().unwrap_or(0);
            if index.parse::<u16>().is_ok_and(|index| index < nodes) {
                return Ok(());
            }
            Err(reader.error(
                path,
                format!("`{part}` has {nodes} nodes and none at {index}"),
                "nodes are counted from 0",
            ))
        }
        Target::Link(from, to) => {
            node(reader, parts, path, from)?;
            node(reader, parts, path, to)
        }
        Target::Set(ends) => ends
            .iter()
            .try_for_each(|end| node(reader, parts, path, end)),
        Target::Leader(_)
        | Target::Controller(_)
        | Target::Coordinator(_)
        | Target::OneOf(_, _)
        | Target::All(_)
        | Target::Zone(_) => Ok(()),
    }
}

/// The zones that planned faults strike are those of the hardware.
///
/// # Errors
/// At the first target of a zone that is not there.
pub fn check_zones(reader: &Reader<'_>, scenario: &Scenario, zones: u16) -> Checked {
    for (index, fault) in scenario.faults.planned.iter().enumerate() {
        let named = target::zones(&fault.target);
        if let Some(zone) = named.into_iter().find(|zone| *zone >= zones) {
            let letters = zone_letters(zone);
            let what = match zones {
                1 => "all nodes of the profile stand in one zone".to_owned(),
                _ => format!("the profile has zones `a` to `{}`", zone_letters(zones - 1)),
            };
            return Err(reader.error(
                &format!("faults.planned.{index}.target"),
                format!("no zone is called `{letters}`: {what}"),
                "choose a profile with zones, such as three-zones",
            ));
        }
    }
    Ok(())
}
