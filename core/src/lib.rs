//! What things are: vocabulary, reference parts as state machines, checks. It runs nothing.
//!
//! The crate promises that nothing in it reads a clock, a file, a socket or the operating system's entropy:
//! an [`actor::Actor`] is given inputs and pushes effects into a [`actor::Context`], and whoever turns the
//! crank (the World of `stormglass-sim`, or a test) decides what becomes of them.

#![cfg_attr(
    test,
    allow(
        clippy::wildcard_enum_match_arm,
        reason = "a test that looks for one effect or reply may pass over all others"
    )
)]

pub mod actor;
pub mod audit;
pub mod broker;
pub mod call;
pub mod check;
pub mod client;
pub mod digest;
pub mod disk;
pub mod event;
pub mod event_time;
pub mod fault;
pub mod fixed_map;
pub mod history;
pub mod id;
pub mod interval_set;
pub mod lease;
pub mod message;
pub mod metrics;
pub mod outcome;
pub mod part;
pub mod processor;
pub mod promise;
pub mod quantile;
pub mod raft;
pub mod retry;
pub mod rng;
pub mod sink;
pub mod source;
#[cfg(test)]
pub mod test_disk;
#[cfg(test)]
pub mod test_log;
#[cfg(test)]
pub mod test_net;
#[cfg(test)]
pub mod test_rig;
pub mod time;
pub mod units;
