//! Inputs wait for a core, are served, and their effects leave when the service ends. A station costs an
//! extra agenda entry only for a step that takes time.

use super::node::{Service, State};
use super::{Entry, Outside, Software, Step, Stop, World};
use std::collections::BTreeSet;
use stormglass_core::actor::{Context, Input, Lane, Origin};
use stormglass_core::digest::digest_of;
use stormglass_core::history::Stage;
use stormglass_core::id::{Incarnation, NodeId};
use stormglass_core::time::Span;

/// Whether an input waited for its core.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waited {
    Yes,
    No,
}

impl World {
    /// An input has reached a node: it is served, or waits.
    pub(super) fn give(&mut self, id: NodeId, input: Input) {
        let node = &mut self.nodes[usize::from(id.0)];
        if node.state != State::Up {
            return;
        }
        if node.paused > 0 {
            node.held.push_back(input);
            return;
        }
        if matches!(node.software, Software::Outside) {
            self.deliver_outside(id, input);
            return;
        }
        let Some(actor) = &node.actor else { return };
        let lane = actor.lane(&input);
        let cores = self.profile.cpu.cores;
        let free = node.occupancy.busy() < cores;
        let state = node.lane(lane);
        if state.busy || !free || !state.queue.is_empty() {
            state.queue.push_back(input);
            let waiting = state.queue.len();
            let first = waiting == 1 && !state.busy;
            if first {
                node.ready.push_back(lane);
            }
            node.queue_max = node.queue_max.max(waiting);
            node.occupancy.enter(self.now);
        } else {
            self.serve(id, lane, input, Waited::No);
        }
    }

    fn deliver_outside(&mut self, id: NodeId, input: Input) {
        self.note_step(id, &input);
        self.witness(id, &input);
        self.outside.push_back(Outside::Deliver(id, input));
    }

    /// What the World sees when an input is taken.
    fn witness(&mut self, id: NodeId, input: &Input) {
        if let Input::Message { message, peer, .. } = input
            && let Some(fact) = message.witness()
        {
            let incarnation = self.nodes[usize::from(id.0)].incarnation;
            self.observe(id, incarnation, Stage::Seen, Some(*peer), fact);
        }
    }

    fn note_step(&mut self, id: NodeId, input: &Input) {
        self.steps += 1;
        self.steps_at_instant += 1;
        let (class, digest) = input_digest(input);
        let incarnation = self.nodes[usize::from(id.0)].incarnation;
        self.mix(id, incarnation, class, digest);
        self.trace.step_ends(self.steps, self.fingerprint.value());
        if self.trace.wants(self.steps) {
            self.trace.push(Step {
                number: self.steps,
                time: self.now,
                node: id,
                incarnation,
                input: describe(input),
                fingerprint: self.fingerprint.value(),
            });
        }
        if self.steps >= self.limits.steps {
            self.stop.get_or_insert(Stop::Steps);
        }
        if self.steps_at_instant >= self.limits.steps_at_instant {
            self.livelock(id);
        }
    }

    /// The last quarter of an instant's allowance names who is in the loop.
    fn livelock(&mut self, id: NodeId) {
        let mut names: BTreeSet<String> = self
            .nodes
            .iter()
            .filter(|node| !node.ready.is_empty())
            .map(|node| node.name.clone())
            .collect();
        names.insert(self.nodes[usize::from(id.0)].name.clone());
        self.stop
            .get_or_insert(Stop::Livelock(names.into_iter().collect()));
    }

    /// A core takes an input: the step runs, and what it asked for is held until its service ends.
    fn serve(&mut self, id: NodeId, lane: Lane, input: Input, waited: Waited) {
        self.note_step(id, &input);
        self.witness(id, &input);
        let mut effects = self.spare_effects.pop().unwrap_or_default();
        let node = &mut self.nodes[usize::from(id.0)];
        node.steps += 1;
        let mut actor = node
            .actor
            .take()
            .expect("an input is served only while the actor is there");
        let mut cx = Context::new(
            id,
            node.incarnation,
            node.clock.monotonic(self.now),
            node.clock.wall(self.now),
            &mut node.rng,
            &mut node.counters,
            &mut self.network.slots,
            &mut effects,
        );
        actor.step(input, &mut cx);
        let work = cx.work();
        let node = &mut self.nodes[usize::from(id.0)];
        node.actor = Some(actor);
        let service = self.profile.cpu.price(work) * u64::from(node.slow_factor);
        match waited {
            Waited::Yes if service == Span::ZERO => node.occupancy.passed(self.now),
            Waited::No if service > Span::ZERO => node.occupancy.enter(self.now),
            Waited::Yes | Waited::No => {}
        }
        if service == Span::ZERO {
            self.release_all(id, effects);
            return;
        }
        node.lane(lane).busy = true;
        node.occupancy.serve(self.now);
        let slot = node.services.insert(Service {
            lane,
            effects,
            overdue: false,
        });
        let incarnation = node.incarnation;
        let entry = Entry::Release {
            node: id,
            incarnation,
            service: slot as u32,
        };
        self.agenda.push(self.now + service, entry);
    }

