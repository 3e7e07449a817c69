//! An operator of yours in the reference processor: `cargo run --example own_operator -- run
//! ci/examples/own_operator.toml`. Positions, checkpoints and retries stay the processor's business.

use std::collections::BTreeMap;
use std::process::ExitCode;
use stormglass::Catalog;
use stormglass::core::event::Event;
use stormglass::core::processor::operator::Operator;

/// Passes on what beats every earlier value of its key.
#[derive(Default)]
struct Records {
    best: BTreeMap<u64, i64>,
}

impl Operator for Records {
    fn apply(&mut self, event: &Event, out: &mut Vec<Event>) {
        let best = self.best.entry(event.key).or_insert(i64::MIN);
        if event.value > *best {
            *best = event.value;
            // The id and the due time stay, so that latency and loss can be told at the sink.
            out.push(*event);
        }
    }

    fn snapshot(&self) -> Vec<(u64, i64)> {
        self.best.iter().map(|(key, best)| (*key, *best)).collect()
    }

    fn restore(&mut self, state: &[(u64, i64)]) {
        self.best = state.iter().copied().collect();
    }

    fn is_stateful(&self) -> bool {
        true
    }
}

/// The same with a hole: it forgets to take over its state, so after a restart every first value is a record.
#[derive(Default)]
struct Forgetful(Records);

impl Operator for Forgetful {
    fn apply(&mut self, event: &Event, out: &mut Vec<Event>) {
        self.0.apply(event, out);
    }

    fn snapshot(&self) -> Vec<(u64, i64)> {
        self.0.snapshot()
    }

    fn restore(&mut self, _: &[(u64, i64)]) {}

    fn is_stateful(&self) -> bool {
        true
    }
}

/// What Stormglass brings, and the parts of this file.
pub fn catalog() -> Catalog {
    Catalog::new()
        .operator("records", || Box::new(Records::default()))
        .operator("forgetful-records", || Box::new(Forgetful::default()))
}

fn main() -> ExitCode {
    stormglass::main(&catalog())
}
