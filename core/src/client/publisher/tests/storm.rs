//! A publisher against a model of a log broker (K7) in bad weather: requests are refused, lost on the way,
//! applied although the answer is lost, and stalled until long after their connection has been closed.

use super::*;
use crate::rng::{Seed, Stream};
use std::collections::VecDeque;

/// One partition of a broker that forgets nothing but all except the last five batches of each producer.
#[derive(Default)]
struct Model {
    log: Vec<u64>,
    producers: BTreeMap<ProducerId, Remembered>,
    next_producer: u64,
}

#[derive(Default)]
struct Remembered {
    epoch: u16,
    next: u64,
    last_five: VecDeque<u64>,
}

impl Model {
    /// Whether the batch is stored, be it from before.
    fn apply(&mut self, batch: &Batch) -> bool {
        if let Some(producer) = batch.producer {
            let known = self.producers.entry(producer.id).or_default();
            if producer.epoch < known.epoch {
                return false;
            }
            if producer.epoch > known.epoch {
                *known = Remembered {
                    epoch: producer.epoch,
                    ..Remembered::default()
                };
            }
            if known.last_five.contains(&producer.sequence) {
                return true;
            }
            if known.next != producer.sequence {
                return false;
            }
            known.next += batch.count();
            known.last_five.push_back(producer.sequence);
            if known.last_five.len() > 5 {
                known.last_five.pop_front();
            }
        }
        self.log
            .extend(batch.events().iter().map(|event| event.id.number));
        true
    }
}

struct Storm {
    stage: Stage,
    model: Model,
    /// Requests on connections that their client has left: they still arrive one day.
    stalled: Vec<Arc<Batch>>,
    outcomes: Vec<Outcome>,
    draws: Stream,
}

impl Storm {
    fn new(seed: u64, idempotent: bool) -> Storm {
        let config = ProducerConfig {
            linger: Span::millis(5),
            batch_records: 3,
            enable_idempotence: idempotent,
            request_timeout: Span::millis(500),
            delivery_timeout: Span::secs(3),
            ..ProducerConfig::default()
        };
        let mut plan = to_log(&config);
        plan.duty = Duty::Relay;
        let mut stage = Stage::new(plan);
        stage.input(Input::Start);
        Storm {
            stage,
            model: Model::default(),
            stalled: Vec::new(),
            outcomes: Vec::new(),
            draws: Seed(seed).stream("storm"),
        }
    }

    /// Lets time pass, with timers on the way.
    fn run(&mut self, span: Span) {
        let end = self.stage.rig.now + span;
        while let Some((at, timer)) = self.stage.timers.iter().map(|(t, at)| (*at, *t)).min()
            && at <= end
        {
            self.stage.rig.now = self.stage.rig.now.max(at);
            self.stage.timers.remove(&timer);
            self.stage.input(Input::Timer(timer));
            self.stall_what_was_left();
        }
        self.stage.rig.now = end;
        self.outcomes.extend(self.stage.publisher.take_outcomes());
    }

    fn stall_what_was_left(&mut self) {
        let Stage { asked, peers, .. } = &mut self.stage;
        asked.retain(|(_, connection, request)| {
            let is_open = peers.contains_key(connection);
            if let (false, Some(publish)) = (is_open, publish(request)) {
                self.stalled.push(Arc::clone(&publish.batch));
            }
            is_open
        });
    }

    /// The broker takes its oldest request.
    fn serve(&mut self, is_calm: bool) {
        let Some((_, connection, request)) = self.stage.asked.first().cloned() else {
            return;
        };
        if matches!(request, Request::Metadata(_)) {
            return self.stage.answer_metadata(NodeId(10), 1);
        }
        if matches!(request, Request::InitProducer) {
            self.model.next_producer += 1;
            return self.stage.answer_producer(self.model.next_producer);
        }
        let publish = publish(&request).expect("a publisher asks nothing else");
        let batch = &publish.batch;
        let fate = if is_calm { 0 } else { self.draws.below(12) };
        let reply = match fate {
            0..6 => match self.model.apply(batch) {
                false => Reply::Refused(Refusal::OutOfOrderSequence),
                true => Reply::Published(Published {
                    partition: publish.partition,
                    base: Offset(0),
                    batch: Arc::clone(batch),
                }),
            },
            6 => {
                self.model.apply(batch);
                Reply::Refused(Refusal::NotEnoughReplicasAfterAppend)
            }
            7..9 => Reply::Refused(Refusal::NotEnoughReplicas),
            9 => {
                self.model.apply(batch);
                return self.stage.reset(connection);
            }
            _ => return self.stage.reset(connection),
        };
        self.stage.reply_to(0, reply);
    }

