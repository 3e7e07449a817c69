//! Sources: open loop only; an event is owed at its due time whether or not the system keeps up.

pub mod config;
