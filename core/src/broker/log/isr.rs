//! The in-sync set (K3): a leader asks the controller to take out a follower that has not had all of the
//! log for `replica_lag_time_max`, and to let one in that has reached the high watermark. It acts only on
//! what it then reads in the metadata log; until then the high watermark counts whoever may be in the set.

use crate::actor::Context;
use crate::broker::log::desk::Desk;
use crate::broker::log::points;
use crate::broker::log::replica::{PendingIsr, Progress, Replica};
use crate::id::{Offset, PointId};
use crate::message::Refusal;
use crate::message::log::{AlterIsr, BrokerSet};
use crate::time::{Mono, Span};

/// How often followers are looked after, as in Kafka: twice in the time they may lag.
pub(super) const fn check_interval(lag_max: Span) -> Span {
    Span(lag_max.0 / 2)
}

fn lags(follower: &Progress, written: Offset, now: Mono, lag_max: Span) -> bool {
    follower.position != Some(written) && now.since(follower.caught_up) > lag_max
}

impl Replica {
    /// Takes note of a follower's position: it has everything below.
    pub fn follower_at(
        &mut self,
        cx: &mut Context<'_>,
        desk: &mut Desk,
        index: u16,
        position: Offset,
    ) {
        let (now, written) = (cx.monotonic(), self.log.written());
        let Some(follower) = self.follower_mut(index) else {
            return;
        };
        follower.position = Some(position);
        let (last, end_then) = follower.last_fetch;
        if position >= written {
            follower.caught_up = now;
        } else if position >= end_then {
            // It has all that there was at its last fetch, so at that time it lagged by less than a fetch.
            follower.caught_up = follower.caught_up.max(last);
        }
        follower.last_fetch = (now, written);
        self.consider_joining(cx, desk, index);
        self.advance_high_watermark(cx, desk);
    }

    /// The leader's view of the follower at `index`.
    pub fn follower_mut(&mut self, index: u16) -> Option<&mut Progress> {
        self.leading_mut()?
            .followers
            .iter_mut()
            .find(|follower| follower.index == index)
    }

    /// Asks for a set with `index`, if it has caught up and is alive under the epoch it fetches with.
    pub fn consider_joining(&mut self, cx: &mut Context<'_>, desk: &mut Desk, index: u16) {
        let (high_watermark, isr) = (self.high_watermark, self.view.isr);
        let Some(leading) = self.leading() else {
            return;
        };
        if leading.pending_isr.is_some() || isr.contains(index) {
            return;
        }
        let broker = desk.brokers[usize::from(index)];
        let session = &desk.sessions[usize::from(index)];
        let alive = !broker.fenced && broker.epoch == session.broker_epoch;
        let enough = high_watermark.max(leading.epoch_start);
        let caught_up = leading.followers.iter().any(|follower| {
            follower.index == index && follower.position.is_some_and(|at| at >= enough)
        });
        if alive && caught_up {
            self.ask_for(cx, desk, isr.with(index), points::ISR_EXPANDED);
        }
    }

    /// Asks for a set without the followers that lag; and if there is nothing to take out, lets those in
    /// whose wish was refused before.
    pub fn check_followers(&mut self, cx: &mut Context<'_>, desk: &mut Desk) {
        let (now, written, isr) = (cx.monotonic(), self.log.written(), self.view.isr);
        let lag_max = desk.settings.lag_max;
        let Some(leading) = self.leading() else {
            return;
        };
        if leading.pending_isr.is_some() {
            return;
        }
        let kept = leading
            .followers
            .iter()
            .filter(|follower| lags(follower, written, now, lag_max))
            .fold(isr, |kept, follower| kept.without(follower.index));
        if kept != isr {
            self.ask_for(cx, desk, kept, points::ISR_SHRUNK);
        } else {
            for index in self.peers.iter() {
                self.consider_joining(cx, desk, index);
            }
        }
    }

    fn ask_for(&mut self, cx: &mut Context<'_>, desk: &mut Desk, isr: BrokerSet, point: PointId) {
        let (slot, version) = (self.slot, self.view.version);
        if let Some(leading) = self.leading_mut() {
            leading.pending_isr = Some(PendingIsr {
                isr,
                version,
                uncertain: false,
            });
            desk.wishes.push(slot);
            cx.point(point);
        }
    }

    /// The wish as a request; none if nothing is wished for any more.
    pub fn wish(&self, broker_epoch: u64) -> Option<AlterIsr> {
        let pending = self.leading()?.pending_isr?;
        Some(AlterIsr {
            partition: self.log.partition(),
            leader_epoch: self.view.epoch,
            partition_epoch: pending.version,
            isr: pending.isr,
            broker_epoch,
        })
    }

    /// The wish for `version` was not granted; whether it should be asked for again.
    ///
    /// A wish whose answer got lost may have been granted: it stands until the metadata log shows a newer
    /// state, since giving it up would leave a member of the true in-sync set uncounted.
    pub fn wish_refused(&mut self, version: u32, refusal: Option<Refusal>) -> bool {
        let Some(leading) = self.leading_mut() else {
            return false;
        };
        let Some(pending) = &mut leading.pending_isr else {
            return false;
        };
        if pending.version != version {
            return false;
        }
        match refusal {
            Some(Refusal::NotController) => true,
            None | Some(Refusal::TimedOut) => {
                pending.uncertain = true;
                true
            }
            Some(Refusal::InvalidUpdateVersion) => false,
            Some(refusal) => {
                assert!(refusal.is_definite(), "{refusal:?}");
                if !pending.uncertain {
                    leading.pending_isr = None;
                }
                false
            }
        }
    }
}
