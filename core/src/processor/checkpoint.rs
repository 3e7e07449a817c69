//! When state and positions become durable: at every interval, and before partitions are given up.
//!
//! A track with state keeps state and position together in the store, and the group learns the position
//! afterwards, for people and for monitoring. A track without state commits its position to the group.
//! Either way a position is kept only when the rows of everything below it are at the sink (O-COMMIT).

use super::config::ProcessorFlaw;
use super::delivery::Order;
use super::logged::{Ask, Logged};
use super::points;
use super::track::{Phase, Settles, Track};
use crate::actor::Context;
use crate::id::{Offset, Partition};
use crate::message::Request;
use crate::message::sink::{Checkpoint, Covered};
use std::sync::Arc;

impl Logged {
    /// The interval has passed: every track keeps what it has, as soon as no batch is open.
    pub(super) fn checkpoint(&mut self, cx: &mut Context<'_>) {
        cx.arm(super::CHECKPOINT, self.plan.checkpoint);
        for track in self.tracks.values_mut() {
            track.save_due = track.kept != track.finished(self.plan.commit);
        }
        if !self.is_stateful {
            self.commit_positions(cx);
        }
    }

    /// Commits what stateless tracks have finished with.
    pub(super) fn commit_positions(&mut self, cx: &mut Context<'_>) {
        // Whoever settles first has committed already.
        if self.delivery.order == Order::SettleThenWrite {
            return;
        }
        let positions: Arc<[(Partition, Offset)]> = self
            .tracks
            .values()
            .filter(|track| track.phase == Phase::Running)
            .map(|track| (track, track.finished(self.plan.commit)))
            .filter(|(track, finished)| *finished != track.kept)
            .map(|(track, finished)| (track.partition, finished))
            .collect();
        if !positions.is_empty() {
            self.consumer.commit(cx, positions);
        }
    }

    /// Keeps a track's state, if that is due and possible.
    pub(super) fn save(&mut self, cx: &mut Context<'_>, partition: Partition) {
        let Some(store) = self.plan.store.filter(|_| self.is_stateful) else {
            return;
        };
        let Some(track) = self.tracks.get_mut(&partition) else {
            return;
        };
        let is_quiet = track.phase == Phase::Running && track.attempts.is_empty();
        // In silence the state lags behind what the sink has: there is nothing new to keep.
        let has_news = track.cursor != track.kept && track.cursor >= track.silent_below;
        if !track.save_due || track.is_saving || !is_quiet || !has_news {
            return;
        }
        track.save_due = false;
        track.is_saving = true;
        let state = if self.plan.has(ProcessorFlaw::StateWithoutPosition) {
            Vec::new()
        } else if let Some(windows) = &track.windows {
            let mut state = windows.snapshot();
            if self.plan.has(ProcessorFlaw::ForgetWindows) {
                // The head alone: watermarks without windows.
                state.truncate(2);
            }
            state
        } else {
            track.operator.snapshot()
        };
        let ask = Ask::Save(partition, track.number, track.cursor);
        let checkpoint = Checkpoint {
            group: self.plan.input.group(),
            epoch: track.generation,
            covered: Covered {
                partition,
                next: track.cursor,
                watermark: track.fired_until(),
            },
            state: state.into(),
        };
        cx.point(points::AFTER_WRITE_BEFORE_CHECKPOINT);
        let request = Request::SaveCheckpoint(Arc::new(checkpoint));
        self.calls
            .ask(cx, store, request, self.plan.request_timeout, ask);
    }

    /// State is kept: the group may learn the position.
    pub(super) fn saved(&mut self, cx: &mut Context<'_>, partition: Partition, next: Offset) {
        if let Some(track) = self.tracks.get_mut(&partition) {
            track.is_saving = false;
            track.kept = next;
        }
        if self.delivery.order != Order::SettleThenWrite {
            cx.point(points::AFTER_CHECKPOINT_BEFORE_COMMIT);
            self.consumer.commit(cx, Arc::from([(partition, next)]));
        }
    }

    /// Restores a track when the sink and the store have answered, and begins to read.
    pub(super) fn restore(&mut self, cx: &mut Context<'_>, partition: Partition) {
        let Some(track) = self.tracks.get_mut(&partition) else {
            return;
        };
        let Phase::Adopting { sink, store } = &track.phase else {
            return;
        };
        if !sink.is_over() || !store.is_over() {
            return;
        }
        let at_sink = sink.stored().map(|stored| stored.covered.next);
        track.settles = match self.delivery.order {
            Order::WriteThenSettle => Settles::Nothing,
            Order::SettleThenWrite => Settles::AtOwn,
            Order::Together => sink.stored().map_or(Settles::Nothing, |stored| {
                Settles::At(stored.covered.watermark)
            }),
        };
        let from = if self.is_stateful {
            let stored = store.stored().cloned();
            let finished = match self.delivery.order {
                Order::Together => at_sink,
                Order::WriteThenSettle | Order::SettleThenWrite => track.committed,
            };
            let kept = stored.as_ref().map(|stored| stored.covered.next);
            let resume = self.delivery.resume(kept, finished);
            if let Some(stored) = stored.filter(|_| resume.uses_state) {
                match &mut track.windows {
                    Some(windows) => windows.restore(&stored.state, cx.monotonic()),
                    None => track.operator.restore(&stored.state),
                }
            }
            track.silent_below = resume.silent_below;
            if resume.silent_below > resume.from.unwrap_or(Offset(0)) {
                cx.point(points::REPLAYED);
            }
            resume.from
        } else {
            match self.delivery.order {
                Order::Together => at_sink,
                Order::WriteThenSettle | Order::SettleThenWrite => track.committed,
            }
        };
        track.phase = Phase::Starting;
        cx.point(points::RESTORED);
        self.consumer.begin(partition, from);
    }
}

/// Whether a track has nothing under way that its release should wait for.
pub(super) fn is_quiet(track: &Track) -> bool {
    track.attempts.is_empty() && !track.is_saving
}
