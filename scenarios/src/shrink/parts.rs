//! Fewer parts and plainer settings, but for those that a promise names.

use super::trial::Trials;
use crate::spec::{BrokerSpec, Place, Scenario, place, print, target};
use toml::{Table, Value};

/// Settings that promises name, or that say what is modelled: a shrink that changed them would answer another
/// question.
const KEPT: &[&str] = &[
    "acks",
    "auto_offset_reset",
    // The defaults are longer than what a short schedule needs.
    "chaos",
    "checks",
    "commit",
    "delivery",
    "enable_idempotence",
    "first_sequence",
    "flaws",
    "flush_interval_batches",
    "follower_truncation",
    "kind",
    "min_insync_replicas",
    "name",
    "operator",
    "replication_factor",
    "restarted_replica",
    "service",
    "sync_before_ack",
    "time_scale",
    "truncation_detection",
    "unclean_leader_election_enable",
    "warmup",
];

/// Removes whole pipelines: a processor or service with what only it needs.
pub fn fewer(scenario: Scenario, trials: &mut Trials<'_>) -> Scenario {
    let mut scenario = scenario;
    let processors = scenario.processors.keys().cloned();
    let services = scenario.services.keys().cloned();
    let names: Vec<(bool, String)> = processors
        .map(|name| (true, name))
        .chain(services.map(|name| (false, name)))
        .collect();
    for (is_processor, name) in names {
        let mut candidate = scenario.clone();
        if is_processor {
            candidate.processors.remove(&name);
        } else {
            candidate.services.remove(&name);
        }
        prune(&mut candidate);
        if trials.fails(&candidate) {
            scenario = candidate;
        }
    }
    scenario
}

/// Removes what has lost its last user: sinks without writers, topics without readers, sources without topics.
fn prune(scenario: &mut Scenario) {
    let reads = |topic: &str| {
        scenario.processors.values().any(|one| one.from == topic)
            || (scenario.services.values()).any(|one| one.from.as_deref() == Some(topic))
    };
    scenario.sources.retain(|_, source| reads(&source.to));
    for (broker, spec) in &mut scenario.brokers {
        let used = |topic: &String| reads(&format!("broker.{broker}/{topic}"));
        match spec {
            BrokerSpec::Log(config) => config.topics.retain(|topic, _| used(topic)),
            BrokerSpec::Queue(config) => config.topics.retain(|topic, _| used(topic)),
            BrokerSpec::Fanout(config) => config.topics.retain(|topic, _| used(topic)),
        }
    }
    scenario.brokers.retain(|_, spec| !spec.topics().is_empty());
    let writes = |sink: &str| {
        let is_it = |to: &str| place(to) == Some(Place::Sink(sink));
        scenario.processors.values().any(|one| is_it(&one.to))
            || (scenario.services.values()).any(|one| one.to.as_deref().is_some_and(is_it))
    };
    scenario.sinks.retain(|sink, _| writes(sink));
    let parts = parts(scenario);
    scenario.faults.planned.retain(|fault| {
        target::parts(&fault.target)
            .iter()
            .all(|name| parts.contains(name))
    });
}

/// The full names of all parts.
fn parts(scenario: &Scenario) -> Vec<String> {
    let sections: [(&str, Vec<&String>); 5] = [
        ("source", scenario.sources.keys().collect()),
        ("broker", scenario.brokers.keys().collect()),
        ("processor", scenario.processors.keys().collect()),
        ("sink", scenario.sinks.keys().collect()),
        ("service", scenario.services.keys().collect()),
    ];
    let names = sections.iter();
    names
        .flat_map(|(section, names)| names.iter().map(move |name| format!("{section}.{name}")))
        .collect()
}

/// Leaves out every setting without which the scenario is the same, or fails the same way. Gives back the tree
/// to print.
pub fn plainer(scenario: &Scenario, trials: &mut Trials<'_>) -> (Scenario, Table) {
    let question = scenario.question.clone();
    let (mut scenario, mut tree) = (scenario.clone(), print::table(scenario));
    for path in leaves(&tree) {
        let mut candidate = tree.clone();
        remove(&mut candidate, &path);
        let Some((read, _)) = trials.assembled(&question, &candidate) else {
            continue;
        };
        if read == scenario {
            tree = candidate;
        } else if !path.iter().any(|name| KEPT.contains(&name.as_str()))
            && let Some(read) = trials.fails_as(&question, &candidate)
        {
            (scenario, tree) = (read, candidate);
        }
    }
    // Of several planted flaws only those stay that this failure needs.
    for path in leaves(&tree)
        .iter()
        .filter(|path| path.ends_with(&["flaws".to_owned()]))
    {
        let mut at = 0;
        while let Some(candidate) = without_one(&tree, path, at) {
            match trials.fails_as(&question, &candidate) {
                Some(read) => (scenario, tree) = (read, candidate),
                None => at += 1,
            }
        }
    }
    (scenario, tree)
}

/// The tree without the item `at` of a list of several; none if there is no such item.
fn without_one(tree: &Table, path: &[String], at: usize) -> Option<Table> {
    let mut candidate = tree.clone();
    let (last, way) = path.split_last()?;
    let inner = way.iter().try_fold(&mut candidate, |table, name| {
        table.get_mut(name).and_then(Value::as_table_mut)
    })?;
    let items = inner.get_mut(last)?.as_array_mut()?;
    (items.len() > 1 && at < items.len()).then(|| items.remove(at))?;
    Some(candidate)
}

/// The paths of all settings that a file could leave out; events and faults are cut elsewhere.
fn leaves(tree: &Table) -> Vec<Vec<String>> {
    fn below(prefix: &[String], table: &Table, paths: &mut Vec<Vec<String>>) {
        for (name, value) in table {
            let path = [prefix, std::slice::from_ref(name)].concat();
            match value {
                Value::Table(inner) if name != "arrival" => {
                    below(&path, inner, paths);
                    // A table that has become empty.
                    paths.push(path);
                }
                Value::Table(_) => {}
                Value::Array(_) if name == "planned" => {}
                Value::String(_)
                | Value::Integer(_)
                | Value::Float(_)
                | Value::Boolean(_)
                | Value::Datetime(_)
                | Value::Array(_) => paths.push(path),
            }
        }
    }
    let mut paths = Vec::new();
    below(&[], tree, &mut paths);
    paths
}

fn remove(tree: &mut Table, path: &[String]) {
    let Some((last, way)) = path.split_last() else {
        return;
    };
    let mut at = tree;
    for name in way {
        let Some(Value::Table(inner)) = at.get_mut(name) else {
            return;
        };
        at = inner;
    }
    // A part is removed with its pipeline, never as an empty table.
    let is_full = matches!(at.get(last), Some(Value::Table(inner)) if !inner.is_empty());
    if !is_full {
        at.remove(last);
    }
}
