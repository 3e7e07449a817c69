use super::config::{BreakerConfig, BudgetConfig, Trips};
use super::*;
use crate::rng::Seed;
use proptest::prelude::*;

fn retry(config: RetryConfig) -> Retry {
    let draws = Seed(1).keyed("source.orders/retry");
    Retry::new(&RetryPlan { config, draws })
}

fn of(policy: RetryPolicy) -> Retry {
    retry(RetryConfig {
        policy: Some(policy),
        ..RetryConfig::default()
    })
}

fn breaking(trips: Trips) -> Retry {
    retry(RetryConfig {
        breaker: Some(BreakerConfig {
            trips,
            open: Span::secs(5),
        }),
        ..RetryConfig::default()
    })
}

const fn at(seconds: u64) -> Mono {
    Mono(seconds * 1_000_000_000)
}

const OWN: Span = Span::millis(7);

#[test]
fn without_a_policy_the_clients_own_backoff_stays() {
    let mut retry = retry(RetryConfig::default());
    assert_eq!(retry.after(1, 50, OWN), Next::After(OWN));
}

#[test]
fn the_policy_none_never_tries_again() {
    let mut retry = of(RetryPolicy::None);
    assert_eq!(retry.after(1, 1, OWN), Next::Stop(Stop::Attempts));
}

#[test]
fn a_fixed_wait_stays_as_long_and_attempts_are_counted_with_the_first() {
    let mut retry = retry(RetryConfig {
        policy: Some(RetryPolicy::Fixed(Span::secs(1))),
        attempts: Some(3),
        ..RetryConfig::default()
    });
    let next: Vec<Next> = (1..=3)
        .map(|failures| retry.after(9, failures, OWN))
        .collect();
    let again = Next::After(Span::secs(1));
    assert_eq!(next, [again, again, Next::Stop(Stop::Attempts)]);
}

#[test]
fn an_exponential_wait_doubles_up_to_its_longest() {
    let mut retry = of(RetryPolicy::Exponential {
        first: Span::millis(100),
        max: Span::secs(1),
        jitter: Jitter::None,
    });
    let waits = (1..=6).map(|failures| match retry.after(0, failures, OWN) {
        Next::After(wait) => wait.0 / 1_000_000,
        Next::Stop(stop) => panic!("{stop:?}"),
    });
    assert_eq!(
        waits.collect::<Vec<_>>(),
        [100, 200, 400, 800, 1_000, 1_000]
    );
}

#[test]
fn full_jitter_is_the_same_for_a_request_whatever_came_before_it() {
    let policy = RetryPolicy::Exponential {
        first: Span::secs(1),
        max: Span::secs(60),
        jitter: Jitter::Full,
    };
    let (mut one, mut other) = (of(policy), of(policy));
    for key in 0..10 {
        one.after(key, 1, OWN);
    }
    assert_eq!(one.after(77, 3, OWN), other.after(77, 3, OWN));
    assert_ne!(one.after(77, 3, OWN), one.after(78, 3, OWN));
}

#[test]
fn a_budget_ends_with_its_tokens_and_grows_with_requests() {
    let mut retry = retry(RetryConfig {
        budget: Some(BudgetConfig {
            share: 500,
            burst: 2,
        }),
        ..RetryConfig::default()
    });
    let may = |retry: &mut Retry| retry.after(0, 1, OWN) == Next::After(OWN);
    assert!(may(&mut retry) && may(&mut retry) && !may(&mut retry));
    retry.send(at(0), 0);
    assert!(!may(&mut retry), "half a token is none");
    // A retry is no request: it puts nothing in.
    retry.send(at(0), 1);
    assert!(!may(&mut retry));
    retry.send(at(0), 0);
    assert!(may(&mut retry) && !may(&mut retry));
}

#[test]
fn a_breaker_opens_after_failures_in_a_row_and_a_success_begins_anew() {
    let mut retry = breaking(Trips::InARow(3));
    let ticket = retry.send(at(0), 0);
    assert!(!retry.failed(ticket, at(0)) && !retry.failed(ticket, at(0)));
    retry.succeeded(ticket);
    assert!(!retry.failed(ticket, at(1)) && !retry.failed(ticket, at(1)));
    assert!(retry.failed(ticket, at(1)), "the third in a row");
    assert_eq!(retry.gate(at(5)), Gate::Until(at(6)));
    assert_eq!(retry.gate(at(6)), Gate::Open);
}

