//! Bounds of retry policies.

use super::{Checked, Judge, MONTH};
use stormglass_core::retry::config::{RetryConfig, RetryPolicy, Trips};

pub(super) fn retry(judge: &Judge<'_>, config: &RetryConfig) -> Checked {
    match config.policy {
        None => {}
        Some(RetryPolicy::None) => never(judge, config)?,
        Some(RetryPolicy::Fixed(wait)) => judge.lasting("retry.policy.fixed", wait, MONTH)?,
        Some(RetryPolicy::Exponential { first, max, .. }) => {
            judge.lasting("retry.policy.exponential.first", first, MONTH)?;
            judge.lasting("retry.policy.exponential.max", max, MONTH)?;
            judge.at_least(
                ("retry.policy.exponential.max", max),
                ("retry.policy.exponential.first", first),
                "the wait before a retry grows up to `max`",
            )?;
        }
    }
    if let Some(attempts) = config.attempts {
        judge.within("retry.attempts", attempts.into(), 1, 1_000_000)?;
    }
    if let Some(budget) = &config.budget {
        judge.within("retry.budget.burst", budget.burst.into(), 1, 1_000_000)?;
    }
    let Some(breaker) = &config.breaker else {
        return Ok(());
    };
    judge.lasting("retry.breaker.open", breaker.open, MONTH)?;
    match breaker.trips {
        Trips::InARow(failures) => {
            judge.within("retry.breaker.trips.in-a-row", failures.into(), 1, 10_000)
        }
        Trips::Share { failed, of } => {
            judge.within("retry.breaker.trips.share.of", of.into(), 1, 10_000)?;
            judge.need(
                failed > 0,
                "retry.breaker.trips.share.failed",
                String::from("a breaker that opens at a share of 0 never closes"),
                "choose a share above 0 and at most 1, such as 0.5",
            )
        }
    }
}

/// What bounds retries means nothing where there are none.
fn never(judge: &Judge<'_>, config: &RetryConfig) -> Checked {
    let needless = [
        (
            "retry.attempts",
            config.attempts.is_some_and(|most| most > 1),
        ),
        ("retry.budget", config.budget.is_some()),
    ];
    for (key, is_set) in needless {
        judge.need(
            !is_set,
            key,
            format!("`{key}` bounds retries, and `policy = \"none\"` has none"),
            "leave one of them out",
        )?;
    }
    Ok(())
}
