use super::*;
use crate::actor::{Connection, Effect, Origin};
use crate::event::{Batch, Entry, Event};
use crate::message::log::{FetchedPart, PartitionState};
use crate::message::sink::Rows;
use crate::test_rig::Rig;
use crate::time::Wall;

const BROKER: Cluster = Cluster {
    first: NodeId(0),
    nodes: 3,
};
const P: Partition = Partition {
    topic: TopicId(0),
    index: 0,
};

struct Bench {
    rig: Rig,
    auditor: Auditor,
}

impl Bench {
    fn new(logs: Vec<(Cluster, Vec<u16>)>, sinks: Vec<NodeId>) -> Bench {
        let plan = AuditPlan {
            logs,
            sinks,
            patience: Span::secs(1),
        };
        Bench {
            rig: Rig::new(NodeId(9)),
            auditor: Auditor::new(plan),
        }
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        self.rig.step(&mut self.auditor, input)
    }

    /// Answers the request among `effects`.
    fn answer(&mut self, effects: &[Effect], reply: Reply) -> Vec<Effect> {
        let (connection, call) = asked(effects);
        self.step(Input::Message {
            origin: Origin::Connection(connection),
            peer: NodeId(0),
            message: Message::Reply { call, reply },
        })
    }
}

fn asked(effects: &[Effect]) -> (Connection, crate::id::CallId) {
    effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Send {
                connection,
                message: Message::Request { call, .. },
            } => Some((*connection, *call)),
            _ => None,
        })
        .expect("a question was asked")
}

fn is_done(effects: &[Effect]) -> bool {
    effects.contains(&Effect::Observe(Fact::AuditDone))
}

fn metadata(leader: Option<NodeId>) -> Reply {
    let state = PartitionState {
        partition: P,
        leader,
        epoch: Epoch(3),
    };
    Reply::Metadata(Arc::new(Metadata::of(vec![state])))
}

fn offset(offset: u64) -> Reply {
    Reply::OffsetAt {
        partition: P,
        offset: Offset(offset),
    }
}

fn records(base: u64, count: usize) -> Reply {
    let event = Event {
        id: crate::event::EventId {
            source: 0,
            number: 0,
        },
        key: 0,
        event_time: 0,
        due: crate::time::Time(0),
        value: 0,
        size: 1,
        kind: 0,
        label: 0,
    };
    let batch = Batch::of_events(vec![event; count].into(), None, Wall(0));
    let entry = Entry {
        base: Offset(base),
        epoch: Epoch(3),
        batch: Arc::new(batch),
    };
    let part = FetchedPart {
        partition: P,
        entries: vec![entry],
        high_watermark: Offset(5),
        log_start: Offset(0),
        epoch: Epoch(3),
        refusal: None,
    };
    Reply::Fetched(Arc::new(Fetched {
        reader: Reader::Audit,
        parts: vec![part],
    }))
}

#[test]
fn with_nothing_to_read_it_is_done_at_once() {
    assert!(is_done(
        &Bench::new(Vec::new(), Vec::new()).step(Input::Start)
    ));
}

#[test]
fn a_partition_is_read_from_its_start_to_its_high_watermark() {
    let mut bench = Bench::new(vec![(BROKER, vec![1])], Vec::new());
    let effects = bench.step(Input::Start);
    let effects = bench.answer(&effects, metadata(Some(NodeId(1))));
    let effects = bench.answer(&effects, offset(2));
    let effects = bench.answer(&effects, offset(5));
    let effects = bench.answer(&effects, records(2, 2));
    assert!(!is_done(&effects), "offset 4 is still to come");
    let effects = bench.answer(&effects, records(4, 1));
    assert!(is_done(&effects));
}

#[test]
fn a_partition_without_a_leader_is_asked_for_again() {
    let mut bench = Bench::new(vec![(BROKER, vec![1])], Vec::new());
    let effects = bench.step(Input::Start);
    let effects = bench.answer(&effects, metadata(None));
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Arm { timer: AGAIN, .. }))
    );
    let effects = bench.step(Input::Timer(AGAIN));
    let effects = bench.answer(&effects, metadata(Some(NodeId(2))));
    let effects = bench.answer(&effects, offset(0));
    assert!(is_done(&effects), "an empty partition has nothing to read");
}

#[test]
fn a_sink_is_read_page_by_page() {
    let mut bench = Bench::new(Vec::new(), vec![NodeId(4)]);
    let effects = bench.step(Input::Start);
    let page = |next| {
        Reply::Rows(Arc::new(Rows {
            rows: Vec::new(),
            next,
        }))
    };
    let effects = bench.answer(&effects, page(Some(7)));
    assert!(!is_done(&effects));
    let effects = bench.answer(&effects, page(None));
    assert!(is_done(&effects));
}
