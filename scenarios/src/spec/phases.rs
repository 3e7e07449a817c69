//! How long a run must stay calm and how long it must drain: liveness bounds are sums, not guesses (rule 8 of
//! the guarantees): detection + election + session, visibility or lease + longest back-off + the backlog
//! over the spare capacity, over the parts that a scenario assembles.

use crate::error::ScenarioError;
use crate::spec::parse::Reader;
use crate::spec::run::{Length, Phases};
use crate::spec::{BrokerSpec, Scenario};
use stormglass_core::time::Span;

/// How long a recovery must hold before it counts (B4).
const HOLD: Span = Span::secs(5);
/// Elections and rebalances are tried again when they collide; three rounds are allowed for.
const ROUNDS: u64 = 3;

/// One addend of a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The path of the setting, or what the time is for.
    pub what: String,
    /// How long.
    pub span: Span,
}

fn term(what: impl Into<String>, span: Span) -> Term {
    Term {
        what: what.into(),
        span,
    }
}

/// The sum of some terms.
#[must_use]
pub fn total(terms: &[Term]) -> Span {
    terms
        .iter()
        .fold(Span::ZERO, |sum, term| sum.saturating_add(term.span))
}

/// What one broker may need after a heal before it serves and before its clients do.
#[must_use]
pub fn broker_terms(name: &str, broker: &BrokerSpec) -> Vec<Term> {
    let at = |setting: &str| format!("broker.{name}.{setting}");
    match broker {
        BrokerSpec::Log(config) => vec![
            term(at("broker_session_timeout"), config.broker_session_timeout),
            term(
                at("quorum_fetch_timeout"),
                config.quorum_fetch_timeout * ROUNDS,
            ),
            term(
                at("quorum_election_timeout"),
                config.quorum_election_timeout * ROUNDS,
            ),
            term(at("replica_lag_time_max"), config.replica_lag_time_max),
            term(
                at("producer.request_timeout"),
                config.producer.request_timeout,
            ),
            term(
                at("producer.retry_backoff_max"),
                config.producer.retry_backoff_max,
            ),
            term(
                at("consumer.session_timeout"),
                config.consumer.session_timeout,
            ),
            term(
                at("consumer.request_timeout"),
                config.consumer.request_timeout,
            ),
            term(
                at("group_initial_rebalance_delay"),
                config.group_initial_rebalance_delay * ROUNDS,
            ),
        ],
        BrokerSpec::Queue(config) => {
            let lease = config
                .topics
                .values()
                .map(|topic| topic.visibility_timeout)
                .max()
                .unwrap_or(Span::ZERO);
            vec![
                term(at("topics.*.visibility_timeout"), lease),
                term(at("consumer.receive_wait"), config.consumer.receive_wait),
                term(
                    at("consumer.request_timeout"),
                    config.consumer.request_timeout,
                ),
                term(
                    at("publisher.request_timeout"),
                    config.publisher.request_timeout,
                ),
                term(
                    at("publisher.retry_backoff_max"),
                    config.publisher.retry_backoff_max,
                ),
            ]
        }
        BrokerSpec::Fanout(config) => {
            let topics = || config.topics.values();
            let longest = |spans: &mut dyn Iterator<Item = Span>| spans.max().unwrap_or(Span::ZERO);
            vec![
                term(
                    at("topics.*.delivery_timeout"),
                    longest(&mut topics().map(|topic| topic.delivery_timeout)),
                ),
                term(
                    at("topics.*.retry_delay_max"),
                    longest(&mut topics().map(|topic| topic.retry_delay_max)),
                ),
                term(at("consumer.receive_wait"), config.consumer.receive_wait),
                term(
                    at("consumer.request_timeout"),
                    config.consumer.request_timeout,
                ),
                term(
                    at("publisher.request_timeout"),
                    config.publisher.request_timeout,
                ),
                term(
                    at("publisher.retry_backoff_max"),
                    config.publisher.retry_backoff_max,
                ),
            ]
        }
    }
}

