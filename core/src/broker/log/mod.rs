//! A replicated log in the manner of Kafka (rules K1–K16 of the design notes).
//!
//! *Model.* One node is one process is one actor, [`LogBroker`], which routes every input to plain structs
//! by role: replicas of partitions with their logs, the follower's fetcher, the sessions and polls of those
//! who read here, the dealings with the controller, and the controller itself.
//!
//! *Promises.* An acks=all batch that was acknowledged survives as long as one member of the in-sync set
//! keeps its disk; a partition's batches keep their offsets; an idempotent producer's batch lies once in
//! the log. *Limits.* No transactions, no compaction, no reassignment of replicas, no reads from followers.

mod applied;
pub mod config;
pub mod controller;
mod coordinate;
mod desk;
mod fetch;
pub mod groups;
mod isr;
pub mod layout;
mod metadata;
mod node;
mod partition_log;
pub mod points;
mod polls;
mod producers;
mod replica;
mod requests;
mod retention;
mod segments;
mod serve;
mod storage;
#[cfg(test)]
mod tests;
mod upkeep;

pub use node::{LogBroker, LogPlan};
