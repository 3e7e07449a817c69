//! Requests and replies: the same workload on the World, on madsim's `Endpoint` and on turmoil.
//!
//! Every client keeps a window of requests open to the servers in turn and asks again when answered. A step
//! is one message handed to a program: two for each exchange. The World does more for a step than its peers:
//! a latency drawn for each link and class, bandwidth, a station with service time, the fingerprint, and
//! facts that a recorder and all checks listen to.

#[cfg(madsim)]
mod endpoint;
mod turmoil;
mod world;

#[cfg(madsim)]
pub use endpoint::on_endpoint;
pub use turmoil::on_turmoil;
pub use world::{Done, on_world};

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The number that decides latencies.
    pub seed: u64,
    /// Nodes that answer.
    pub servers: u16,
    /// Nodes that ask.
    pub clients: u16,
    /// Requests that a client keeps open.
    pub window: u64,
    /// Requests of each client in all.
    pub requests: u64,
}

impl Exchange {
    /// Eight clients with 32 open requests each, three servers, so many steps in all or a few more.
    #[must_use]
    pub const fn of_steps(steps: u64) -> Exchange {
        Exchange {
            seed: 1,
            servers: 3,
            clients: 8,
            window: 32,
            requests: steps.div_ceil(16),
        }
    }

    /// Messages handed to programs.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        2 * self.requests * self.clients as u64
    }
}
