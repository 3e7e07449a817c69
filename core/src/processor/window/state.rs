//! Windows as a checkpoint keeps them: a list of pairs.
//!
//! First the watermark and the latest event time, then of each window its key and start, its end and how many
//! events wait for it, its value, its size and whether it has fired, the event it is named after, and the
//! events that wait. Timers are not listed: a window's end is its timer.

use super::panes::{Pane, Panes, pack, unpack};

/// The list.
pub(super) fn write(panes: &Panes, newest: i64) -> Vec<(u64, i64)> {
    let mut state = vec![(0, panes.watermark()), (0, newest)];
    for (key, start, pane) in panes.open() {
        state.push((key, start));
        state.push((pane.waiting.len() as u64, pane.end));
        let marks = u64::from(pane.size) << 1 | u64::from(pane.has_fired);
        state.push((marks, pane.value));
        state.push(pack(pane.last));
        state.extend(pane.waiting.iter().map(|credit| pack(*credit)));
    }
    state
}

/// Makes panes of the list and gives back the latest event time.
///
/// # Panics
/// If the list was not written by [`write`].
pub(super) fn read(panes: &mut Panes, state: &[(u64, i64)]) -> i64 {
    let [(_, watermark), (_, newest), rest @ ..] = state else {
        panic!("a state of windows has {} words and no head", state.len());
    };
    panes.clear(*watermark);
    let mut rest = rest;
    while let [
        (key, start),
        (waiting, end),
        (marks, value),
        last,
        tail @ ..,
    ] = rest
    {
        let (waits, tail) = tail.split_at(*waiting as usize);
        let pane = Pane {
            end: *end,
            value: *value,
            has_fired: marks & 1 == 1,
            last: unpack(*last),
            size: (marks >> 1) as u32,
            waiting: waits.iter().map(|words| unpack(*words)).collect(),
        };
        panes.put(*key, *start, pane);
        rest = tail;
    }
    assert!(rest.is_empty(), "{} words of state are left", rest.len());
    *newest
}
