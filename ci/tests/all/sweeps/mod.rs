//! Sweeps that are interrupted or sharded end with the bytes of one that was neither, and run no seed twice.

mod keywords;
mod resume;
mod shards;
mod stage;
mod templates;
