//! Steps of a fetcher whose answers come in an order of the test's choosing.

use super::*;
use crate::actor::Effect;
use crate::client::consumer::fetcher::{Fetcher, Found};
use crate::event::{Batch, Entry};
use crate::id::{CallId, Epoch};
use crate::message::log::{Fetched, FetchedPart, Metadata, PartitionState, Reader};
use crate::message::{Reply, Request};
use crate::test_rig::Rig;
use crate::time::Wall;
use std::sync::Arc;

struct Bench {
    rig: Rig,
    fetcher: Fetcher,
    asked: Vec<(CallId, Request)>,
}

impl Bench {
    fn new() -> Bench {
        Bench::from(&ConsumerConfig::default(), Offset(0), None)
    }

    /// A reader of the only partition that begins at an offset, behind what was read in an epoch.
    fn from(config: &ConsumerConfig, from: Offset, epoch: Option<Epoch>) -> Bench {
        let brokers = Cluster {
            first: NodeId(0),
            nodes: 3,
        };
        let plan = LogConsumerPlan::new(brokers, (TopicId(0), 1), GroupId(0), config);
        let mut bench = Bench {
            rig: Rig::new(NodeId(9)),
            fetcher: Fetcher::new(plan.fetch),
            asked: Vec::new(),
        };
        bench.fetcher.begin(partition(0), Some(from), epoch);
        bench.step(|_, _| {});
        bench
    }

    fn step(&mut self, body: impl FnOnce(&mut Fetcher, &mut Context<'_>)) {
        let fetcher = &mut self.fetcher;
        let effects = self.rig.with(|cx| {
            body(fetcher, cx);
            fetcher.pump(cx);
        });
        for effect in effects {
            if let Effect::Send {
                message: Message::Request { call, request },
                ..
            } = effect
            {
                self.asked.push((call, request));
            }
        }
    }

    /// Answers the open question that `is` finds, and gives it back.
    fn answer(&mut self, is: impl Fn(&Request) -> bool, reply: Reply) -> Request {
        let at = self.asked.iter().position(|(_, request)| is(request));
        let (call, request) = self.asked.remove(at.expect("it has been asked"));
        self.step(|fetcher, cx| assert_eq!(fetcher.on_reply(cx, call, reply), None));
        request
    }

    fn lead(&mut self, leader: u16, epoch: u32) {
        let partitions = vec![PartitionState {
            partition: partition(0),
            leader: Some(NodeId(leader)),
            epoch: Epoch(epoch),
        }];
        let metadata = Reply::Metadata(Arc::new(Metadata::of(partitions)));
        self.answer(|request| matches!(request, Request::Metadata(_)), metadata);
    }

    fn fetched(&mut self, base: u64, count: u64, epoch: u32) {
        let events = (base..base + count).map(|number| event(number, 0, 0));
        let entries = vec![Entry {
            base: Offset(base),
            epoch: Epoch(epoch),
            batch: Arc::new(Batch::of_events(events.collect(), None, Wall(0))),
        }];
        let part = FetchedPart {
            partition: partition(0),
            entries,
            high_watermark: Offset(base + count),
            log_start: Offset(0),
            epoch: Epoch(epoch),
            refusal: None,
        };
        let fetched = Reply::Fetched(Arc::new(Fetched {
            reader: Reader::Consumer,
            parts: vec![part],
        }));
        self.answer(|request| matches!(request, Request::Fetch(_)), fetched);
    }
}

#[test]
fn a_reader_that_went_on_while_the_leader_changed_asks_about_the_epoch_it_read_last() {
    let mut bench = Bench::new();
    bench.lead(0, 1);
    bench.fetched(0, 10, 1);
    // The next fetch is on its way to the leader of epoch 2 when that of epoch 3 becomes known.
    bench.rig.wait(Span::secs(1));
    bench.step(|fetcher, cx| assert!(fetcher.on_timer(cx, METADATA_AGES)));
    bench.lead(1, 3);
    bench.fetched(10, 4, 2);
    let end = Reply::EpochEnd {
        partition: partition(0),
        epoch: Epoch(2),
        end: Offset(14),
    };
    let question = bench.answer(|request| matches!(request, Request::EpochEnd { .. }), end);
    assert!(matches!(
        question,
        Request::EpochEnd {
            epoch: Epoch(2),
            ..
        }
    ));
    let found = std::iter::from_fn(|| bench.fetcher.take_found());
    let begun = found.filter(|found| matches!(found, Found::Begun(..)));
    assert_eq!(begun.count(), 1, "it is not sent back");
}

#[test]
fn a_position_that_is_taken_over_is_asked_about_where_the_leader_is_of_a_newer_epoch() {
    let config = ConsumerConfig::default();
    let mut bench = Bench::from(&config, Offset(10), Some(Epoch(2)));
    bench.lead(0, 3);
    let end = Reply::EpochEnd {
        partition: partition(0),
        epoch: Epoch(1),
        end: Offset(5),
    };
    bench.answer(|request| matches!(request, Request::EpochEnd { .. }), end);
    let found: Vec<Found> = std::iter::from_fn(|| bench.fetcher.take_found()).collect();
    let begun = [10, 5].map(|from| Found::Begun(partition(0), Offset(from)));
    assert_eq!(found, begun, "the log was cut at 5");
    bench.fetched(5, 4, 3);
    bench.fetcher.stop();
    let epoch = bench.fetcher.last_epoch(partition(0));
    assert_eq!(epoch, Some(Epoch(3)), "it is committed with what was read");
}

#[test]
fn a_reader_that_detects_no_truncation_reads_on_at_its_offset() {
    let config = ConsumerConfig {
        truncation_detection: TruncationDetection::None,
        ..ConsumerConfig::default()
    };
    let mut bench = Bench::from(&config, Offset(10), Some(Epoch(2)));
    bench.lead(0, 3);
    bench.fetched(10, 4, 3);
    let found = std::iter::from_fn(|| bench.fetcher.take_found());
    let begun = found.filter(|found| matches!(found, Found::Begun(..)));
    assert_eq!(begun.count(), 1, "nobody sent it back");
}
