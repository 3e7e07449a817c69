//! Consumers of brokers. Each is a plain struct that an actor owns: the actor feeds it replies, closed
//! connections and timers, takes what it hands out, and calls `pump` at the end of its step.

mod fetcher;
mod lease;
mod log;
mod membership;
mod plan;
pub mod points;
mod reading;
#[cfg(test)]
mod tests;

pub use fetcher::Records;
pub use lease::{LeaseConsumer, Leased};
pub use log::{Given, LogConsumer};
pub use plan::{FetchPlan, LeaseConsumerPlan, LogConsumerPlan};

use crate::id::TimerId;

/// Timers of consumers have this bit set; an actor's own must not use it, nor the one of calls.
pub const CONSUMER_TIMER: u64 = 1 << 62;

const FETCHER_WAKES: TimerId = TimerId(CONSUMER_TIMER | 1);
const METADATA_AGES: TimerId = TimerId(CONSUMER_TIMER | 2);
const HEARTBEAT: TimerId = TimerId(CONSUMER_TIMER | 3);
const MEMBERSHIP_WAKES: TimerId = TimerId(CONSUMER_TIMER | 4);
const LEASE_WAKES: TimerId = TimerId(CONSUMER_TIMER | 5);
const LEASE_EXTENDS: TimerId = TimerId(CONSUMER_TIMER | 6);

/// The spaces of the tables of calls; an owner's own begin at [`FREE_SPACES`].
const FETCHER_SPACE: u8 = 1;
const MEMBERSHIP_SPACE: u8 = 2;
const LEASE_SPACE: u8 = 3;

/// The first space for calls that no consumer uses.
pub const FREE_SPACES: u8 = 8;
