//! Two small actors and a way to run them under a plan: a client that sends numbered messages and writes down
//! what comes back, and a server that echoes, after a sync if asked to.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use stormglass_core::actor::{Actor, Connection, Context, Input, Inspection, Origin, Work};
use stormglass_core::disk::{DiskDone, DiskRecord, DiskVerb, FileId, FileKind};
use stormglass_core::fault::{Fault, FaultKind, FaultPlan, Target};
use stormglass_core::history::{Kinds, Observation};
use stormglass_core::id::{CallId, ClassId, NodeId, PartId, PointId, TimerId, TopicId};
use stormglass_core::message::{Message, Reply, Request};
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use stormglass_sim::drive::bare;
use stormglass_sim::profile::Profile;
use stormglass_sim::world::{Limits, NodePlan, Software, World, WorldPlan};

pub const FILE: FileId = FileId::new(FileKind::Custom, 0, 0);
pub const ECHO: ClassId = ClassId::new("echo");
pub const AFTER_WRITE: PointId = PointId::new("echo.after-write");

/// What the actors write down: true times are not theirs to know, so these are monotonic nanoseconds.
pub type Log = Rc<RefCell<Vec<String>>>;

fn note(log: &Log, cx: &Context<'_>, text: &str) {
    log.borrow_mut()
        .push(format!("{} {text}", Span(cx.monotonic().0)));
}

/// Sends a metadata request (the smallest of the wire) to node 1 every `every`, `count` times.
pub struct Client {
    pub log: Log,
    pub every: Span,
    pub count: u64,
    pub datagrams: bool,
    connection: Option<Connection>,
    sent: u64,
}

impl Client {
    pub fn new(log: &Log, every: Span, count: u64, datagrams: bool) -> Client {
        Client {
            log: Rc::clone(log),
            every,
            count,
            datagrams,
            connection: None,
            sent: 0,
        }
    }

    fn send(&mut self, cx: &mut Context<'_>) {
        self.sent += 1;
        let number = self.sent;
        if self.datagrams {
            cx.datagram(
                NodeId(1),
                Message::Custom {
                    class: ECHO,
                    body: Arc::from(number.to_le_bytes()),
                },
            );
        } else {
            let connection = *self.connection.get_or_insert_with(|| cx.connect(NodeId(1)));
            let request = Request::Metadata(TopicId(number as u16));
            cx.send(
                connection,
                Message::Request {
                    call: CallId(number),
                    request,
                },
            );
        }
        if self.sent < self.count {
            cx.arm(TimerId(1), self.every);
        }
    }
}

impl Actor for Client {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        match input {
            Input::Start | Input::Timer(_) => self.send(cx),
            Input::Message {
                message: Message::Reply { call, .. },
                ..
            } => {
                note(&self.log, cx, &format!("answer {call}"));
            }
            Input::Closed { reason, .. } => {
                note(&self.log, cx, &format!("closed {reason:?}"));
                self.connection = None;
            }
            Input::Message { .. } | Input::Opened { .. } | Input::Disk(_) | Input::Control(_) => {}
        }
    }

    fn inspect(&self) -> Inspection {
        Inspection::new().value("sent", self.sent)
    }
}

/// Answers every request; with `sync`, stores it and answers when it is durable.
pub struct Server {
    pub log: Log,
    pub work: Work,
    pub store: bool,
    pub sync: bool,
    waiting: Vec<(Connection, CallId)>,
}

impl Server {
    pub fn new(log: &Log) -> Server {
        Server {
            log: Rc::clone(log),
            work: Work::default(),
            store: false,
            sync: false,
            waiting: Vec::new(),
        }
    }

    fn answer(&self, cx: &mut Context<'_>, connection: Connection, call: CallId) {
        cx.reply(connection, call, Reply::GroupAlive);
    }
}

