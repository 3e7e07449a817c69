//! Windows a second time, as a batch makes them: in no order, without watermarks. Knows nothing of the
//! processor's own code.

use crate::event::{Event, EventId};
use crate::event_time::row_key;
use crate::processor::window::config::{Aggregate, Assign, WindowPlan, nanos};
use std::collections::{BTreeMap, BTreeSet};

/// Doubtful events of a window whose sums are tried at most.
const TRIED: usize = 16;

/// Whether an event belongs to its windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// To all of them.
    None,
    /// To those that end after this.
    OutUntil(i64),
    /// To those that end after this, and perhaps to the others.
    Until(i64),
}

/// What of a row is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) end: i64,
    pub(super) value: i64,
    pub(super) is_retracted: bool,
    pub(super) id: EventId,
}

/// Which rows have to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// The last of each window.
    LastRow,
    /// Any of each window.
    AnyRow,
    /// None, but none may have more than there is.
    NoMore,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) anomaly: &'static str,
    pub(super) sentence: String,
    pub(super) event: Option<EventId>,
}

/// One window of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cell {
    key: u64,
    start: i64,
    end: i64,
    value: i64,
    /// Events that are in it for certain.
    events: u64,
    /// What each doubtful event adds.
    doubtful: Vec<i64>,
    first: EventId,
}

/// All windows of a log.
#[derive(Debug)]
pub(super) struct Batch {
    assign: Assign,
    aggregate: Aggregate,
    /// By row key.
    cells: BTreeMap<u64, Cell>,
    /// By key and start.
    sessions: BTreeMap<u64, BTreeMap<i64, Cell>>,
    /// Keys of which a session cannot be known.
    doubtful: BTreeSet<u64>,
}

impl Batch {
    pub(super) fn new(plan: &WindowPlan) -> Batch {
        Batch {
            assign: plan.config.assign,
            aggregate: plan.aggregate,
            cells: BTreeMap::new(),
            sessions: BTreeMap::new(),
            doubtful: BTreeSet::new(),
        }
    }

    /// Takes an event in.
    pub(super) fn add(&mut self, event: &Event, doubt: Doubt) {
        let (size, slide) = match self.assign {
            Assign::Tumbling(size) => (nanos(size), nanos(size)),
            Assign::Sliding { size, slide } => (nanos(size), nanos(slide)),
            Assign::Session(gap) => {
                return match doubt {
                    Doubt::None => self.join(event, nanos(gap)),
                    Doubt::OutUntil(_) => {}
                    Doubt::Until(_) => {
                        self.doubtful.insert(event.key);
                    }
                };
            }
        };
        let at = event.event_time;
        let mut start = at.div_euclid(slide).saturating_mul(slide);
        while start.saturating_add(size) > at {
            let end = start.saturating_add(size);
            match doubt {
                Doubt::OutUntil(until) if end <= until => {}
                Doubt::Until(until) => self.put(event, start, end, end <= until),
                Doubt::None | Doubt::OutUntil(_) => self.put(event, start, end, false),
            }
            let Some(before) = start.checked_sub(slide) else {
                break;
            };
            start = before;
        }
    }

    fn put(&mut self, event: &Event, start: i64, end: i64, is_doubtful: bool) {
        let adds = self.aggregate.adds(event.value);
        let cell = self.cells.entry(row_key(event.key, start));
        let cell = cell.or_insert_with(|| Cell::new(event, start, end));
        if is_doubtful {
            cell.doubtful.push(adds);
        } else {
            cell.value = cell.value.wrapping_add(adds);
            cell.events += 1;
        }
    }

    fn join(&mut self, event: &Event, gap: i64) {
        let at = event.event_time;
        let mut whole = Cell::new(event, at, at.saturating_add(gap));
        whole.value = self.aggregate.adds(event.value);
        whole.events = 1;
        let sessions = self.sessions.entry(event.key).or_default();
        // A neighbour before it reaches into it, or it reaches into one behind it.
        let before = sessions.range(..=at).next_back().map(|(start, _)| *start);
        let behind: Vec<i64> = sessions
            .range(at + 1..whole.end)
            .map(|(start, _)| *start)
            .collect();
        for start in before.into_iter().chain(behind) {
            if sessions.get(&start).is_some_and(|cell| cell.end > at)
                && let Some(cell) = sessions.remove(&start)
            {
                whole.start = whole.start.min(cell.start);
                whole.end = whole.end.max(cell.end);
                whole.value = whole.value.wrapping_add(cell.value);
                whole.events += cell.events;
            }
        }
        sessions.insert(whole.start, whole);
    }

