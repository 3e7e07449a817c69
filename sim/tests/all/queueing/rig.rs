//! Poisson arrivals, one station or several in a row, and a sink that measures how long each job stayed.

use super::theory::Station;
use std::cell::RefCell;
use std::rc::Rc;
use stormglass_core::actor::{Actor, Context, Input, Lane, Work};
use stormglass_core::fault::FaultPlan;
use stormglass_core::history::Kinds;
use stormglass_core::id::{ClassId, NodeId, PartId, TimerId};
use stormglass_core::message::Message;
use stormglass_core::metrics::Latency;
use stormglass_core::part::Factory;
use stormglass_core::quantile::Quantiles;
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use stormglass_sim::drive::bare;
use stormglass_sim::profile::{Cpu, Profile};
use stormglass_sim::world::{Limits, Load, NodePlan, Software, World, WorldPlan};

const LINK: Span = Span::micros(1);
/// The mean service time.
pub const SERVICE: Span = Span::millis(1);
/// Batches of which each gives one nearly independent mean.
const BATCHES: u64 = 50;

/// What was measured.
pub struct Measured {
    /// The means of batches of jobs, in service times.
    batches: Vec<f64>,
    /// The time that one job in a hundred exceeded, in service times.
    pub p99: f64,
    /// The times of all jobs in the stations, nanoseconds.
    pub stayed: u128,
    /// What the stations carried.
    pub loads: Vec<Load>,
    /// The service times of all jobs, nanoseconds.
    pub served: u128,
}

impl Measured {
    /// The mean time in the system, in service times.
    pub fn mean(&self) -> f64 {
        self.batches.iter().sum::<f64>() / self.batches.len() as f64
    }

    /// The standard error of the mean, by batch means.
    pub fn error(&self) -> f64 {
        let (n, mean) = (self.batches.len() as f64, self.mean());
        let squares = self.batches.iter().map(|batch| (batch - mean).powi(2));
        (squares.sum::<f64>() / (n - 1.0) / n).sqrt()
    }
}

struct Arrivals {
    gap: Quantiles,
    left: u64,
    sent: u64,
}

/// A job: its number, by which it gets a lane of its own, and when it reaches the first station.
fn job(number: u64, at: u64) -> Message {
    let mut body = [0; 16];
    body[..8].copy_from_slice(&number.to_le_bytes());
    body[8..].copy_from_slice(&at.to_le_bytes());
    Message::Custom {
        class: ClassId::new("job"),
        body: body[..].into(),
    }
}

fn read(input: &Input) -> Option<(u64, u64, &Message)> {
    let Input::Message { message, .. } = input else {
        return None;
    };
    let Message::Custom { body, .. } = message else {
        return None;
    };
    let word = |at: usize| body[at..at + 8].try_into().map(u64::from_le_bytes);
    Some((word(0).ok()?, word(8).ok()?, message))
}

impl Actor for Arrivals {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        if matches!(input, Input::Timer(_)) {
            let reaches = cx.monotonic().0 + LINK.0;
            cx.datagram(NodeId(1), job(self.sent, reaches));
            self.sent += 1;
        }
        if self.sent < self.left && matches!(input, Input::Start | Input::Timer(_)) {
            let word = cx.rng().word();
            cx.arm(TimerId(0), self.gap.at(word));
        }
    }
}

struct Server {
    service: Quantiles,
    served: Rc<RefCell<u128>>,
}

impl Actor for Server {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        if let Some((_, _, message)) = read(&input) {
            let nanos = self.service.at(cx.rng().word()).0;
            *self.served.borrow_mut() += u128::from(nanos);
            cx.spend(Work {
                records: nanos as u32,
                ..Work::default()
            });
            cx.datagram(NodeId(cx.node().0 + 1), message.clone());
        }
    }

    fn lane(&self, input: &Input) -> Lane {
        read(input).map_or(Lane(0), |(number, _, _)| Lane(number as u8))
    }
}

struct Tally {
    jobs: u64,
    hops: u64,
    /// The batch that is being filled: jobs and the sum of their times.
    batch: (u64, u128),
    batches: Vec<f64>,
    times: Latency,
    stayed: u128,
}

struct Sink {
    tally: Rc<RefCell<Tally>>,
}