impl Actor for Server {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        cx.spend(self.work);
        match input {
            Input::Start => cx.disk(FILE, DiskVerb::Scan, 0, None),
            Input::Message {
                origin, message, ..
            } => match (origin, message) {
                (Origin::Connection(connection), Message::Request { call, .. }) => {
                    note(&self.log, cx, &format!("request {call}"));
                    if self.store {
                        let record = DiskRecord::Mark {
                            key: 1,
                            value: call.0,
                        };
                        cx.disk(FILE, DiskVerb::Append(vec![record]), call.0, None);
                        cx.point(AFTER_WRITE);
                        self.waiting.push((connection, call));
                        if self.sync {
                            cx.disk(FILE, DiskVerb::Sync, 1 << 32 | call.0, None);
                        }
                    } else {
                        self.answer(cx, connection, call);
                    }
                }
                (Origin::Datagram, Message::Custom { body, .. }) => {
                    let number =
                        u64::from_le_bytes(body[..8].try_into().expect("a datagram is a number"));
                    note(&self.log, cx, &format!("datagram {number}"));
                }
                (_, other) => panic!("unexpected {other:?}"),
            },
            Input::Disk(reply) => match reply.outcome {
                Ok(DiskDone::Scanned(records)) => {
                    note(
                        &self.log,
                        cx,
                        &format!("boot {} with {} records", cx.incarnation(), records.len()),
                    );
                }
                _ if (reply.token >> 32 == 1) == self.sync => {
                    let call = CallId(reply.token & 0xFFFF_FFFF);
                    if let Some(place) = self.waiting.iter().position(|(_, open)| *open == call) {
                        let (connection, call) = self.waiting.remove(place);
                        self.answer(cx, connection, call);
                    }
                }
                _ => {}
            },
            Input::Closed { reason, .. } => {
                note(&self.log, cx, &format!("server closed {reason:?}"))
            }
            Input::Opened { .. } | Input::Timer(_) | Input::Control(_) => {}
        }
    }

    fn inspect(&self) -> Inspection {
        Inspection::new().value("waiting", self.waiting.len())
    }
}

/// A run of one client (node 0, `client`) and one server (node 1, `server`).
pub struct Script {
    pub seed: u64,
    pub faults: Vec<Fault>,
    pub every: Span,
    pub count: u64,
    pub datagrams: bool,
    pub profile: Profile,
    pub work: Work,
    pub store: bool,
    pub sync: bool,
    pub until: Time,
    pub server_drift: i32,
    pub server_zone: u16,
}

impl Default for Script {
    fn default() -> Script {
        Script {
            seed: 1,
            faults: Vec::new(),
            every: Span::millis(10),
            count: 1,
            datagrams: false,
            profile: Profile::ideal(Span::millis(1)),
            work: Work::default(),
            store: false,
            sync: false,
            until: Time(60 * 1_000_000_000),
            server_drift: 0,
            server_zone: 0,
        }
    }
}

/// What a run left.
pub struct Left {
    pub client: Vec<String>,
    pub server: Vec<String>,
    pub observations: Vec<Observation>,
    pub world: World,
}

impl Script {
    pub fn run(self) -> Left {
        let (client_log, server_log): (Log, Log) = Default::default();
        let (for_client, for_server) = (Rc::clone(&client_log), Rc::clone(&server_log));
        let (every, count, datagrams) = (self.every, self.count, self.datagrams);
        let (work, store, sync) = (self.work, self.store, self.sync);
        let (drift, server_zone) = (self.server_drift, self.server_zone);
        let node = |name: &str, part: u16, factory: stormglass_core::part::Factory| NodePlan {
            name: name.to_owned(),
            part: PartId(part),
            software: Software::Actor(factory),
            boot_at: Time::ZERO,
            clock_offset: 0,
            clock_drift: if part == 0 { 0 } else { drift },
            zone: if part == 0 { 0 } else { server_zone },
        };
        let nodes = vec![
            node(
                "client",
                0,
                Box::new(move || Box::new(Client::new(&for_client, every, count, datagrams))),
            ),
            node(
                "server",
                1,
                Box::new(move || {
                    Box::new(Server {
                        work,
                        store,
                        sync,
                        ..Server::new(&for_server)
                    })
                }),
            ),
        ];
        let mut world = World::new(WorldPlan {
            seed: Seed(self.seed),
            profile: self.profile,
            nodes,
            faults: FaultPlan {
                faults: self.faults,
            },
            parts: vec!["client".to_owned(), "server".to_owned()],
            time_service: None,
            heal_at: self.until,
            drain_at: self.until,
            wanted: Kinds::all(),
            limits: Limits::default(),
            trace: None,
        });
        let mut observations = Vec::new();
        bare(&mut world, self.until, &mut |_, observation| {
            observations.push(observation);
            true
        });
        Left {
            client: client_log.take(),
            server: server_log.take(),
            observations,
            world,
        }
    }
}

/// A fault on the server.
pub fn fault(at: Span, lasts: Span, kind: FaultKind) -> Fault {
    Fault {
        name: None,
        at: Time(at.0),
        lasts,
        kind,
        target: Target::Node("server".to_owned()),
        planned: true,
    }
}
