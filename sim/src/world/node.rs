//! A machine: identity, disk and clocks, which survive a crash; the software on it, which does not; and the
//! station in which its inputs wait for a core.

use crate::clock::NodeClock;
use crate::disk::Disk;
use std::collections::VecDeque;
use stormglass_core::actor::{Actor, Connection, Counters, Effect, Input, Lane};
use stormglass_core::fixed_map::FixedMap;
use stormglass_core::id::{Incarnation, PartId, TimerId};
use stormglass_core::part::Factory;
use stormglass_core::rng::Stream;
use stormglass_core::time::{Mono, Time};

/// What the assembler says about a node.
pub struct NodePlan {
    /// Its name, for example `broker.main.0`.
    pub name: String,
    /// The part it belongs to, by position in the scenario.
    pub part: PartId,
    /// Who makes its software at every boot.
    pub software: Software,
    /// When it boots first.
    pub boot_at: Time,
    /// How far its wall clock is off at the start, nanoseconds.
    pub clock_offset: i64,
    /// How fast its clocks run, parts per million.
    pub clock_drift: i32,
    /// The zone it stands in; links between zones may be slower.
    pub zone: u16,
}

/// Who runs a node's software.
pub enum Software {
    /// An actor, stepped by the World.
    Actor(Factory),
    /// A program outside, reached through the driver.
    Outside,
}

/// A timer that is set.
#[derive(Clone, Copy, Debug)]
pub struct Armed {
    /// Which setting of it; the agenda's older entries are void.
    pub setting: u32,
    /// When it runs out, on the node's monotonic clock.
    pub at: Mono,
    /// Whether the agenda has an entry for this setting; while the clock stands still it has none.
    pub queued: bool,
}

/// One lane of the station.
#[derive(Debug, Default)]
pub struct LaneState {
    /// Whether an input of it is being served.
    pub busy: bool,
    /// Inputs that wait.
    pub queue: VecDeque<Input>,
}

/// A step whose service has not ended.
#[derive(Debug)]
pub struct Service {
    /// Its lane.
    pub lane: Lane,
    /// What leaves at the end, or is still held at a point.
    pub effects: Vec<Effect>,
    /// Whether the end came while the node was paused.
    pub overdue: bool,
}

/// How full a station is and has been: inputs that wait or are served, and cores in use, with both over time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Occupancy {
    inside: u32,
    busy: u16,
    since: Time,
    inside_nanos: u128,
    busy_nanos: u128,
}

impl Occupancy {
    /// Cores in use.
    #[must_use]
    pub const fn busy(&self) -> u16 {
        self.busy
    }

    fn settle(&mut self, now: Time) {
        let nanos = u128::from(now.since(self.since).0);
        self.since = now;
        self.inside_nanos += u128::from(self.inside) * nanos;
        self.busy_nanos += u128::from(self.busy) * nanos;
    }

    /// An input has come that is not done at once.
    pub fn enter(&mut self, now: Time) {
        self.settle(now);
        self.inside += 1;
    }

    /// A core takes it up.
    pub fn serve(&mut self, now: Time) {
        self.settle(now);
        self.busy += 1;
    }

    /// The core is done with it.
    pub fn served(&mut self, now: Time) {
        self.settle(now);
        self.busy -= 1;
        self.inside -= 1;
    }

    /// It waited and then took no time.
    pub fn passed(&mut self, now: Time) {
        self.settle(now);
        self.inside -= 1;
    }

    /// The process has died.
    pub fn clear(&mut self, now: Time) {
        self.settle(now);
        (self.inside, self.busy) = (0, 0);
    }

    /// The load until `now`.
    #[must_use]
    pub fn until(mut self, now: Time) -> Load {
        self.settle(now);
        Load {
            inside_nanos: self.inside_nanos,
            busy_nanos: self.busy_nanos,
        }
    }
}

/// What a station has carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Inputs waiting or served, added up over time, nanoseconds: by Little's law the sum of the times that
    /// they spent there.
    pub inside_nanos: u128,
    /// Cores in use, added up over time, nanoseconds.
    pub busy_nanos: u128,
}

/// What a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has not booted yet.
    Waiting,
    /// Its process runs.
    Up,
    /// Its process is gone; the machine still answers for it.
    ProcessDown,
    /// The machine is off: silence.
    PowerOff,
}

/// A machine of the World.
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its part.
    pub part: PartId,
    /// Who makes its software.
    pub software: Software,
    /// Its software, while it runs and is an actor.
    pub actor: Option<Box<dyn Actor>>,
    /// Which boot this is.
    pub incarnation: Incarnation,
    /// What it is doing.
    pub state: State,
    /// Faults that keep it down.
    pub down_faults: u32,
    /// Faults that keep it paused, and whether its clock stands still.
    pub paused: u32,
    /// Timers that ran out during a pause, in the order of their deadlines.
    pub overdue: Vec<(Mono, TimerId)>,
    /// Inputs that came during a pause.
    pub held: VecDeque<Input>,
    /// How much longer its steps take, at least 1.
    pub slow_factor: u32,
    /// Its clocks.
    pub clock: NodeClock,
    /// Its disk.
    pub disk: Disk,
    /// Its random numbers.
    pub rng: Stream,
    /// The numbers it hands out.
    pub counters: Counters,
    /// Its connections, in no meaningful order.
    pub connections: Vec<Connection>,
    /// Its timers.
    pub timers: FixedMap<TimerId, Armed>,
    /// The setting number of the next timer.
    pub next_setting: u32,
    /// The lanes of its station.
    pub lanes: Vec<LaneState>,
    /// Lanes that wait for a core, first come first served.
    pub ready: VecDeque<Lane>,
    /// How full its station is.
    pub occupancy: Occupancy,
    /// Steps in service, by slot.
    pub services: slab::Slab<Service>,
    /// Steps it has taken.
    pub steps: u64,
    /// The longest its station's queue has been.
    pub queue_max: usize,
}

impl Node {
    /// Everything that dies with the process. Gives back how many entries of the agenda are void now.
    pub fn forget(&mut self, now: Time) -> usize {
        self.actor = None;
        let timers = self.timers.sorted();
        let void = timers.iter().filter(|(_, armed)| armed.queued).count();
        self.timers.clear();
        self.overdue.clear();
        self.held.clear();
        self.lanes.clear();
        self.ready.clear();
        self.occupancy.clear(now);
        self.services.clear();
        self.paused = 0;
        void
    }

    /// The lane's state, made when first needed.
    pub fn lane(&mut self, lane: Lane) -> &mut LaneState {
        let index = usize::from(lane.0);
        if self.lanes.len() <= index {
            self.lanes.resize_with(index + 1, LaneState::default);
        }
        &mut self.lanes[index]
    }
}
