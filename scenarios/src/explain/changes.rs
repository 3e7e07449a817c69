//! What could have been otherwise: a fault that does not happen, a setting that is stronger.

use serde::Serialize;
use stormglass_core::time::Span;
use stormglass_core::units::{parse_span, print_span};
use toml::{Table, Value};

/// What sort of change it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// A fault is left out: it tells what the failure needs.
    Fault,
    /// A setting that a promise rests on is made stronger: it may be a fix.
    Setting,
    /// A wait is made longer or shorter. A failure that goes away with it has moved and is not gone, so it is
    /// shown and never called a fix.
    Timing,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What sort.
    pub sort: Sort,
    /// How it reads.
    pub label: String,
    /// The fault that is left out, by its position.
    pub without: Option<usize>,
    /// Settings by path, and their new values.
    pub set: Vec<(Vec<String>, Value)>,
}

impl Change {
    fn set(sort: Sort, set: Vec<(Vec<String>, Value)>) -> Change {
        let parts = set
            .iter()
            .map(|(path, value)| format!("{} = {value}", path.join(".")));
        Change {
            sort,
            label: parts.collect::<Vec<_>>().join(", "),
            without: None,
            set,
        }
    }

    /// Whether this change makes the other one too.
    #[must_use]
    pub fn includes(&self, other: &Change) -> bool {
        !other.set.is_empty() && other.set.iter().all(|one| self.set.contains(one))
    }

    /// Makes the change in a tree of settings. Settings that the tree lacks are added.
    pub fn apply(&self, tree: &mut Table) {
        if let Some(index) = self.without
            && let Some(Value::Table(faults)) = tree.get_mut("faults")
            && let Some(Value::Array(planned)) = faults.get_mut("planned")
            && index < planned.len()
        {
            planned.remove(index);
        }
        for (path, value) in &self.set {
            put(tree, path, value);
        }
    }
}

fn put(tree: &mut Table, path: &[String], value: &Value) {
    let Some((last, way)) = path.split_last() else {
        return;
    };
    let mut at = tree;
    for name in way {
        let next = at
            .entry(name.clone())
            .or_insert_with(|| Value::Table(Table::new()));
        let Value::Table(next) = next else { return };
        at = next;
    }
    at.insert(last.clone(), value.clone());
}

/// Everything worth trying with a scenario whose settings are all spelled out in `tree`.
#[must_use]
pub fn changes(tree: &Table) -> Vec<Change> {
    let mut found = without_faults(tree);
    for (section, name, part) in parts(tree) {
        let at = |keys: &[&str]| -> Vec<String> {
            let names = [section, name].into_iter().chain(keys.iter().copied());
            names.map(str::to_owned).collect()
        };
        flaws(part, &at, &mut found);
        match section {
            "broker" => broker(part, &at, &mut found),
            "processor" => processor(tree, part, &at, &mut found),
            "sink" => sink(part, &at, &mut found),
            "lease" => lease(part, &at, &mut found),
            _ => {}
        }
    }
    found
}

fn without_faults(tree: &Table) -> Vec<Change> {
    let planned = tree.get("faults").and_then(|faults| faults.get("planned"));
    let faults = planned.and_then(Value::as_array).into_iter().flatten();
    faults
        .enumerate()
        .map(|(index, fault)| {
            let text = |key: &str| fault.get(key).and_then(Value::as_str).unwrap_or_default();
            Change {
                sort: Sort::Fault,
                label: format!(
                    "without '{}' ({} on {})",
                    text("name"),
                    text("kind"),
                    text("target")
                ),
                without: Some(index),
                set: Vec::new(),
            }
        })
        .collect()
}

/// Every part: its section, its name, its settings.
fn parts(tree: &Table) -> Vec<(&str, &str, &Table)> {
    let sections = tree.iter().filter_map(|(section, parts)| {
        let parts = parts.as_table()?;
        Some(parts.iter().filter_map(move |(name, part)| {
            Some((section.as_str(), name.as_str(), part.as_table()?))
        }))
    });
    sections.flatten().collect()
}

/// The path of a setting of one part.
type At<'a> = &'a dyn Fn(&[&str]) -> Vec<String>;

fn text<'a>(part: &'a Table, keys: &[&str]) -> Option<&'a str> {
    get(part, keys).and_then(Value::as_str)
}

fn number(part: &Table, keys: &[&str]) -> Option<i64> {
    get(part, keys).and_then(Value::as_integer)
}

fn get<'a>(part: &'a Table, keys: &[&str]) -> Option<&'a Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter()
        .try_fold(part.get(*first)?, |value, key| value.get(*key))
}

/// A planted flaw is taken out alone, so that of two the one that decides is named.
fn flaws(part: &Table, at: At<'_>, found: &mut Vec<Change>) {
    let planted = part.get("flaws").and_then(Value::as_array);
    let planted: &[Value] = planted.map_or(&[], Vec::as_slice);
    for flaw in planted {
        let left = planted.iter().filter(|other| *other != flaw);
        let mut change = Change::set(
            Sort::Setting,
            vec![(at(&["flaws"]), Value::Array(left.cloned().collect()))],
        );
        change.label = format!("{} without {flaw}", at(&["flaws"]).join("."));
        found.push(change);
    }
}

fn longer(part: &Table, keys: &[&str], at: At<'_>, found: &mut Vec<Change>) {
    let Some(span) = text(part, keys).and_then(|text| parse_span(text).ok()) else {
        return;
    };
    if span > Span::ZERO {
        let value = Value::String(print_span(span * 2));
        found.push(Change::set(Sort::Timing, vec![(at(keys), value)]));
    }
}

