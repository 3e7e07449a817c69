//! A scenario as TOML again: what a shrunk failure is saved as. Printing and loading give the same scenario.

use crate::hardware::Hardware;
use crate::spec::faults::{EnvelopeRule, FaultsSpec, PlannedFault};
use crate::spec::{BrokerSpec, ClocksSpec, Scenario};
use serde::Serialize;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// The scenario as it was written, defaults spelled out.
#[must_use]
pub fn print(scenario: &Scenario) -> String {
    print_table(&scenario.question, &table(scenario))
}

/// The sections in the order in which data flows, as people write them.
const SECTIONS: &[&str] = &[
    "name",
    "run",
    "source",
    "broker",
    "processor",
    "sink",
    "service",
    "profile",
    "faults",
    "expect",
];

/// A tree of settings under the question that it asks, a comment line for each of its lines.
pub(crate) fn print_table(question: &str, table: &Table) -> String {
    let mut text = String::new();
    for line in question.lines() {
        text.push_str(format!("# {line}").trim_end());
        text.push('\n');
    }
    let mut table = table.clone();
    let events = take_events(&mut table);
    let first = SECTIONS.iter().map(|name| (*name).to_owned());
    let others = table
        .keys()
        .filter(|name| !SECTIONS.contains(&name.as_str()));
    let order: Vec<String> = first.chain(others.cloned()).collect();
    for name in order {
        if let Some(value) = table.remove(&name) {
            if value.is_table() {
                text.push('\n');
            }
            text.push_str(&Table::from_iter([(name.clone(), value)]).to_string());
        }
        if name == "source" {
            for (source, events) in &events {
                text.push_str(&format!("\n[source.{source}.arrival]\nevents = [\n"));
                for event in events {
                    text.push_str(&format!("    {event},\n"));
                }
                text.push_str("]\n");
            }
        }
    }
    text
}

/// Takes listed events out of a tree: they are printed one a line.
fn take_events(root: &mut Table) -> Vec<(String, Vec<Value>)> {
    let mut taken = Vec::new();
    let Some(Value::Table(sources)) = root.get_mut("source") else {
        return taken;
    };
    for (name, source) in sources {
        let Value::Table(source) = source else {
            continue;
        };
        let Some(Value::Table(arrival)) = source.get_mut("arrival") else {
            continue;
        };
        if let Some(Value::Array(events)) = arrival.remove("events") {
            source.remove("arrival");
            taken.push((name.clone(), events));
        }
    }
    taken
}

/// The scenario as a tree of settings, defaults spelled out.
pub(crate) fn table(scenario: &Scenario) -> Table {
    let mut root = Table::new();
    root.insert("name".into(), value(&scenario.name));
    root.insert("run".into(), value(&scenario.run));
    section(&mut root, "source", parts(&scenario.sources));
    section(
        &mut root,
        "broker",
        scenario
            .brokers
            .iter()
            .map(|(name, broker)| (name.clone(), broker_table(broker)))
            .collect(),
    );
    section(&mut root, "processor", parts(&scenario.processors));
    section(&mut root, "sink", parts(&scenario.sinks));
    section(&mut root, "service", parts(&scenario.services));
    section(&mut root, "lease", parts(&scenario.leases));
    if scenario.clocks != ClocksSpec::default() {
        root.insert("clocks".into(), value(&scenario.clocks));
    }
    root.insert("profile".into(), value(&scenario.profile));
    root.insert("faults".into(), Value::Table(faults(&scenario.faults)));
    root.insert("expect".into(), value(&scenario.expect));
    root
}

/// Every setting by its path, such as `broker.main.producer.acks`, and its value as a file would write it.
#[must_use]
pub fn settings(scenario: &Scenario) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    flatten("", &table(scenario), &mut settings);
    settings
}

/// Every figure of the hardware by its path, such as `disk.write`.
#[must_use]
pub fn hardware(hardware: &Hardware) -> BTreeMap<String, String> {
    let mut figures = BTreeMap::new();
    if let Value::Table(table) = value(hardware) {
        flatten("", &table, &mut figures);
    }
    figures
}

fn flatten(prefix: &str, table: &Table, settings: &mut BTreeMap<String, String>) {
    for (name, value) in table {
        let path = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            Value::Table(inner) => flatten(&path, inner, settings),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_) => {
                settings.insert(path, value.to_string());
            }
        }
    }
}

/// Any plain setting as TOML. Every type of a scenario is a struct or an enum with text keys, which TOML has.
pub(crate) fn value<T: Serialize>(item: &T) -> Value {
    Value::try_from(item).expect("settings have text keys and values that TOML has")
}

fn section(root: &mut Table, name: &str, parts: Table) {
    if !parts.is_empty() {
        root.insert(name.to_owned(), Value::Table(parts));
    }
}

fn parts<T: Serialize>(parts: &BTreeMap<String, T>) -> Table {
    parts
        .iter()
        .map(|(name, part)| (name.clone(), value(part)))
        .collect()
}

/// The settings of a broker with its kind among them.
pub(crate) fn broker_table(broker: &BrokerSpec) -> Value {
    let mut settings = match broker {
        BrokerSpec::Log(config) => value(config),
        BrokerSpec::Queue(config) => value(config),
        BrokerSpec::Fanout(config) => value(config),
    };
    if let Value::Table(settings) = &mut settings {
        settings.insert("kind".into(), Value::String(broker.kind().to_owned()));
    }
    settings
}

fn faults(faults: &FaultsSpec) -> Table {
    let mut table = Table::new();
    table.insert("swarm".into(), value(&faults.swarm));
    table.insert("max".into(), value(&faults.max));
    table.insert(
        "templates".into(),
        value(&(f64::from(faults.templates) / 1e6)),
    );
    if faults.envelope != EnvelopeRule::Inside {
        table.insert("envelope".into(), value(&faults.envelope));
    }
    if !faults.withstands.is_empty() {
        table.insert("withstands".into(), value(&faults.withstands));
    }
    if !faults.planned.is_empty() {
        let planned = faults.planned.iter().map(planned).collect();
        table.insert("planned".into(), Value::Array(planned));
    }
    table
}

fn planned(fault: &PlannedFault) -> Value {
    let mut table = Table::new();
    // A kind is a table of one key, its name, with its settings below.
    if let Value::Table(kind) = value(&fault.kind) {
        for (name, settings) in kind {
            table.insert("kind".into(), Value::String(name));
            if let Value::Table(settings) = settings {
                table.extend(settings);
            }
        }
    }
    let mut target = fault.target.to_string();
    if fault.draws_node {
        target = target.replace(" #0", "");
    }
    table.insert("name".into(), value(&fault.name));
    table.insert("at".into(), Value::String(fault.at.to_string()));
    table.insert("lasts".into(), Value::String(fault.lasts.to_string()));
    table.insert("target".into(), Value::String(target));
    Value::Table(table)
}
