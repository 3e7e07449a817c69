//! A small world of actors with everything that a driver could get wrong: connections and their ends, timers,
//! disks, lanes under load, and a plan of faults drawn from the seed.

use stormglass_core::actor::{Actor, Connection, Context, Input, Inspection, Origin, Work};
use stormglass_core::call::Calls;
use stormglass_core::disk::{DiskDone, DiskRecord, DiskVerb, FileId, FileKind};
use stormglass_core::fault::{Fault, FaultKind, FaultPlan, Target};
use stormglass_core::history::Kinds;
use stormglass_core::id::{CallId, NodeId, PartId, PointId, TimerId, TopicId};
use stormglass_core::message::{Message, Reply, Request};
use stormglass_core::part::Factory;
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use stormglass_sim::profile::Profile;
use stormglass_sim::world::{Limits, NodePlan, Software, World, WorldPlan};

pub const FILE: FileId = FileId::new(FileKind::Custom, 0, 0);
pub const STORED: PointId = PointId::new("keeper.stored");
const ASK: TimerId = TimerId(1);

/// Asks a random keeper at random distances, and tries again when a call ends without an answer.
pub struct Asker {
    keepers: u16,
    calls: Calls<u16>,
    answered: u64,
    mean: Span,
}

impl Asker {
    pub fn new(keepers: u16, mean: Span) -> Asker {
        Asker {
            keepers,
            calls: Calls::default(),
            answered: 0,
            mean,
        }
    }

    fn ask(&mut self, cx: &mut Context<'_>, topic: u16) {
        let keeper = NodeId(cx.rng().below(u64::from(self.keepers)) as u16);
        self.calls.ask(
            cx,
            keeper,
            Request::Metadata(TopicId(topic)),
            Span::millis(40),
            topic,
        );
    }

    fn arm(&self, cx: &mut Context<'_>) {
        let wait = Span(cx.rng().between(1, 2 * self.mean.0));
        cx.arm(ASK, wait);
    }
}

impl Actor for Asker {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        cx.spend(Work::request(1, 100));
        match input {
            Input::Start => self.arm(cx),
            Input::Timer(ASK) => {
                if self.calls.len() < 16 {
                    let topic = cx.rng().below(1_000) as u16;
                    self.ask(cx, topic);
                }
                self.arm(cx);
            }
            Input::Timer(timer) => {
                for (_, _, topic) in self.calls.expired(cx, timer) {
                    self.ask(cx, topic);
                }
            }
            Input::Closed { connection, .. } => {
                for (_, _, topic) in self.calls.closed(cx, connection) {
                    if self.calls.len() < 16 {
                        self.ask(cx, topic);
                    }
                }
            }
            Input::Message {
                message: Message::Reply { call, .. },
                ..
            } => {
                if self.calls.answered(cx, call).is_some() {
                    self.answered += 1;
                }
            }
            Input::Message { .. } | Input::Opened { .. } | Input::Disk(_) | Input::Control(_) => {}
        }
    }

    fn inspect(&self) -> Inspection {
        Inspection::new().value("answered", self.answered)
    }
}

/// Stores each request and answers when it is durable.
#[derive(Default)]
pub struct Keeper {
    next: u64,
    waiting: Vec<(u64, Connection, CallId)>,
}

impl Actor for Keeper {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        cx.spend(Work::request(1, 100));
        match input {
            Input::Start => cx.disk(FILE, DiskVerb::Scan, 0, None),
            Input::Message {
                origin: Origin::Connection(connection),
                message: Message::Request { call, .. },
                ..
            } => {
                self.next += 1;
                let record = DiskRecord::Mark {
                    key: self.next,
                    value: call.0,
                };
                cx.disk(FILE, DiskVerb::Append(vec![record]), 0, None);
                cx.point(STORED);
                cx.disk(FILE, DiskVerb::Sync, self.next, None);
                self.waiting.push((self.next, connection, call));
            }
            Input::Disk(reply) => match reply.outcome {
                Ok(DiskDone::Scanned(records)) => self.next = records.len() as u64,
                Ok(DiskDone::Done) if reply.token > 0 => {
                    while let Some((number, connection, call)) = self.waiting.first().copied()
                        && number <= reply.token
                    {
                        self.waiting.remove(0);
                        cx.reply(connection, call, Reply::GroupAlive);
                    }
                }
                Ok(_) | Err(_) => {}
            },
            Input::Message { .. }
            | Input::Closed { .. }
            | Input::Opened { .. }
            | Input::Timer(_)
            | Input::Control(_) => {}
        }
    }

    fn inspect(&self) -> Inspection {
        Inspection::new().value("next", self.next)
    }
}

