//! The windows by which a run is measured: as many as its changes need, however long it is.
//!
//! Edges are the instants at which phases may change: the bounds of a phase, the start and the end of a
//! fault. In the 64 seconds after an edge, where recovery is judged, a window is a second (B4). From there
//! on it is a 32nd of the age rounded down to a power of two: two seconds wide in the second minute, four in
//! the third and fourth. A run of `n` seconds between two edges has `64 + 32 × log2(n / 64)` windows.

use crate::time::{SECOND, Time};
use std::ops::Range;

/// After an edge, so many windows are a second wide, and so many halves fit into each doubling of the age.
const EXACT: u64 = 64;

/// The width of the window that begins `age` seconds after its edge or holds that second.
const fn width(age: u64) -> u64 {
    if age < EXACT {
        1
    } else {
        (1 << age.ilog2()) / (EXACT / 2)
    }
}

/// Instants at which phases may change, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Edges(Vec<Time>);

impl Edges {
    /// Phases may change at `edge`. What lies behind it must not have been put into a window yet.
    pub(super) fn cut(&mut self, edge: Time) {
        let at = self.0.partition_point(|known| *known < edge);
        if self.0.get(at) != Some(&edge) {
            self.0.insert(at, edge);
        }
    }

    /// The last edge at or before an instant.
    fn before(&self, at: Time) -> Time {
        let after = self.0.partition_point(|edge| *edge <= at);
        after
            .checked_sub(1)
            .map_or(Time::ZERO, |index| self.0[index])
    }

    /// When the window of an instant begins: at its edge or on a whole second.
    pub(super) fn start_of(&self, at: Time) -> Time {
        let edge = self.before(at);
        let origin = edge.0 / SECOND;
        let age = at.0 / SECOND - origin;
        let width = width(age);
        edge.max(Time((origin + age / width * width) * SECOND))
    }

    /// The end of the window of an instant, or of the stretch if an edge comes before.
    pub(super) fn end_of(&self, at: Time) -> Time {
        let end = Time(self.seconds(self.start_of(at)).end * SECOND);
        let next = self.0.get(self.0.partition_point(|edge| *edge <= at));
        next.map_or(end, |edge| end.min(*edge))
    }

    /// The seconds of the window that begins at `start`. A second in which an edge lies belongs to the
    /// window that ends there only if that begins in it too.
    pub(super) fn seconds(&self, start: Time) -> Range<u64> {
        let first = start.0 / SECOND;
        let end = first + width(first - self.before(start).0 / SECOND);
        let next = self.0.get(self.0.partition_point(|edge| *edge <= start));
        let end = next.map_or(end, |edge| (edge.0 / SECOND).clamp(first + 1, end));
        first..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Time {
        Time(seconds * SECOND)
    }

    #[test]
    fn windows_are_seconds_for_a_minute_and_widen_with_their_age() {
        let mut edges = Edges::default();
        edges.cut(Time(10 * SECOND + 5));
        for (at, start, end) in [
            (9, 9, 10),
            (11, 11, 12),
            (73, 73, 74),
            (74, 74, 76),
            (139, 138, 142),
        ] {
            let window = edges.start_of(Time(at * SECOND + 7));
            assert_eq!(edges.seconds(window), start..end, "of second {at}");
        }
        assert_eq!(edges.start_of(Time(10 * SECOND + 7)), Time(10 * SECOND + 5));
        assert_eq!(edges.start_of(Time(10 * SECOND + 3)), secs(10));
    }

    #[test]
    fn windows_follow_each_other_without_a_gap_and_an_edge_cuts_them() {
        let mut edges = Edges::default();
        edges.cut(secs(1_001));
        let mut second = 0;
        while second < 3_000 {
            let start = edges.start_of(secs(second));
            assert_eq!(start, secs(second));
            let window = edges.seconds(start);
            for inside in window.clone() {
                assert_eq!(edges.start_of(secs(inside)), start);
            }
            assert!(window.end <= 1_001 || window.start >= 1_001);
            second = window.end;
        }
    }

    #[test]
    fn ten_times_the_length_adds_a_hundred_and_six_windows() {
        let edges = Edges::default();
        let windows = |seconds: u64| -> usize {
            let mut starts: Vec<Time> = (0..seconds)
                .map(|second| edges.start_of(secs(second)))
                .collect();
            starts.dedup();
            starts.len()
        };
        assert_eq!(windows(640), 168);
        assert_eq!(windows(6_400), 274);
    }
}
