//! The events of one source that are on their way, with what was seen of each.
//!
//! Numbers are dense and events come through about in the order of their numbers, so neighbours share a page:
//! the page that was met last is nearly always the one that is met next, and a number is its place in it.

use crate::metrics::stages::Marks;
use crate::time::Time;
use std::collections::VecDeque;

/// Events of a page.
const PAGE: u64 = 32;

/// Neighbouring numbers. Invariant: some are there.
#[derive(Clone, Debug)]
struct Page {
    /// The first number over [`PAGE`].
    index: u64,
    /// Which are there, a bit each.
    there: u32,
    marks: Box<[Marks; PAGE as usize]>,
}

/// Marks by event number.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay {
    /// By index, rising.
    pages: VecDeque<Page>,
    /// Where the page is that was met last.
    latest: usize,
}

const fn split(number: u64) -> (u64, usize) {
    (number / PAGE, (number % PAGE) as usize)
}

impl UnderWay {
    /// Where the page is, or would be.
    fn place(&mut self, index: u64) -> Result<usize, usize> {
        for near in [self.latest, self.latest + 1] {
            if self.pages.get(near).is_some_and(|page| page.index == index) {
                self.latest = near;
                return Ok(near);
            }
        }
        let at = self.pages.partition_point(|page| page.index < index);
        self.latest = at;
        match self.pages.get(at) {
            Some(page) if page.index == index => Ok(at),
            Some(_) | None => Err(at),
        }
    }

    /// An event due at `due` sets out; one that is there already goes on.
    pub(super) fn insert(&mut self, number: u64, due: Time) {
        let (index, inside) = split(number);
        let at = self.place(index).unwrap_or_else(|at| {
            let page = Page {
                index,
                there: 0,
                marks: Box::new([const { Marks::new(Time::ZERO) }; PAGE as usize]),
            };
            self.pages.insert(at, page);
            at
        });
        let page = &mut self.pages[at];
        if page.there & 1 << inside == 0 {
            page.there |= 1 << inside;
            page.marks[inside] = Marks::new(due);
        }
    }

    /// What was seen of an event, to add to.
    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Marks> {
        let (index, inside) = split(number);
        let at = self.place(index).ok()?;
        let page = &mut self.pages[at];
        (page.there & 1 << inside != 0).then(|| &mut page.marks[inside])
    }

    /// An event is through.
    pub(super) fn remove(&mut self, number: u64) -> Option<Marks> {
        let marks = *self.get_mut(number)?;
        let page = &mut self.pages[self.latest];
        page.there &= !(1 << split(number).1);
        if page.there == 0 {
            self.pages.remove(self.latest);
        }
        Some(marks)
    }

    /// All events in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Marks)> {
        self.pages.iter().flat_map(|page| {
            let marks = (0..PAGE).zip(page.marks.iter());
            let there = marks.filter(|(inside, _)| page.there & 1 << inside != 0);
            there.map(|(inside, marks)| (page.index * PAGE + inside, marks))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(steps in prop::collection::vec((0..3_u8, 0..5 * PAGE), 0..300)) {
            let (mut events, mut model) = (UnderWay::default(), BTreeMap::new());
            for (step, number) in steps {
                let due = Time(number + 7);
                match step {
                    0 => {
                        events.insert(number, due);
                        model.entry(number).or_insert(due);
                    }
                    1 => prop_assert_eq!(events.remove(number).map(|marks| marks.due), model.remove(&number)),
                    _ => prop_assert_eq!(
                        events.get_mut(number).map(|marks| marks.due),
                        model.get(&number).copied()
                    ),
                }
            }
            let held: Vec<_> = events.iter().map(|(number, marks)| (number, marks.due)).collect();
            prop_assert_eq!(held, model.into_iter().collect::<Vec<_>>());
        }
    }
}