fn broker(part: &Table, at: At<'_>, found: &mut Vec<Change>) {
    let acks = || (at(&["producer", "acks"]), Value::from("all"));
    let weak_acks = text(part, &["producer", "acks"]).is_some_and(|acks| acks != "all");
    if weak_acks {
        found.push(Change::set(Sort::Setting, vec![acks()]));
    }
    let idempotence = &["producer", "enable_idempotence"];
    if get(part, idempotence) == Some(&Value::Boolean(false)) {
        let mut set = vec![(at(idempotence), Value::Boolean(true))];
        if weak_acks {
            set.push(acks());
        }
        found.push(Change::set(Sort::Setting, set));
    }
    let unclean = &["unclean_leader_election_enable"];
    if get(part, unclean) == Some(&Value::Boolean(true)) {
        let set = vec![(at(unclean), Value::Boolean(false))];
        found.push(Change::set(Sort::Setting, set));
    }
    let restarted = &["restarted_replica"];
    if text(part, restarted) == Some("stays") {
        let set = vec![(at(restarted), Value::from("resyncs"))];
        found.push(Change::set(Sort::Setting, set));
    }
    let truncation = &["follower_truncation"];
    if text(part, truncation) == Some("high-watermark") {
        let set = vec![(at(truncation), Value::from("epoch"))];
        found.push(Change::set(Sort::Setting, set));
    }
    let first = &["first_sequence"];
    if text(part, first) == Some("any") {
        let set = vec![(at(first), Value::from("zero"))];
        found.push(Change::set(Sort::Setting, set));
    }
    let detection = &["consumer", "truncation_detection"];
    if text(part, detection) == Some("none") {
        let set = vec![(at(detection), Value::from("epoch"))];
        found.push(Change::set(Sort::Setting, set));
    }
    let in_sync = number(part, &["min_insync_replicas"]);
    let replicas = number(part, &["replication_factor"]);
    if let (Some(in_sync), Some(replicas)) = (in_sync, replicas)
        && in_sync < replicas
    {
        let mut set = vec![(at(&["min_insync_replicas"]), Value::from(in_sync + 1))];
        if weak_acks {
            set.push(acks());
        }
        found.push(Change::set(Sort::Setting, set));
    }
    if let (Some(replicas), Some(nodes)) = (replicas, number(part, &["nodes"]))
        && replicas < nodes
    {
        let set = vec![(at(&["replication_factor"]), Value::from(nodes))];
        found.push(Change::set(Sort::Setting, set));
    }
    if number(part, &["flush_interval_batches"]) == Some(0) {
        let set = vec![(at(&["flush_interval_batches"]), Value::from(1))];
        found.push(Change::set(Sort::Setting, set));
    }
    if text(part, &["consumer", "auto_offset_reset"]) == Some("latest") {
        let set = vec![(
            at(&["consumer", "auto_offset_reset"]),
            Value::from("earliest"),
        )];
        found.push(Change::set(Sort::Setting, set));
    }
    synced(part, at, found);
    for keys in [
        &["producer", "linger"][..],
        &["producer", "retry_backoff"],
        &["publisher", "retry_backoff"],
        &["broker_session_timeout"],
        &["consumer", "session_timeout"],
    ] {
        longer(part, keys, at, found);
    }
    let topics = part.get("topics").and_then(Value::as_table);
    for topic in topics.into_iter().flat_map(Table::keys) {
        for key in ["visibility_timeout", "delivery_timeout"] {
            longer(part, &["topics", topic, key], at, found);
        }
    }
}

fn synced(part: &Table, at: At<'_>, found: &mut Vec<Change>) {
    if part.get("sync_before_ack") == Some(&Value::Boolean(false)) {
        let set = vec![(at(&["sync_before_ack"]), Value::Boolean(true))];
        found.push(Change::set(Sort::Setting, set));
    }
}

fn processor(tree: &Table, part: &Table, at: At<'_>, found: &mut Vec<Change>) {
    let delivery = |mode: &str| (at(&["delivery"]), Value::from(mode));
    let mode = text(part, &["delivery"]).unwrap_or_default();
    if mode == "at-most-once" {
        found.push(Change::set(Sort::Setting, vec![delivery("at-least-once")]));
    }
    let from_log = text(part, &["from"])
        .and_then(|from| from.split_once('/'))
        .is_some_and(|(broker, _)| {
            let path: Vec<&str> = broker.split('.').chain(["kind"]).collect();
            text(tree, &path) == Some("log")
        });
    if mode != "exactly-once" && from_log {
        let mut set = vec![delivery("exactly-once")];
        if let Some(sink) = text(part, &["to"]) {
            let path: Vec<&str> = sink.split('.').chain(["kind"]).collect();
            if text(tree, &path) != Some("transactional") {
                let path = path.into_iter().map(str::to_owned).collect();
                set.push((path, Value::from("transactional")));
            }
        }
        found.push(Change::set(Sort::Setting, set));
    }
    if text(part, &["commit"]).is_some_and(|commit| commit != "contiguous") {
        let set = vec![(at(&["commit"]), Value::from("contiguous"))];
        found.push(Change::set(Sort::Setting, set));
    }
    for key in ["checkpoint", "retry_backoff", "request_timeout"] {
        longer(part, &[key], at, found);
    }
}

fn sink(part: &Table, at: At<'_>, found: &mut Vec<Change>) {
    if text(part, &["kind"]) == Some("append") {
        let set = vec![(at(&["kind"]), Value::from("upsert"))];
        found.push(Change::set(Sort::Setting, set));
    }
    synced(part, at, found);
}

fn lease(part: &Table, at: At<'_>, found: &mut Vec<Change>) {
    if text(part, &["clock"]) == Some("wall") {
        let set = vec![(at(&["clock"]), Value::from("monotonic"))];
        found.push(Change::set(Sort::Setting, set));
    }
    longer(part, &["duration"], at, found);
}
