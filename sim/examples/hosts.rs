//! Compares the drivers: the same world bare, hosted, and hosted with its askers as async programs.
//! `cargo run --release -p stormglass-sim --example hosts`

#[path = "../tests/all/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;
use stormglass_core::actor::Work;
use stormglass_core::id::{NodeId, TopicId};
use stormglass_core::message::Request;
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use stormglass_sim::drive::{Heartbeat, bare, hosted, on_fresh_thread};
use stormglass_sim::service::ServiceFactory;
use stormglass_sim::world::{Software, World};

const LENGTH: Span = Span::secs(10);
const MEAN: Span = Span::micros(400);
const ROUNDS: u64 = 8;

/// Runs a seed and tells its steps.
type Driver = fn(Seed) -> u64;

/// What `Asker` does, as a program.
fn asker() -> ServiceFactory {
    ServiceFactory::new(|env| async move {
        loop {
            env.sleep(Span(1 + env.random_below(2 * MEAN.0))).await;
            env.spend(Work::request(1, 100)).await;
            let keeper = NodeId(env.random_below(3) as u16);
            let request = Request::Metadata(TopicId(env.random_below(1_000) as u16));
            let call = env.call(keeper, request, Span::millis(40));
            let _detached = env.spawn(async move {
                // A call that ends without an answer is not asked again here.
                let _ = call.await;
            });
        }
    })
}

/// Processor time of this process so far, in hundredths of a second: other programs on the machine would
/// spoil real time.
fn spent() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("this is Linux");
    let (_, after_name) = stat.rsplit_once(')').expect("the name is in brackets");
    // User and system time are the 14th and 15th field; two stand before the bracket closes.
    after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().expect("ticks are a number"))
        .sum()
}

fn programs(seed: Seed) -> u64 {
    let beats = Arc::new(Heartbeat::default());
    on_fresh_thread(seed, &beats, Duration::from_secs(60), move || {
        let world = || {
            let mut plan = support::keepers_plan(seed, LENGTH, MEAN);
            for node in &mut plan.nodes[3..] {
                node.software = Software::Outside;
            }
            World::new(plan)
        };
        host(world, (3..6).map(|node| (NodeId(node), asker())).collect())
    })
    .expect("the run ends")
}

fn actors(seed: Seed) -> u64 {
    host(|| support::keepers(seed, LENGTH, MEAN), Vec::new())
}

fn alone(seed: Seed) -> u64 {
    let mut world = support::keepers(seed, LENGTH, MEAN);
    bare(&mut world, Time(LENGTH.0), &mut |_, _| true);
    world.steps()
}

#[expect(clippy::print_stdout, reason = "it is an example that prints")]
fn main() {
    let runs: [(&str, Driver); 3] = [
        ("bare", alone),
        ("hosted, actors", actors),
        ("hosted, async programs", programs),
    ];
    let mut sums = [(0, 0); 3];
    // Interleaved, so that a disturbance strikes all of them.
    for seed in (0..ROUNDS).map(Seed) {
        for ((_, run), (steps, time)) in runs.iter().zip(&mut sums) {
            let before = spent();
            *steps += run(seed);
            *time += spent() - before;
        }
    }
    let rate = |(steps, time): (u64, u64)| steps as f64 / time.max(1) as f64;
    for ((name, _), sum) in runs.iter().zip(sums) {
        println!(
            "{name:<24}{:>6.2} M steps/s, {:.2} of bare",
            rate(sum) / 1e4,
            rate(sum) / rate(sums[0])
        );
    }
}

fn host(world: impl FnOnce() -> World, services: Vec<(NodeId, ServiceFactory)>) -> u64 {
    let beats = Heartbeat::default();
    let left = hosted(world(), services, Time(LENGTH.0), &beats, &mut |_, _| true)
        .expect("this build has the madsim host");
    assert_eq!(left.failure, None);
    left.world.steps()
}
