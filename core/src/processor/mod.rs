//! Processors: an actor around a pure operator.

pub mod config;
