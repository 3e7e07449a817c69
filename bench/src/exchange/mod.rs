//! Requests and replies: the same workload on the World, on madsim's `Endpoint` and on turmoil.
//!
//! Every client keeps a window of requests open to the servers in turn and asks again when answered. A step
//! is one message handed to a program: two for each exchange. On all three each message travels by itself with
//! a latency of its own; turmoil too makes a segment of every write, and its readers take one at a time. The
//! World does more for a step than its peers: a latency drawn for each link and class, bandwidth, a station
//! with service time, the fingerprint, and facts that a recorder and all checks listen to.

#[cfg(all(madsim, feature = "peers"))]
mod endpoint;
#[cfg(feature = "peers")]
mod turmoil;
mod world;

#[cfg(all(madsim, feature = "peers"))]
pub use endpoint::on_endpoint;
#[cfg(feature = "peers")]
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

    /// The windows that are measured, a plain request/reply and a stream. With 3 a client has one open request
    /// for each server: it asks, waits and asks again. With 32, ten requests follow each other on each
    /// connection. The World pays for events, so its speed does not depend on the window. Turmoil polls every
    /// host at every tick, whether or not something has come: with 3 about 0.3 messages a host share a poll,
    /// with 32 about three, so there it is several times faster.
    pub const WINDOWS: [u64; 2] = [3, 32];

    /// The same with another window.
    #[must_use]
    pub const fn with_window(self, window: u64) -> Exchange {
        Exchange { window, ..self }
    }

    /// Messages handed to programs.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        2 * self.requests * self.clients as u64
    }
}

#[cfg(all(test, feature = "peers"))]
mod tests {
    use super::*;
    use crate::pipeline::Pipeline;

    /// A rate is only worth its count: each must hand over what was asked for, and hardly more.
    #[test]
    fn every_system_hands_over_the_same_number_of_messages() {
        let exchange = Exchange::of_steps(20_000);
        let asked = exchange.steps();
        let near = |handed: u64| (asked..asked + asked / 20).contains(&handed);
        assert_eq!(on_turmoil(exchange), asked);
        let world = on_world(exchange, &Pipeline::throughput()).steps;
        assert!(near(world), "{world} of {asked}");
        #[cfg(madsim)]
        {
            let endpoint = on_endpoint(exchange);
            assert!(near(endpoint), "{endpoint} of {asked}");
        }
    }
}