    /// A step's service ends: its effects leave, and the core takes the next input.
    pub(super) fn service_ends(&mut self, id: NodeId, incarnation: Incarnation, slot: u32) {
        let node = &mut self.nodes[usize::from(id.0)];
        if node.incarnation != incarnation || node.state != State::Up {
            return;
        }
        let Some(service) = node.services.get_mut(slot as usize) else {
            return;
        };
        if node.paused > 0 {
            service.overdue = true;
            return;
        }
        let lane = service.lane;
        let effects = std::mem::take(&mut service.effects);
        match self.release(id, effects) {
            super::effects::Released::All => {}
            super::effects::Released::Crashed => return,
            super::effects::Released::Held { effects, until } => {
                let node = &mut self.nodes[usize::from(id.0)];
                if let Some(service) = node.services.get_mut(slot as usize) {
                    service.effects = effects;
                }
                self.agenda.push(
                    until,
                    Entry::Release {
                        node: id,
                        incarnation,
                        service: slot,
                    },
                );
                return;
            }
        }
        let node = &mut self.nodes[usize::from(id.0)];
        if node.incarnation != incarnation || node.state != State::Up {
            return;
        }
        node.services.remove(slot as usize);
        node.occupancy.served(self.now);
        let state = node.lane(lane);
        state.busy = false;
        if !state.queue.is_empty() {
            node.ready.push_back(lane);
        }
        self.take_next(id);
    }

    /// Free cores take what waits, lane by lane in the order in which lanes became ready.
    pub(super) fn take_next(&mut self, id: NodeId) {
        loop {
            let cores = self.profile.cpu.cores;
            let node = &mut self.nodes[usize::from(id.0)];
            if node.state != State::Up
                || node.paused > 0
                || node.occupancy.busy() >= cores
                || self.stop.is_some()
            {
                return;
            }
            let Some(lane) = node.ready.pop_front() else {
                return;
            };
            let state = node.lane(lane);
            if state.busy {
                continue;
            }
            let Some(input) = state.queue.pop_front() else {
                continue;
            };
            let more = !state.queue.is_empty();
            self.serve(id, lane, input, Waited::Yes);
            let node = &mut self.nodes[usize::from(id.0)];
            // A step that took no time has not occupied its lane.
            if more && node.state == State::Up && !node.lane(lane).busy {
                node.ready.push_back(lane);
            }
        }
    }
}

/// What a fingerprint sees of an input: its class and its content.
fn input_digest(input: &Input) -> (u64, u64) {
    let slot = |slot: u32, generation: u32| u64::from(slot) << 32 | u64::from(generation);
    match input {
        Input::Start => (1, 0),
        Input::Opened { connection, peer } => (
            2,
            digest_of(&[
                slot(connection.slot, connection.generation),
                u64::from(peer.0),
            ]),
        ),
        Input::Closed {
            connection,
            peer,
            reason,
        } => (
            3,
            digest_of(&[
                slot(connection.slot, connection.generation),
                u64::from(peer.0),
                *reason as u64,
            ]),
        ),
        Input::Message {
            origin,
            peer,
            message,
        } => {
            let connection = match origin {
                Origin::Connection(connection) => slot(connection.slot, connection.generation),
                Origin::Datagram => u64::MAX,
            };
            (
                4,
                digest_of(&[connection, u64::from(peer.0), message.digest()]),
            )
        }
        Input::Timer(timer) => (5, timer.0),
        Input::Disk(reply) => (
            6,
            digest_of(&[
                u64::from(reply.file.a),
                reply.file.b,
                reply.token,
                u64::from(reply.outcome.is_ok()),
            ]),
        ),
        Input::Control(control) => (7, control_digest(control)),
    }
}

fn control_digest(control: &stormglass_core::actor::Control) -> u64 {
    use stormglass_core::actor::Control;
    match control {
        Control::Stop => 1,
        Control::ForceElection => 2,
        Control::ExpandPartitions => 12,
        Control::ForceRetention { keep } => digest_of(&[3, *keep]),
        Control::Rewind => 4,
        Control::ExpireProducers => 5,
        Control::Leave => 7,
        Control::Join => 8,
        Control::Poison { one_in } => digest_of(&[9, u64::from(*one_in)]),
        Control::Mend => 10,
        Control::Configure { name, value } => {
            digest_of(&[6, stormglass_core::id::name_hash(name), *value as u64])
        }
    }
}

/// One line about an input, for people.
fn describe(input: &Input) -> String {
    let mut text = match input {
        Input::Message { message, peer, .. } => {
            format!("{:?} from {peer}: {message:?}", message.class())
        }
        Input::Start
        | Input::Opened { .. }
        | Input::Closed { .. }
        | Input::Timer(_)
        | Input::Disk(_)
        | Input::Control(_) => format!("{input:?}"),
    };
    if text.len() > 400 {
        let cut = (0..=400)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        text.truncate(cut);
        text.push('…');
    }
    text
}
