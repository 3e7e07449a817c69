//! Sweeps that are interrupted or sharded end with the bytes of one that was neither, and run no seed twice.

#![allow(missing_docs, reason = "a test has no readers of its items")]

mod resume;
mod shards;
mod stage;
mod templates;
