//! Drops events that say what their key has said last.

use super::Operator;
use crate::event::Event;
use crate::fixed_map::FixedMap;

/// The last value of each key.
#[derive(Debug, Default)]
pub(super) struct Dedup(FixedMap<u64, i64>);

impl Operator for Dedup {
    fn apply(&mut self, event: &Event, out: &mut Vec<Event>) {
        if self.0.insert(event.key, event.value) != Some(event.value) {
            out.push(*event);
        }
    }

    fn snapshot(&self) -> Vec<(u64, i64)> {
        let last = self.0.sorted().into_iter();
        last.map(|(key, value)| (*key, *value)).collect()
    }

    fn restore(&mut self, state: &[(u64, i64)]) {
        self.0.clear();
        for (key, value) in state {
            self.0.insert(*key, *value);
        }
    }

    fn is_stateful(&self) -> bool {
        true
    }
}
