//! Timers: what becomes of one that runs out, and of those that were unset before.

use super::World;
use super::entry::Entry;
use super::node::Armed;
use stormglass_core::actor::Input;
use stormglass_core::id::{NodeId, TimerId};

/// So few void timers are not worth a sweep.
const VOID_TIMERS_MIN: usize = 32;

impl World {
    pub(super) fn timer_runs_out(&mut self, id: NodeId, timer: TimerId, setting: u32) {
        let node = &mut self.nodes[usize::from(id.0)];
        let armed = node.timers.get(&timer).copied();
        let Some(armed) = armed.filter(|armed| armed.setting == setting) else {
            self.void_timers -= 1;
            return;
        };
        node.timers.remove(&timer);
        if node.paused > 0 {
            node.overdue.push((armed.at, timer));
        } else {
            self.give(id, Input::Timer(timer));
        }
    }

    /// A timer's entry in the agenda has lost its meaning.
    pub(super) fn void_timer(&mut self, armed: Option<Armed>) {
        self.void_timers += usize::from(armed.is_some_and(|armed| armed.queued));
    }

    /// Takes void timers out of the agenda once they are most of it. Requests are answered long before they
    /// time out, so without this nearly all of a run's agenda would be timeouts of answered requests.
    pub(super) fn sweep_void_timers(&mut self) {
        if self.void_timers <= VOID_TIMERS_MIN || self.void_timers <= self.agenda.len() / 2 {
            return;
        }
        let nodes = &self.nodes;
        self.agenda.retain(|entry| {
            let Entry::Timer {
                node,
                timer,
                setting,
            } = entry
            else {
                return true;
            };
            let armed = nodes[usize::from(node.0)].timers.get(timer);
            armed.is_some_and(|armed| armed.setting == *setting)
        });
        self.void_timers = 0;
    }
}
