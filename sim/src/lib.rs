//! What happens to the parts: one World with agenda, network, disks, clocks, service times and faults.
//!
//! The World is itself sans-IO: a driver asks it for its next deadline and lets it advance. It knows true
//! time; the actors do not.

pub mod agenda;
pub mod clock;
pub mod disk;
pub mod drive;
pub mod network;
pub mod profile;
#[cfg_attr(
    not(madsim),
    allow(dead_code, reason = "without a host nobody gives programs their turns")
)]
pub mod service;
pub mod world;
