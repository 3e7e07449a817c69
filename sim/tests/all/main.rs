//! What the World, its drivers and the reference parts in it are claimed to do.

mod clocks;
mod groups;
mod hosted;
mod kernel;
mod log;
mod pipeline;
mod queue;
mod queueing;
mod support;
