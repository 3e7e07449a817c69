//! Leases: one node of a processor at a time may write, for as long as an authority says.
//!
//! The authority hands out a lease with a token that grows by one with every grant; a holder that every node
//! of the processor owns asks for it and knows whether the node may write. A lease has promises only as far as
//! the clocks that end it: where both sides read wall clocks, it ends when each of them believes so; where both
//! count on their monotonic clocks, rates that differ by at most [`config::DRIFT_MAX`] are allowed for. Neither
//! keeps a write that the network holds back from arriving late: only a sink that refuses lower tokens does.
//!
//! Limits: one authority on one node, which forgets who holds what when it dies and waits a whole lease before
//! it grants again; a lease is not given back early.

pub mod authority;
pub mod config;
pub mod holder;
pub mod points;
#[cfg(test)]
mod tests;

pub use authority::Authority;
pub use holder::{Holder, HolderPlan};
