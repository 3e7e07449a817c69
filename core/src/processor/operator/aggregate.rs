//! A number for each key, told anew with every event of the key.

use super::Operator;
use crate::event::Event;
use crate::fixed_map::FixedMap;

/// Counts events or sums their values, by key.
#[derive(Debug)]
pub(super) struct ByKey {
    totals: FixedMap<u64, i64>,
    adds: fn(&Event) -> i64,
}

impl ByKey {
    /// Counts.
    pub(super) fn count() -> ByKey {
        ByKey {
            totals: FixedMap::new(),
            adds: |_| 1,
        }
    }

    /// Sums; it wraps.
    pub(super) fn sum() -> ByKey {
        ByKey {
            totals: FixedMap::new(),
            adds: |event| event.value,
        }
    }
}

impl Operator for ByKey {
    fn apply(&mut self, event: &Event, out: &mut Vec<Event>) {
        let added = (self.adds)(event);
        let total = self.totals.entry_or_insert_with(event.key, || 0);
        *total = total.wrapping_add(added);
        out.push(Event {
            value: *total,
            ..*event
        });
    }

    fn snapshot(&self) -> Vec<(u64, i64)> {
        let totals = self.totals.sorted().into_iter();
        totals.map(|(key, total)| (*key, *total)).collect()
    }

    fn restore(&mut self, state: &[(u64, i64)]) {
        self.totals.clear();
        for (key, total) in state {
            self.totals.insert(*key, *total);
        }
    }

    fn is_stateful(&self) -> bool {
        true
    }
}