    fn blow(&mut self) {
        for _ in 0..600 {
            match self.draws.below(8) {
                0..3 => self.stage.push(),
                3..6 => self.serve(false),
                6 => {
                    let wait = self.draws.below(200);
                    self.run(Span::millis(wait));
                }
                _ => {
                    if let Some(batch) = self.stalled.pop() {
                        self.model.apply(&batch);
                    }
                }
            }
        }
        for _ in 0..2_000 {
            self.serve(true);
            self.run(Span::millis(20));
        }
        assert!(self.stage.publisher.is_idle());
    }

    fn fates(&self) -> BTreeMap<u64, Fate> {
        let mut fates = BTreeMap::new();
        for outcome in &self.outcomes {
            for event in outcome.events.iter() {
                let twice = fates.insert(event.id.number, outcome.fate);
                assert!(twice.is_none(), "{:?} had two fates", event.id);
            }
        }
        assert_eq!(fates.len() as u64, self.stage.number);
        fates
    }
}

impl Stage {
    fn reset(&mut self, connection: Connection) {
        let peer = self.peers[&connection];
        self.asked.retain(|(_, open, _)| *open != connection);
        self.input(Input::Closed {
            connection,
            peer,
            reason: CloseReason::Reset,
        });
    }
}

#[test]
fn an_idempotent_publisher_stores_what_is_acknowledged_once_and_in_order() {
    let (mut acknowledged, mut definite, mut in_doubt, mut renewed) = (0, 0, 0, 0);
    for seed in 0..300 {
        let mut storm = Storm::new(seed, true);
        storm.blow();
        // Not even a batch that was given up and arrives late may lie behind a newer one.
        assert!(storm.model.log.is_sorted(), "seed {seed}");
        let mut last = None;
        for (number, fate) in storm.fates() {
            let places: Vec<usize> = (0..storm.model.log.len())
                .filter(|at| storm.model.log[*at] == number)
                .collect();
            match fate {
                Fate::Acknowledged => {
                    acknowledged += 1;
                    assert_eq!(places.len(), 1, "event {number} of seed {seed}");
                    assert!(last < Some(places[0]), "event {number} of seed {seed}");
                    last = Some(places[0]);
                }
                Fate::GaveUp { definite: true, .. } => {
                    definite += 1;
                    assert!(places.is_empty(), "event {number} of seed {seed}");
                }
                Fate::GaveUp {
                    definite: false, ..
                } => {
                    in_doubt += 1;
                    assert!(places.len() <= 1, "event {number} of seed {seed}");
                }
            }
        }
        renewed += usize::from(storm.stage.points.contains(&"publisher.new-identity"));
    }
    let reached = [acknowledged, definite, in_doubt, renewed];
    assert!(reached.iter().all(|n| *n > 20), "{reached:?}");
}

#[test]
fn without_idempotence_the_same_weather_doubles_and_reorders_but_loses_nothing() {
    let (mut doubled, mut reordered) = (0, 0);
    for seed in 0..100 {
        let mut storm = Storm::new(seed, false);
        storm.blow();
        let log = &storm.model.log;
        reordered += usize::from(!log.is_sorted());
        for (number, fate) in storm.fates() {
            let times = log.iter().filter(|stored| **stored == number).count();
            doubled += usize::from(times > 1);
            match fate {
                Fate::Acknowledged => assert!(times > 0, "event {number} of seed {seed}"),
                Fate::GaveUp { definite: true, .. } => assert_eq!(times, 0),
                Fate::GaveUp {
                    definite: false, ..
                } => {}
            }
        }
    }
    assert!(doubled > 20 && reordered > 20, "{doubled}, {reordered}");
}
