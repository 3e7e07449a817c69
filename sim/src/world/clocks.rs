//! Who moves wall clocks: faults that slew or freeze them, and the time service that brings them back; and what
//! every clock showed against true time.

use super::{Entry, World};
use crate::clock::NodeClock;
use std::collections::BTreeSet;
use stormglass_core::fault::FaultKind;
use stormglass_core::id::NodeId;
use stormglass_core::time::{SECOND, Span, Time};

/// Changes of clocks that are kept of a run.
const NOTES_MAX: usize = 20_000;

/// What keeps wall clocks right, after the way of ntpd (RFC 5905 and its reference implementation).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeService {
    /// How often each node asks for the time.
    pub interval: Span,
    /// A clock that is further off is set at once (STEPT, 128 ms).
    pub step_threshold: Span,
    /// How fast one that is not is moved, in parts per million (MAXFREQ, 500 ppm).
    pub slew_parts: u32,
}

/// How far a node's wall clock was ahead of true time, at an instant at which it changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockNote {
    /// Whose.
    pub node: NodeId,
    /// When, in true time.
    pub at: Time,
    /// How far, in nanoseconds. Between two notes of a node it changes evenly.
    pub offset: i64,
}

/// The notes of a run, and what the time service does.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    service: Option<TimeService>,
    /// By node: at which rate the time service moves its clock, in parts per billion.
    moving: Vec<i64>,
    notes: Vec<ClockNote>,
}

impl Clocks {
    pub(super) fn new(service: Option<TimeService>, nodes: usize) -> Clocks {
        Clocks {
            service,
            moving: vec![0; nodes],
            notes: Vec::new(),
        }
    }
}

/// How long a clock takes to move by so much.
fn takes(by: i64, parts: u32) -> Span {
    Span(by.unsigned_abs()).ratio(1_000_000, u64::from(parts.max(1)))
}

/// How far a fault makes a clock jump.
const fn jump(kind: &FaultKind) -> i64 {
    if let FaultKind::ClockStep { by } = kind {
        return *by;
    }
    if let FaultKind::LeapSecond = kind {
        return -(SECOND as i64);
    }
    0
}

const fn billionths(by: i64, parts: u32) -> i64 {
    by.signum() * parts as i64 * 1_000
}

impl World {
    /// How far wall clocks were off, by time: before and after every change, for nodes whose clock was ever
    /// touched, and at the end.
    #[must_use]
    pub fn clock_notes(&self) -> Vec<ClockNote> {
        let mut notes = self.clocks.notes.clone();
        let touched: BTreeSet<NodeId> = notes.iter().map(|note| note.node).collect();
        notes.extend(touched.into_iter().map(|node| self.note_of(node)));
        notes
    }

    fn note_of(&self, node: NodeId) -> ClockNote {
        ClockNote {
            node,
            at: self.now,
            offset: self.nodes[usize::from(node.0)].clock.offset(self.now),
        }
    }

    /// Changes a clock, and notes what it showed before and after.
    pub(super) fn change_clock(&mut self, id: NodeId, change: impl FnOnce(&mut NodeClock, Time)) {
        let before = self.note_of(id);
        change(&mut self.nodes[usize::from(id.0)].clock, self.now);
        if self.clocks.notes.len() < NOTES_MAX {
            let after = self.note_of(id);
            self.clocks.notes.extend([before, after]);
        }
    }

    /// A fault begins to move clocks; it is done with that after a while.
    fn slew_begins(&mut self, fault: u32, nodes: &[NodeId], by: i64, parts: u32) {
        for id in nodes {
            self.change_clock(*id, |clock, now| clock.slew(now, billionths(by, parts)));
        }
        self.agenda
            .push(self.now + takes(by, parts), Entry::SlewEnd(fault));
    }

    /// A fault moves its clocks no further.
    pub(super) fn slew_stops(&mut self, nodes: &[NodeId], by: i64, parts: u32) {
        for id in nodes {
            self.change_clock(*id, |clock, now| clock.slew(now, -billionths(by, parts)));
        }
    }

    /// A fault of clocks begins.
    pub(super) fn strike_clocks(&mut self, index: u32, kind: &FaultKind, nodes: &[NodeId]) {
        if let FaultKind::ClockSlew { by, parts } = kind {
            return self.slew_begins(index, nodes, *by, *parts);
        }
        for id in nodes {
            self.change_clock(*id, |clock, now| {
                if let FaultKind::ClockDrift { parts } = kind {
                    clock.change_rate(now, *parts);
                } else if let FaultKind::ClockFreeze = kind {
                    clock.freeze(now);
                } else {
                    clock.step(jump(kind));
                }
            });
            if let FaultKind::ClockDrift { .. } = kind {
                self.re_key_timers(*id);
            }
        }
    }

    /// A fault of clocks that began `since` ago is over. A time service finds out by itself what is left of it;
    /// where there is none, the clocks show what they would without it.
    pub(super) fn release_clocks(&mut self, kind: &FaultKind, nodes: &[NodeId], since: Span) {
        let undoes = self.clocks.service.is_none();
        if let FaultKind::ClockSlew { by, parts } = kind
            && since <= takes(*by, *parts)
        {
            self.slew_stops(nodes, *by, *parts);
        }
        for id in nodes {
            self.change_clock(*id, |clock, now| {
                if let FaultKind::ClockDrift { parts } = kind {
                    clock.change_rate(now, -parts);
                } else if let FaultKind::ClockFreeze = kind {
                    clock.thaw(now, undoes);
                } else if let FaultKind::ClockSlew { by, parts } = kind
                    && undoes
                {
                    let came = since.ratio(u64::from(*parts), 1_000_000).0;
                    clock.step(-by.signum() * came.min(by.unsigned_abs()) as i64);
                } else if undoes {
                    clock.step(-jump(kind));
                }
            });
            if let FaultKind::ClockDrift { .. } = kind {
                self.re_key_timers(*id);
            }
        }
    }

    /// The time service asks how far each clock is off and sees to it; and again after its interval.
    pub(super) fn time_service(&mut self) {
        let Some(service) = self.clocks.service else {
            return;
        };
        for index in 0..self.nodes.len() {
            let id = NodeId(index as u16);
            self.stop_moving(id);
            let offset = self.nodes[index].clock.offset(self.now);
            if offset == 0 {
                continue;
            }
            if offset.unsigned_abs() > service.step_threshold.0 {
                self.change_clock(id, |clock, _| clock.step(-offset));
                continue;
            }
            let rate = billionths(-offset, service.slew_parts);
            self.clocks.moving[index] = rate;
            self.change_clock(id, |clock, now| clock.slew(now, rate));
            let takes = takes(offset, service.slew_parts);
            if takes < service.interval {
                self.agenda.push(self.now + takes, Entry::Corrected(id));
            }
        }
        self.agenda
            .push(self.now + service.interval, Entry::TimeService);
    }

    /// The time service moves a clock no further.
    pub(super) fn stop_moving(&mut self, id: NodeId) {
        let rate = std::mem::take(&mut self.clocks.moving[usize::from(id.0)]);
        if rate != 0 {
            self.change_clock(id, |clock, now| clock.slew(now, -rate));
        }
    }

    /// Everything is healed: what a time service would have corrected in time is right.
    pub(super) fn right_clocks(&mut self) {
        if self.clocks.service.take().is_none() {
            return;
        }
        for index in 0..self.nodes.len() {
            let id = NodeId(index as u16);
            self.stop_moving(id);
            let offset = self.nodes[index].clock.offset(self.now);
            if offset != 0 {
                self.change_clock(id, |clock, _| clock.step(-offset));
            }
        }
    }
}