impl Actor for Sink {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        let Some((_, reached, _)) = read(&input) else {
            return;
        };
        let tally = &mut *self.tally.borrow_mut();
        let stayed = cx.monotonic().0 - reached - tally.hops * LINK.0;
        tally.stayed += u128::from(stayed);
        tally.times.record(stayed / 1_000);
        tally.batch.0 += 1;
        tally.batch.1 += u128::from(stayed);
        if tally.batch.0 == tally.jobs / BATCHES {
            let mean = tally.batch.1 as f64 / tally.batch.0 as f64;
            tally.batches.push(mean / SERVICE.0 as f64);
            tally.batch = (0, 0);
        }
    }
}

fn node(name: String, actor: Factory) -> NodePlan {
    NodePlan {
        name,
        part: PartId(0),
        software: Software::Actor(actor),
        boot_at: Time::ZERO,
        clock_offset: 0,
        clock_drift: 0,
        zone: 0,
    }
}

/// Lets `jobs` jobs pass.
pub fn measure(station: Station, utilisation: f64, jobs: u64, seed: u64) -> Measured {
    let (stations, cores) = match station {
        Station::Exponential { servers } => (1, servers),
        Station::Constant | Station::Lognormal { .. } => (1, 1),
        Station::Tandem { stations } => (stations, 1),
    };
    let service = match station {
        Station::Exponential { .. } | Station::Tandem { .. } => Quantiles::exponential(SERVICE),
        Station::Constant => Quantiles::constant(SERVICE),
        Station::Lognormal { sigma } => {
            let mean = SERVICE.0 as f64;
            let median = mean * libm::exp(-sigma * sigma / 2.0);
            // The 99th percentile of a standard normal is 2.326.
            let p99 = median * libm::exp(sigma * 2.326_347_874);
            Quantiles::lognormal(Span(median.round() as u64), Span(p99.round() as u64))
        }
    };
    let gap = SERVICE.0 as f64 / (f64::from(cores) * utilisation);
    let gap = Quantiles::exponential(Span(gap.round() as u64));
    let tally = Rc::new(RefCell::new(Tally {
        jobs,
        hops: u64::from(stations),
        batch: (0, 0),
        batches: Vec::new(),
        times: Latency::default(),
        stayed: 0,
    }));
    let served = Rc::new(RefCell::new(0));
    let arrivals: Factory = Box::new(move || {
        Box::new(Arrivals {
            gap: gap.clone(),
            left: jobs,
            sent: 0,
        })
    });
    let mut nodes = vec![node("arrivals".to_owned(), arrivals)];
    for index in 0..stations {
        let (service, served) = (service.clone(), Rc::clone(&served));
        let server: Factory = Box::new(move || {
            Box::new(Server {
                service: service.clone(),
                served: Rc::clone(&served),
            })
        });
        nodes.push(node(format!("station.{index}"), server));
    }
    let counting = Rc::clone(&tally);
    let sink: Factory = Box::new(move || {
        Box::new(Sink {
            tally: Rc::clone(&counting),
        })
    });
    nodes.push(node("sink".to_owned(), sink));
    let end = Time(u64::MAX / 2);
    let mut world = World::new(WorldPlan {
        seed: Seed(seed),
        profile: Profile {
            cpu: Cpu {
                cores,
                request: Span::ZERO,
                record_picos: 1_000,
                byte_picos: 0,
            },
            ..Profile::ideal(LINK)
        },
        nodes,
        faults: FaultPlan::default(),
        parts: vec!["station".to_owned()],
        time_service: None,
        heal_at: end,
        drain_at: end,
        wanted: Kinds::of(&[]),
        limits: Limits {
            steps: u64::MAX,
            ..Limits::default()
        },
        trace: None,
    });
    bare(&mut world, Time(end.0 - 1), &mut |_, _| true);
    let loads = (1..=stations)
        .map(|index| world.load(NodeId(index)))
        .collect();
    let tally = tally.borrow();
    let p99 = tally.times.at(990_000).expect("jobs have passed");
    let served = *served.borrow();
    Measured {
        batches: tally.batches.clone(),
        p99: p99 as f64 * 1_000.0 / SERVICE.0 as f64,
        stayed: tally.stayed,
        loads,
        served,
    }
}
