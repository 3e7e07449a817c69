//! Runs programs on a thread of their own.

use crate::support::plan;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use stormglass_core::fault::Fault;
use stormglass_core::history::Observation;
use stormglass_core::id::NodeId;
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use stormglass_sim::drive::{Heartbeat, Lost, hosted, on_fresh_thread};
use stormglass_sim::profile::Profile;
use stormglass_sim::service::{ServiceFactory, ServiceFailure};
use stormglass_sim::world::{NodePlan, Software, World};

/// What a run left.
#[derive(Debug)]
pub struct Left {
    pub fingerprint: u64,
    pub failure: Option<ServiceFailure>,
    pub observations: Vec<Observation>,
}

/// Programs on nodes `a`, `b`, … of an ideal world with 1 ms links.
pub struct Script {
    pub seed: u64,
    pub faults: Vec<Fault>,
    pub until: Span,
    pub drift: i32,
    pub request: Span,
    pub patience: Duration,
}

impl Default for Script {
    fn default() -> Script {
        Script {
            seed: 1,
            faults: Vec::new(),
            until: Span::secs(10),
            drift: 0,
            request: Span::ZERO,
            patience: Duration::from_secs(60),
        }
    }
}

impl Script {
    pub fn run(self, programs: Vec<ServiceFactory>) -> Left {
        self.try_run(programs).expect("the run ends")
    }

    pub fn try_run(self, programs: Vec<ServiceFactory>) -> Result<Left, Lost> {
        let heartbeat = Arc::new(Heartbeat::default());
        let beats = Arc::clone(&heartbeat);
        on_fresh_thread(Seed(self.seed), &heartbeat, self.patience, move || {
            let nodes = programs
                .iter()
                .zip(["a", "b", "c", "d"])
                .map(|(_, name)| NodePlan {
                    clock_drift: self.drift,
                    zone: 0,
                    ..crate::support::node(name, 0, Software::Outside)
                })
                .collect();
            let mut plan = plan(Seed(self.seed), nodes, self.faults, Time(self.until.0));
            plan.profile = Profile::ideal(Span::millis(1));
            plan.profile.cpu.request = self.request;
            let services = (0..).map(NodeId).zip(programs).collect();
            let mut observations = Vec::new();
            let left = hosted(
                World::new(plan),
                services,
                Time(self.until.0),
                &beats,
                &mut |_, observation| {
                    observations.push(observation);
                    true
                },
            )
            .expect("each node has its program");
            Left {
                fingerprint: left.world.fingerprint(),
                failure: left.failure,
                observations,
            }
        })
    }
}

/// A log that a program on another thread may write.
pub type Log = Arc<Mutex<Vec<String>>>;

/// One more line.
pub fn note(log: &Log, line: impl Into<String>) {
    log.lock()
        .expect("nobody panics while writing a line")
        .push(line.into());
}

/// All lines, taken away.
pub fn lines(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().expect("nobody panics while writing a line"))
}
