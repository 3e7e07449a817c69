//! Sinks: where effects become visible.

pub mod config;
