//! The windows that are open, by key and start.

use super::config::{Assign, WindowPlan, nanos};
use crate::event::{Event, EventId};
use crate::event_time::{BEGINNING, Credit, LateEvent, RETRACTED, row_key};
use crate::time::{Span, Time};
use std::collections::{BTreeMap, BTreeSet};

/// One window of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pane {
    /// The first event time after it.
    pub(super) end: i64,
    pub(super) value: i64,
    /// Whether its row was told.
    pub(super) has_fired: bool,
    /// The event that came last, which the row is named after.
    pub(super) last: Credit,
    pub(super) size: u32,
    /// Events that are through once this window has fired.
    pub(super) waiting: Vec<Credit>,
}

/// What came of events and of a watermark.
#[derive(Debug, Default)]
pub(in crate::processor) struct Fired {
    pub(in crate::processor) rows: Vec<Event>,
    /// Events that are through with these rows.
    pub(in crate::processor) credits: Vec<Credit>,
    pub(in crate::processor) late: Vec<LateEvent>,
}

/// The windows of one input partition.
#[derive(Debug)]
pub(in crate::processor) struct Panes {
    plan: WindowPlan,
    /// The operator's watermark up to which windows have fired; it never goes back.
    watermark: i64,
    open: BTreeMap<(u64, i64), Pane>,
    /// Every open window by when it ends. Invariant: the same windows as in `open`.
    ends: BTreeSet<(i64, u64, i64)>,
}

impl Panes {
    pub(super) fn new(plan: &WindowPlan) -> Panes {
        Panes {
            plan: plan.clone(),
            watermark: BEGINNING,
            open: BTreeMap::new(),
            ends: BTreeSet::new(),
        }
    }

    pub(super) const fn plan(&self) -> &WindowPlan {
        &self.plan
    }

    pub(in crate::processor) const fn watermark(&self) -> i64 {
        self.watermark
    }

    pub(in crate::processor) fn len(&self) -> usize {
        self.open.len()
    }

    /// What stands in a snapshot.
    pub(super) fn open(&self) -> impl Iterator<Item = (u64, i64, &Pane)> {
        self.open
            .iter()
            .map(|((key, start), pane)| (*key, *start, pane))
    }

    /// Begins anew at a watermark.
    pub(super) fn clear(&mut self, watermark: i64) {
        self.open.clear();
        self.ends.clear();
        self.watermark = watermark;
    }

    pub(super) fn put(&mut self, key: u64, start: i64, pane: Pane) {
        self.ends.insert((pane.end, key, start));
        let before = self.open.insert((key, start), pane);
        assert!(before.is_none(), "a window of {key} at {start} was open");
    }

    fn take(&mut self, key: u64, start: i64) -> Option<Pane> {
        let pane = self.open.remove(&(key, start))?;
        self.ends.remove(&(pane.end, key, start));
        Some(pane)
    }

    /// Whether a window that ends here takes no events any more.
    fn is_closed(&self, end: i64) -> bool {
        let lateness = nanos(self.plan.config.lateness);
        end.saturating_sub(1).saturating_add(lateness) <= self.watermark
    }

    /// Takes an event in.
    pub(super) fn apply(&mut self, event: &Event, out: &mut Fired) {
        match self.plan.config.assign {
            Assign::Tumbling(size) => self.assign(event, nanos(size), nanos(size), out),
            Assign::Sliding { size, slide } => self.assign(event, nanos(size), nanos(slide), out),
            Assign::Session(gap) => self.join(event, nanos(gap), out),
        }
    }

    /// Puts an event into every aligned window around it that is not closed.
    fn assign(&mut self, event: &Event, size: i64, slide: i64, out: &mut Fired) {
        let at = event.event_time;
        let newest = at.saturating_sub(at.rem_euclid(slide));
        let ending = |start: i64| start.saturating_add(size);
        let mut missed = None;
        // The first of them is the one that ends first: it is the first to be closed.
        let count = (size - 1 - at.rem_euclid(slide)) / slide;
        for back in (0..=count).rev() {
            let start = newest.saturating_sub(back.saturating_mul(slide));
            let end = ending(start);
            if self.is_closed(end) {
                missed = Some(end);
                continue;
            }
            // An event is through when the last of its windows has fired.
            self.add(event, start, end, back == 0, out);
        }
        if let Some(until) = missed {
            out.late.push(LateEvent {
                id: event.id,
                until,
                entirely: self.is_closed(ending(newest)),
            });
        }
    }

