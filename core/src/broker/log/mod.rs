//! A replicated log in the manner of Kafka (rules K1–K16 of the design notes).

pub mod config;
pub mod controller;