/// A node that boots at the start.
pub fn node(name: &str, part: u16, software: Software) -> NodePlan {
    NodePlan {
        name: name.to_owned(),
        part: PartId(part),
        software,
        boot_at: Time::ZERO,
        clock_offset: 0,
        clock_drift: 0,
        zone: 0,
    }
}

/// A plan with these nodes and faults, whose calm begins at `heal_at`.
pub fn plan(seed: Seed, nodes: Vec<NodePlan>, faults: Vec<Fault>, heal_at: Time) -> WorldPlan {
    let parts = nodes
        .iter()
        .map(|node| usize::from(node.part.0))
        .max()
        .map_or(0, |last| last + 1);
    WorldPlan {
        seed,
        profile: Profile::same_zone(),
        nodes,
        faults: FaultPlan { faults },
        parts: (0..parts).map(|part| format!("part-{part}")).collect(),
        time_service: None,
        heal_at,
        drain_at: heal_at,
        wanted: Kinds::all(),
        limits: Limits::default(),
        trace: None,
    }
}

/// A fault on the node called `name`.
pub fn fault(name: &str, at: Span, lasts: Span, kind: FaultKind) -> Fault {
    Fault {
        name: None,
        at: Time(at.0),
        lasts,
        kind,
        target: Target::Node(name.to_owned()),
        planned: true,
    }
}

/// Three keepers and three askers for `length`, with a fault of each of several kinds.
pub fn keepers(seed: Seed, length: Span, mean: Span) -> World {
    World::new(keepers_plan(seed, length, mean))
}

/// The plan of [`keepers`].
pub fn keepers_plan(seed: Seed, length: Span, mean: Span) -> WorldPlan {
    let mut draws = seed.stream("test/faults");
    let mut faults = Vec::new();
    let kinds = [
        FaultKind::Crash,
        FaultKind::PowerLoss { torn: true },
        FaultKind::Pause { clock_stops: false },
        FaultKind::Partition,
        FaultKind::Oneway,
        FaultKind::Loss { parts: 50_000 },
        FaultKind::ClockDrift { parts: 200 },
        FaultKind::SlowDisk { factor: 10 },
        FaultKind::CrashAt {
            point: STORED.name().to_owned(),
            nth: 3,
        },
        FaultKind::Reset {
            class: "metadata".to_owned(),
            after: true,
        },
    ];
    for kind in kinds {
        let name = format!("keeper.{}", draws.below(3));
        let at = Span(draws.below(length.0 / 2));
        let lasts = Span(draws.between(length.0 / 100, length.0 / 4));
        faults.push(fault(&name, at, lasts, kind));
    }
    faults.sort_by_key(|fault| fault.at);
    let keeper = || -> Factory { Box::new(|| Box::new(Keeper::default())) };
    let mut nodes: Vec<NodePlan> = (0..3)
        .map(|index| node(&format!("keeper.{index}"), 0, Software::Actor(keeper())))
        .collect();
    for index in 0..3 {
        let asker: Factory = Box::new(move || Box::new(Asker::new(3, mean)));
        let mut asker = node(&format!("asker.{index}"), 1, Software::Actor(asker));
        asker.clock_drift = draws.between(0, 100) as i32 - 50;
        nodes.push(asker);
    }
    plan(seed, nodes, faults, Time(length.0 / 4 * 3))
}
