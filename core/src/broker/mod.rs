//! Brokers: parts that store events between those who publish and those who consume.

pub mod fanout;
pub mod log;
pub mod queue;