fn processor_terms(scenario: &Scenario) -> Vec<Term> {
    let mut terms = Vec::new();
    for (name, config) in &scenario.processors {
        let at = |setting: &str| format!("processor.{name}.{setting}");
        terms.push(term(at("checkpoint"), config.checkpoint));
        terms.push(term(at("request_timeout"), config.request_timeout));
        terms.push(term(at("retry_backoff"), config.retry_backoff));
        if let Some(window) = &config.window {
            let ends = format!("{} of silence that ends an input", at("request_timeout"));
            terms.push(term(ends, config.request_timeout));
            terms.push(term(at("window.interval"), window.interval * 2));
        }
    }
    terms
}

/// What a recovery needs: every part is back after the heal and has worked off what queued up. Where nothing goes
/// wrong there is nothing to recover from.
#[must_use]
pub fn recovery_terms(scenario: &Scenario) -> Vec<Term> {
    let faults = &scenario.faults;
    if faults.swarm.is_empty() && faults.planned.is_empty() {
        return Vec::new();
    }
    drain_terms(scenario)
}

/// What `calm` needs: the recovery, and a time after it in which the level is held and judged.
#[must_use]
pub fn calm_terms(scenario: &Scenario) -> Vec<Term> {
    let mut terms = recovery_terms(scenario);
    terms.push(term("five seconds in which the recovery holds", HOLD));
    terms
}

/// What `drain` needs: timers that the last faults armed run out, leftovers are redelivered and written.
#[must_use]
pub fn drain_terms(scenario: &Scenario) -> Vec<Term> {
    let mut terms = Vec::new();
    for (name, broker) in &scenario.brokers {
        terms.extend(broker_terms(name, broker));
    }
    terms.extend(processor_terms(scenario));
    for (name, config) in &scenario.leases {
        let at = |setting: &str| format!("lease.{name}.{setting}");
        // One that an earlier boot of the authority may have granted, and one whose holder is dead.
        terms.push(term(at("duration"), config.duration * 2));
        terms.push(term(at("retry_interval"), config.retry_interval * 2));
        terms.push(term(at("request_timeout"), config.request_timeout));
    }
    // What queued up in the chaos phase is worked off at least four times as fast as it came.
    terms.push(term(
        "a quarter of chaos for the backlog",
        scenario.run.chaos / 4,
    ));
    terms
}

/// The phases of a scenario whose settings are scaled.
///
/// # Errors
/// If `calm` or `drain` is shorter than the parts may need.
pub(crate) fn resolve(reader: &Reader<'_>, scenario: &Scenario) -> Result<Phases, ScenarioError> {
    let length = |name: &str, written: Length, terms: &[Term]| {
        let least = total(terms);
        match written {
            Length::Auto => Ok(least),
            Length::Fixed(span) if span >= least => Ok(span),
            Length::Fixed(span) => {
                let mut longest: Vec<&Term> = terms.iter().collect();
                longest.sort_by_key(|term| std::cmp::Reverse(term.span));
                let named: Vec<String> = longest
                    .iter()
                    .take(4)
                    .map(|term| format!("{} ({})", term.what, term.span))
                    .collect();
                Err(reader.error(
                    &format!("run.{name}"),
                    format!(
                        "`{name}` of {span} is shorter than the {least} that the parts may need: {}{}",
                        named.join(" + "),
                        if terms.len() > 4 { " + …" } else { "" }
                    ),
                    format!("write `{name} = \"auto\"`, or shorten these timeouts (time_scale divides them all)"),
                ))
            }
        }
    };
    Ok(Phases {
        warmup: scenario.run.warmup,
        chaos: scenario.run.chaos,
        calm: length("calm", scenario.run.calm, &calm_terms(scenario))?,
        drain: length("drain", scenario.run.drain, &drain_terms(scenario))?,
    })
}
