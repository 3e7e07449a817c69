//! What scenarios, plans and checks are claimed to do, on files as users write them.

mod bad_input;
mod claims;
mod clocks;
mod explain;
mod flaws;
mod guarantee_matrix;
mod knobs;
mod latency;
mod metastable;
mod pairs;
mod plans;
mod profiles;
mod record;
mod rig;
mod schema;
mod shrink;
mod swarm;
mod windows;