#[test]
fn a_probe_decides_and_nothing_passes_it() {
    let mut retry = breaking(Trips::InARow(1));
    let early = retry.send(at(0), 0);
    let late = retry.send(at(0), 0);
    assert!(retry.failed(early, at(0)));
    let probe = retry.send(at(5), 1);
    assert_eq!(retry.gate(at(5)), Gate::Probing);
    // A request of before the opening ends while the probe is under way.
    retry.succeeded(late);
    assert_eq!(retry.gate(at(6)), Gate::Probing);
    assert!(retry.failed(probe, at(6)), "it opens again");
    assert_eq!(retry.gate(at(10)), Gate::Until(at(11)));
    let probe = retry.send(at(11), 1);
    retry.succeeded(probe);
    assert_eq!(retry.gate(at(11)), Gate::Open);
}

#[test]
fn a_breaker_by_share_waits_for_as_many_requests_as_it_looks_at() {
    let mut retry = breaking(Trips::Share { failed: 500, of: 4 });
    let ticket = retry.send(at(0), 0);
    assert!(!retry.failed(ticket, at(0)) && !retry.failed(ticket, at(0)));
    retry.succeeded(ticket);
    retry.succeeded(ticket);
    assert_eq!(retry.gate(at(0)), Gate::Open, "a success opens nothing");
    retry.succeeded(ticket);
    assert!(
        !retry.failed(ticket, at(0)),
        "one of the latest four, three were answered"
    );
    assert!(retry.failed(ticket, at(0)), "two of the latest four");
    assert_eq!(retry.gate(at(1)), Gate::Until(at(5)));
}

proptest! {
    /// Whatever the order of requests and failures, retries stay within the burst and the share.
    #[test]
    fn retries_are_never_more_than_the_burst_and_the_share(
        share in 0..=1_000_u32,
        burst in 0..50_u32,
        steps in prop::collection::vec(any::<bool>(), 0..2_000),
    ) {
        let budget = Some(BudgetConfig { share, burst });
        let mut retry = retry(RetryConfig { budget, ..RetryConfig::default() });
        let (mut requests, mut retries) = (0_u64, 0_u64);
        for is_request in steps {
            if is_request {
                retry.send(Mono(0), 0);
                requests += 1;
            } else if let Next::After(_) = retry.after(0, 1, OWN) {
                retry.send(Mono(0), 1);
                retries += 1;
            }
            prop_assert!(retries * 1_000 <= u64::from(burst) * 1_000 + u64::from(share) * requests);
        }
    }

    /// An exponential wait with full jitter never exceeds its ceiling.
    #[test]
    fn full_jitter_stays_below_the_doubled_wait(key: u64, failures in 1..80_u32) {
        let (first, max) = (Span::millis(10), Span::secs(3));
        let mut retry = of(RetryPolicy::Exponential { first, max, jitter: Jitter::Full });
        let Next::After(wait) = retry.after(key, failures, OWN) else {
            return Err(TestCaseError::fail("no retry"));
        };
        prop_assert!(wait <= max && wait.0 <= first.0.saturating_mul(1 << (failures - 1).min(30)));
    }

    /// A breaker never lets a second request out while its probe is under way.
    #[test]
    fn one_probe_at_a_time(failures in 1..5_u32, ends in prop::collection::vec(any::<bool>(), 1..200)) {
        let mut retry = breaking(Trips::InARow(failures));
        let mut now = at(0);
        for is_failure in ends {
            if let Gate::Until(until) = retry.gate(now) {
                now = until;
            }
            prop_assert_eq!(retry.gate(now), Gate::Open);
            let was_probe = retry.words().ends_with(" open");
            let ticket = retry.send(now, 0);
            if was_probe {
                prop_assert_eq!(retry.gate(now), Gate::Probing);
            }
            if is_failure {
                retry.failed(ticket, now);
            } else {
                retry.succeeded(ticket);
            }
        }
    }
}