    /// Everything in which what is shown is not what this batch makes.
    pub(super) fn differences(mut self, shown: &BTreeMap<u64, Vec<Shown>>, fit: Fit) -> Vec<Wrong> {
        let is_session = matches!(self.assign, Assign::Session(_));
        // Sessions that lost a row may have lost the word that they were merged too.
        if is_session && fit == Fit::NoMore {
            return Vec::new();
        }
        let mut ignored = BTreeSet::new();
        for (key, sessions) in std::mem::take(&mut self.sessions) {
            let is_known = !self.doubtful.contains(&key);
            for (start, cell) in sessions {
                if is_known {
                    self.cells.insert(row_key(key, start), cell);
                } else {
                    ignored.insert(row_key(key, start));
                }
            }
        }
        let mut wrong = Vec::new();
        for (row, cell) in &self.cells {
            let rows = shown.get(row).map_or(&[][..], Vec::as_slice);
            wrong.extend(cell.judge(rows, fit, self.aggregate));
        }
        // With a key of which nothing is known, its sessions may begin anywhere.
        if self.doubtful.is_empty() {
            for (row, rows) in shown {
                let Some(last) = rows.last().filter(|last| !last.is_retracted) else {
                    continue;
                };
                if !self.cells.contains_key(row) && !ignored.contains(row) {
                    wrong.push(Wrong {
                        anomaly: "phantom-window",
                        sentence: format!(
                            "a row of {} for a window until {} in which the log has no event",
                            last.value, last.end
                        ),
                        event: Some(last.id),
                    });
                }
            }
        }
        wrong
    }
}

impl Cell {
    const fn new(event: &Event, start: i64, end: i64) -> Cell {
        Cell {
            key: event.key,
            start,
            end,
            value: 0,
            events: 0,
            doubtful: Vec::new(),
            first: event.id,
        }
    }

    fn judge(&self, rows: &[Shown], fit: Fit, aggregate: Aggregate) -> Option<Wrong> {
        let kept = rows.last().filter(|last| !last.is_retracted);
        let Some(last) = kept else {
            let is_owed = self.events > 0 && fit != Fit::NoMore;
            return is_owed.then(|| self.wrong("missing-window", "nothing".to_owned()));
        };
        let is_right = match fit {
            Fit::LastRow => self.is_right(last, aggregate),
            Fit::AnyRow => rows.iter().any(|row| self.is_right(row, aggregate)),
            Fit::NoMore => {
                let most = self.events as usize + self.doubtful.len();
                last.end == self.end
                    && (aggregate == Aggregate::Sum || (1..=most as i64).contains(&last.value))
            }
        };
        (!is_right).then(|| self.wrong("window-divergence", last.value.to_string()))
    }

    fn is_right(&self, row: &Shown, aggregate: Aggregate) -> bool {
        let beyond = row.value.wrapping_sub(self.value);
        let is_value = match aggregate {
            Aggregate::Count => (0..=self.doubtful.len() as i64).contains(&beyond),
            Aggregate::Sum => is_sum_of_some(beyond, &self.doubtful),
        };
        is_value && row.end == self.end
    }

    fn wrong(&self, anomaly: &'static str, have: String) -> Wrong {
        let doubtful = match self.doubtful.len() {
            0 => String::new(),
            count => format!(" and {count} more that may count"),
        };
        Wrong {
            anomaly,
            sentence: format!(
                "{have} for key {} in the window from {} to {} ns of event time, the log implies {} \
                 of {} events{doubtful}",
                self.key, self.start, self.end, self.value, self.events
            ),
            event: Some(self.first),
        }
    }
}

/// Whether some of `parts` add up to `sum`; true where there are too many to try.
fn is_sum_of_some(sum: i64, parts: &[i64]) -> bool {
    if parts.len() > TRIED {
        return true;
    }
    (0..1_u32 << parts.len()).any(|chosen| {
        let chosen = parts
            .iter()
            .enumerate()
            .filter(|(at, _)| chosen >> at & 1 == 1);
        chosen.fold(0_i64, |total, (_, part)| total.wrapping_add(*part)) == sum
    })
}
