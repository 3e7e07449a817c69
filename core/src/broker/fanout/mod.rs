//! A fan-out in the manner of SNS: a copy for every subscriber, with its own retries and dead letters (Q5).

pub mod config;
