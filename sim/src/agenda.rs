//! What happens next: a heap of 128-bit keys over a slab. Entries of one instant leave in the order they
//! came.

use slab::Slab;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use stormglass_core::time::Time;

/// Bits of the key that name the slot; the sequence takes the 40 bits above.
const SLOT_BITS: u32 = 24;

/// A queue of things to come.
#[derive(Debug)]
pub struct Agenda<T> {
    heap: BinaryHeap<Reverse<u128>>,
    slots: Slab<T>,
    sequence: u64,
}

impl<T> Default for Agenda<T> {
    fn default() -> Agenda<T> {
        Agenda {
            heap: BinaryHeap::new(),
            slots: Slab::new(),
            sequence: 0,
        }
    }
}

impl<T> Agenda<T> {
    /// An empty agenda.
    #[must_use]
    pub fn new() -> Agenda<T> {
        Agenda::default()
    }

    /// Puts `entry` at `time`, after everything already there.
    ///
    /// # Panics
    /// If more than 2²⁴ entries are waiting or 2⁴⁰ have been: both are far above the limits of a run.
    pub fn push(&mut self, time: Time, entry: T) {
        let slot = self.slots.insert(entry) as u128;
        assert!(slot < 1 << SLOT_BITS, "more than 2^24 entries are waiting");
        assert!(self.sequence < 1 << 40, "more than 2^40 entries in one run");
        let key = u128::from(time.0) << 64 | u128::from(self.sequence) << SLOT_BITS | slot;
        self.sequence += 1;
        self.heap.push(Reverse(key));
    }

    /// When the next entry is due.
    #[must_use]
    pub fn next_time(&self) -> Option<Time> {
        self.heap
            .peek()
            .map(|Reverse(key)| Time((key >> 64) as u64))
    }

    /// Takes the next entry that is due by `until`.
    pub fn pop_until(&mut self, until: Time) -> Option<(Time, T)> {
        let time = self.next_time().filter(|time| *time <= until)?;
        let Reverse(key) = self.heap.pop().expect("the heap was peeked at just above");
        Some((time, self.slots.remove(slot_of(key))))
    }

    /// Removes the entries that `keep` rejects; the others keep their order.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let slots = &mut self.slots;
        self.heap.retain(|Reverse(key)| {
            let slot = slot_of(*key);
            let kept = keep(&slots[slot]);
            if !kept {
                slots.remove(slot);
            }
            kept
        });
    }

    /// How many entries wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

/// The slot that a key names.
const fn slot_of(key: u128) -> usize {
    (key & ((1 << SLOT_BITS) - 1)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn entries_leave_by_time_and_ties_in_order_of_arrival(times in prop::collection::vec(0_u64..20, 0..200)) {
            let mut agenda = Agenda::new();
            for (number, time) in times.iter().enumerate() {
                agenda.push(Time(*time), number);
            }
            let mut expected: Vec<(u64, usize)> = times.iter().copied().zip(0..).collect();
            expected.sort();
            let mut left = Vec::new();
            while let Some((time, number)) = agenda.pop_until(Time::NEVER) {
                left.push((time.0, number));
            }
            prop_assert_eq!(left, expected);
        }

        #[test]
        fn what_is_kept_leaves_in_the_same_order(
            times in prop::collection::vec(0_u64..20, 0..200), residue in 0_usize..3,
        ) {
            let mut agenda = Agenda::new();
            for (number, time) in times.iter().enumerate() {
                agenda.push(Time(*time), number);
            }
            agenda.retain(|number| number % 3 != residue);
            let mut expected: Vec<(u64, usize)> = times.iter().copied().zip(0..).collect();
            expected.retain(|(_, number)| number % 3 != residue);
            expected.sort();
            prop_assert_eq!(agenda.len(), expected.len());
            for expected in expected {
                let (time, number) = agenda.pop_until(Time::NEVER).unwrap();
                prop_assert_eq!((time.0, number), expected);
            }
        }

        #[test]
        fn nothing_leaves_before_its_time(times in prop::collection::vec(0_u64..100, 1..50), until in 0_u64..100) {
            let mut agenda = Agenda::new();
            for time in &times {
                agenda.push(Time(*time), *time);
            }
            while let Some((_, time)) = agenda.pop_until(Time(until)) {
                prop_assert!(time <= until);
            }
            prop_assert_eq!(agenda.len(), times.iter().filter(|time| **time > until).count());
        }
    }
}
