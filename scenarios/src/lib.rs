//! What to try: scenario files, their typed spec, the catalogue of parts, run and sweep.

pub mod assemble;
pub mod catalog;
mod coverage;
pub mod error;
pub mod explain;
pub mod hardware;
pub mod hunt;
pub mod identity;
pub mod known;
pub mod lint;
pub mod load;
pub mod mutants;
pub mod objectives;
pub mod plan;
pub mod prices;
pub mod rates;
pub mod record;
pub mod run;
pub mod schema;
pub mod shrink;
pub mod spec;
#[cfg(feature = "proptest")]
pub mod strategies;
pub mod sweep;
pub mod trace;
