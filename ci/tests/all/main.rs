//! What the command line is claimed to do, through the real binary.

mod baseline;
mod capacity;
mod compare;
mod examples;
mod explain;
mod gate;
mod habits;
mod hunt;
mod memory;
mod newcomer;
mod self_test;
mod stage;
mod sweeps;
mod tidy;
mod zoo;
