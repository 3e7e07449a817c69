//! What happens next: a heap of 128-bit keys over a list of slots. Entries of one instant leave in the order they
//! came. The soonest are kept in a short sorted list beside the heap: most entries are services and packets,
//! which leave long before the timers that fill the heap.

use slab::Slab;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use stormglass_core::time::Time;

/// Bits of the key that name the slot; the sequence takes the 40 bits above.
const SLOT_BITS: u32 = 24;

/// Entries of the sorted list: so few are inserted faster than into a heap.
const NEAR: usize = 64;

/// A queue of things to come.
#[derive(Debug)]
pub struct Agenda<T> {
    /// The soonest last. Invariant: every key is below every key of the heap.
    near: Vec<u128>,
    heap: BinaryHeap<Reverse<u128>>,
    slots: Slab<T>,
    sequence: u64,
}

impl<T> Default for Agenda<T> {
    fn default() -> Agenda<T> {
        Agenda {
            near: Vec::with_capacity(NEAR + 1),
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
    // Always inlined as far as this, so that an entry is made in its slot and not copied there: a copy made of
    // larger words than the entry was just written with waits for the writes.
    #[inline(always)]
    pub fn push(&mut self, time: Time, entry: T) {
        let slot = self.slots.insert(entry);
        self.queue(time, slot);
    }

    fn queue(&mut self, time: Time, slot: usize) {
        let slot = slot as u128;
        assert!(slot < 1 << SLOT_BITS, "more than 2^24 entries are waiting");
        assert!(self.sequence < 1 << 40, "more than 2^40 entries in one run");
        let key = u128::from(time.0) << 64 | u128::from(self.sequence) << SLOT_BITS | slot;
        self.sequence += 1;
        if self.heap.peek().is_some_and(|Reverse(far)| *far < key) {
            self.heap.push(Reverse(key));
            return;
        }
        let place = self.near.partition_point(|near| *near > key);
        self.near.insert(place, key);
        if self.near.len() > NEAR {
            let far = self.near.drain(..NEAR / 2);
            self.heap.extend(far.map(Reverse));
        }
    }

    fn first_key(&self) -> Option<u128> {
        let far = || self.heap.peek().map(|Reverse(key)| *key);
        self.near.last().copied().or_else(far)
    }

    /// When the next entry is due.
    #[must_use]
    pub fn next_time(&self) -> Option<Time> {
        self.first_key().map(|key| Time((key >> 64) as u64))
    }

    /// Takes the next entry that is due by `until`.
    #[inline]
    pub fn pop_until(&mut self, until: Time) -> Option<(Time, T)> {
        let time = self.next_time().filter(|time| *time <= until)?;
        let near = self.near.pop();
        let key = near.or_else(|| self.heap.pop().map(|Reverse(key)| key))?;
        Some((time, self.slots.remove(slot_of(key))))
    }

    /// Removes the entries that `keep` rejects; the others keep their order.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let slots = &mut self.slots;
        let mut keeps = |key: &u128| {
            let slot = slot_of(*key);
            let kept = keep(&slots[slot]);
            if !kept {
                slots.remove(slot);
            }
            kept
        };
        self.near.retain(&mut keeps);
        self.heap.retain(|Reverse(key)| keeps(key));
    }

    /// How many entries wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.near.len() + self.heap.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
