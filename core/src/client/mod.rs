//! Clients of brokers: plain structs that an actor owns and feeds its inputs.

pub mod consumer;
pub mod publisher;
