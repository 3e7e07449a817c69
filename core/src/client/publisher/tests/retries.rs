//! A publisher under a retry policy.

use super::*;
use crate::retry::RetryPlan;
use crate::retry::config::{BreakerConfig, BudgetConfig, RetryConfig, RetryPolicy, Trips};
use crate::rng::Seed;

fn stage(retry: RetryConfig) -> Stage {
    let config = ProducerConfig {
        enable_idempotence: false,
        ..config()
    };
    let draws = Seed(1).keyed("source.test/retry");
    let mut stage = Stage::new(PublisherPlan {
        retry: Some(RetryPlan {
            config: retry,
            draws,
        }),
        max_in_flight: 10,
        idempotent: false,
        ..to_log(&config)
    });
    stage.input(Input::Start);
    stage.answer_metadata(NodeId(10), 1);
    stage
}

impl Stage {
    /// The request timeout of everything open runs out.
    fn time_out(&mut self) {
        let calls: Vec<TimerId> = self.timers.keys().copied().collect();
        self.rig.wait(Span::secs(30));
        self.asked.clear();
        for timer in calls
            .into_iter()
            .filter(|timer| timer.0 >= crate::call::CALL_TIMER)
        {
            self.input(Input::Timer(timer));
        }
    }
}

fn ready_to_send(stage: &Stage) -> Vec<u64> {
    stage
        .published()
        .iter()
        .map(|(_, number, _)| *number)
        .collect()
}

#[test]
fn without_retries_a_batch_is_given_up_in_doubt_after_its_first_failure() {
    let mut stage = stage(RetryConfig {
        policy: Some(RetryPolicy::None),
        ..RetryConfig::default()
    });
    stage.push();
    stage.answer(0, Some(Refusal::NotEnoughReplicas));
    stage.push();
    stage.time_out();
    assert_eq!(stage.gave_up(), [(0, true), (1, false)]);
    assert!(stage.flow.is_empty());
}

#[test]
fn a_budget_pays_for_some_and_the_others_are_given_up() {
    let mut stage = stage(RetryConfig {
        policy: Some(RetryPolicy::Fixed(Span::millis(100))),
        budget: Some(BudgetConfig {
            share: 250,
            burst: 2,
        }),
        ..RetryConfig::default()
    });
    for _ in 0..4 {
        stage.push();
    }
    stage.time_out();
    assert_eq!(stage.gave_up(), [(2, false), (3, false)]);
    assert_eq!(stage.flow, [Flow::Refused; 2]);
    stage.wait(Span::millis(100));
    assert_eq!(ready_to_send(&stage), [0, 1]);
    assert_eq!(stage.flow[2..], [Flow::Retried; 2]);
}

#[test]
fn an_open_breaker_holds_everything_back_and_one_probe_closes_it() {
    let mut stage = stage(RetryConfig {
        policy: Some(RetryPolicy::Fixed(Span::millis(100))),
        breaker: Some(BreakerConfig {
            trips: Trips::InARow(2),
            open: Span::secs(5),
        }),
        ..RetryConfig::default()
    });
    stage.push();
    stage.push();
    stage.time_out();
    assert_eq!(stage.flow, [Flow::Opened]);
    stage.push();
    stage.wait(Span::millis(4_999));
    assert!(stage.published().is_empty());
    stage.wait(Span::millis(1));
    assert_eq!(ready_to_send(&stage), [0], "the probe");
    stage.push();
    assert_eq!(ready_to_send(&stage), [0]);
    stage.answer(0, None);
    assert_eq!(ready_to_send(&stage), [1, 2, 3]);
}