    fn add(&mut self, event: &Event, start: i64, end: i64, is_last: bool, out: &mut Fired) {
        let credit = Credit {
            id: event.id,
            due: event.due,
        };
        if !self.open.contains_key(&(event.key, start)) {
            self.put(event.key, start, Pane::new(end, event));
        }
        let added = self.plan.aggregate.adds(event.value);
        let Some(pane) = self.open.get_mut(&(event.key, start)) else {
            return;
        };
        pane.value = pane.value.wrapping_add(added);
        pane.last = credit;
        pane.size = event.size;
        if is_last {
            pane.waiting.push(credit);
        }
        if end.saturating_sub(1) <= self.watermark {
            pane.fire(event.key, start, out);
        }
    }

    /// Puts an event into a session of its own and merges those that it overlaps.
    fn join(&mut self, event: &Event, gap: i64, out: &mut Fired) {
        let at = event.event_time;
        let mut end = at.saturating_add(gap);
        // One that could have joined a session that is closed is late, even if another is open: so what is
        // told is always what a batch makes of the events that were not late.
        if at.saturating_add(nanos(self.plan.config.lateness)) <= self.watermark {
            return out.late.push(LateEvent {
                id: event.id,
                until: end,
                entirely: true,
            });
        }
        let mut start = at;
        let mut merged = Pane::new(end, event);
        let key = event.key;
        // Sessions of a key do not overlap: those before the end that reach behind the start are neighbours.
        let overlapping = self.open.range((key, i64::MIN)..(key, end)).rev();
        let starts: Vec<i64> = overlapping
            .take_while(|(_, pane)| pane.end > at)
            .map(|((_, start), _)| *start)
            .collect();
        let (mut told, mut has_fired) = (Vec::new(), false);
        for from in starts.into_iter().rev() {
            let Some(pane) = self.take(key, from) else {
                continue;
            };
            // One that took over may not know what was told before it: with lateness, that may be any of them.
            if pane.has_fired || self.plan.config.lateness > Span::ZERO {
                told.push(from);
            }
            has_fired |= pane.has_fired && from <= at;
            start = start.min(from);
            end = end.max(pane.end);
            merged.value = merged.value.wrapping_add(pane.value);
            merged.waiting.extend(pane.waiting);
        }
        merged.end = end;
        merged.value = (merged.value).wrapping_add(self.plan.aggregate.adds(event.value));
        merged.waiting.push(merged.last);
        merged.has_fired = has_fired;
        for from in told {
            if from != start {
                out.rows.push(merged.retraction(key, from));
            }
        }
        if end.saturating_sub(1) <= self.watermark {
            merged.fire(key, start, out);
        }
        self.put(key, start, merged);
    }

    /// The operator's watermark has come so far: windows that end before it fire.
    pub(in crate::processor) fn advance(&mut self, watermark: i64, out: &mut Fired) {
        if watermark <= self.watermark {
            return;
        }
        let before = std::mem::replace(&mut self.watermark, watermark);
        // What ended at or before the watermark of before has fired, when it was passed or with its events.
        let due = self.ends.range((before.saturating_add(2), 0, i64::MIN)..);
        let due = due.take_while(|(end, ..)| end.saturating_sub(1) <= watermark);
        for (_, key, start) in due {
            if let Some(pane) = self.open.get_mut(&(*key, *start)) {
                pane.fire(*key, *start, out);
            }
        }
        while let Some((end, key, start)) = self.ends.first().copied() {
            if !self.is_closed(end) {
                break;
            }
            self.take(key, start);
        }
    }
}

impl Pane {
    fn new(end: i64, event: &Event) -> Pane {
        Pane {
            end,
            value: 0,
            has_fired: false,
            last: Credit {
                id: event.id,
                due: event.due,
            },
            size: event.size,
            waiting: Vec::new(),
        }
    }

    fn fire(&mut self, key: u64, start: i64, out: &mut Fired) {
        self.has_fired = true;
        out.credits.append(&mut self.waiting);
        out.rows.push(self.row(key, start));
    }

    fn row(&self, key: u64, start: i64) -> Event {
        Event {
            id: self.last.id,
            key: row_key(key, start),
            event_time: self.end,
            due: self.last.due,
            value: self.value,
            size: self.size,
            kind: 0,
            label: 0,
        }
    }

    fn retraction(&self, key: u64, start: i64) -> Event {
        Event {
            value: 0,
            kind: RETRACTED,
            ..self.row(key, start)
        }
    }
}

/// A credit in two words.
pub(super) fn pack(credit: Credit) -> (u64, i64) {
    let id = u64::from(credit.id.source) << 48 | credit.id.number;
    (id, credit.due.0 as i64)
}

/// The credit of two words.
pub(super) fn unpack((id, due): (u64, i64)) -> Credit {
    Credit {
        id: EventId {
            source: (id >> 48) as u16,
            number: id & ((1 << 48) - 1),
        },
        due: Time(due as u64),
    }
}
