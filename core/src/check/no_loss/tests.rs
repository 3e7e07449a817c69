use super::*;
use crate::check::Answer;
use crate::check::tests_support::{
    BROKER, GROUP, History, P0, PROCESSOR, entry, events, log_pipeline, pipeline,
};
use crate::fault::FaultKind;
use crate::id::{Offset, TopicId};
use crate::processor::config::DeliveryMode;
use crate::time::Span;
use proptest::prelude::*;

fn judge(history: &History) -> Judgement {
    history.judge(&mut NoLoss::new(&log_pipeline(), &history.plan()))
}

fn published() -> History {
    let mut history = History::new();
    history.owed(0..4);
    history.appended(BROKER, entry(0, 1, events(0..4)));
    history.acked(0, 0..4);
    history
}

#[test]
fn what_is_stored_and_shown_is_not_lost() {
    let mut history = published();
    history.effects(0..4);
    history.audited(vec![entry(0, 1, events(0..4))]).rows(0..4);
    let judgement = judge(&history);
    assert_eq!((judgement.answer, judgement.judged), (Answer::Pass, 4));
}

#[test]
fn an_acknowledged_event_missing_from_the_final_read_is_lost() {
    let mut history = published();
    history.effects(0..4);
    history.audited(vec![entry(0, 1, events(0..3))]).rows(0..4);
    let judgement = judge(&history);
    assert_eq!(judgement.violations_total, 1);
    let violation = &judgement.violations[0];
    assert_eq!(violation.signature.anomaly, "lost-write");
    assert_eq!(
        violation.events,
        [EventId {
            source: 0,
            number: 3
        }]
    );
    assert_eq!(
        (violation.partition, &violation.offsets[..]),
        (Some(P0), &[3][..])
    );
}

#[test]
fn an_effect_that_is_claimed_and_not_shown_is_lost() {
    let mut history = published();
    history.effects(0..4);
    history.audited(vec![entry(0, 1, events(0..4))]).rows(0..3);
    assert_eq!(judge(&history).violations[0].signature.anomaly, "unseen");
}

#[test]
fn an_operator_that_never_filters_is_not_excused_by_saying_so() {
    let judge = |operator| {
        let mut history = published();
        history.effects(0..3);
        history.claim(
            PROCESSOR,
            Fact::Filtered {
                group: GROUP,
                events: Arc::from([EventId {
                    source: 0,
                    number: 3,
                }]),
            },
        );
        history.audited(vec![entry(0, 1, events(0..4))]).rows(0..3);
        let topology = pipeline(true, SinkKind::Append, operator, DeliveryMode::AtLeastOnce);
        history.judge(&mut NoLoss::new(&Arc::new(topology), &history.plan()))
    };
    assert_eq!(judge("filter").answer, Answer::Pass);
    assert_eq!(judge("identity").answer, Answer::Fail);
}

#[test]
fn a_publish_nobody_answered_may_be_missing() {
    let mut history = History::new();
    history.owed(0..2).acked(0, 0..1).effects(0..1);
    history.audited(vec![entry(0, 1, events(0..1))]).rows(0..1);
    assert_eq!(judge(&history).answer, Answer::Pass);
}

#[test]
fn what_an_operator_removed_by_force_is_not_lost() {
    let mut history = published();
    history.fault(FaultKind::Control(crate::actor::Control::ForceRetention {
        keep: 0,
    }));
    history.written(
        BROKER,
        Fact::LogStart {
            partition: P0,
            start: Offset(4),
        },
    );
    history.audited(vec![]).rows([]);
    assert_eq!(judge(&history).answer, Answer::Pass);
}

#[test]
fn without_a_final_read_loss_is_unknown() {
    let history = published();
    let mut checker = NoLoss::new(&log_pipeline(), &history.plan());
    assert_eq!(
        history.judge_with(&mut checker, &End::default()).answer,
        Answer::Unknown
    );
}

#[test]
fn a_dead_letter_of_a_queue_is_not_a_loss() {
    let judge = |dead| {
        let mut history = published();
        history.effects(0..3).rows(0..3);
        if dead {
            history.stored(
                BROKER,
                Fact::DeadLettered {
                    topic: TopicId(0),
                    group: GROUP,
                    events: events(3..4),
                },
            );
        }
        let topology = pipeline(
            false,
            SinkKind::Append,
            "identity",
            DeliveryMode::AtLeastOnce,
        );
        history.wait(Span::millis(1));
        history.judge(&mut NoLoss::new(&Arc::new(topology), &history.plan()))
    };
    assert_eq!(judge(true).answer, Answer::Pass);
    assert_eq!(judge(false).answer, Answer::Fail);
}

proptest! {
    /// Any set of acknowledged events, any set of stored ones: exactly the difference is lost.
    #[test]
    fn exactly_the_missing_events_are_found(
        acked in prop::collection::btree_set(0..60_u64, 0..40),
        stored in prop::collection::btree_set(0..60_u64, 0..40),
    ) {
        let mut history = History::new();
        history.owed(0..60);
        for (base, number) in acked.iter().enumerate() {
            history.acked(base as u64, [*number]);
        }
        history.audited(vec![entry(0, 1, events(stored.iter().copied()))]);
        let topology = log_pipeline();
        let judgement = history.judge(&mut NoLoss::in_log(&topology, &history.plan()));
        prop_assert_eq!(judgement.violations_total, acked.difference(&stored).count() as u64);
    }
}
