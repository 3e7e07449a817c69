//! Compares the drivers: the same world bare, hosted, and hosted with its askers as async programs.
//! `cargo run --release -p stormglass-sim --example hosts`

#[path = "../tests/support/mod.rs"]
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

const LENGTH: Span = Span::secs(20);
const MEAN: Span = Span::micros(400);
const ROUNDS: u64 = 5;

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

/// Steps a second of the best of several rounds.
#[expect(
    clippy::disallowed_types,
    reason = "it measures real time, outside the run"
)]
fn best(run: impl Fn(Seed) -> u64) -> f64 {
    (0..ROUNDS)
        .map(|seed| {
            let start = std::time::Instant::now();
            let steps = run(Seed(seed));
            steps as f64 / start.elapsed().as_secs_f64()
        })
        .fold(0.0, f64::max)
}

#[expect(clippy::print_stdout, reason = "it is an example that prints")]
fn main() {
    let alone = best(|seed| {
        let mut world = support::keepers(seed, LENGTH, MEAN);
        bare(&mut world, Time(LENGTH.0), &mut |_, _| true);
        world.steps()
    });
    let inside = best(|seed| host(|| support::keepers(seed, LENGTH, MEAN), Vec::new()));
    let programs = best(|seed| {
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
    });
    println!("bare                    {:>6.2} M steps/s", alone / 1e6);
    println!("hosted, actors          {:>6.2} of bare", inside / alone);
    println!("hosted, async programs  {:>6.2} of bare", programs / alone);
}

fn host(world: impl FnOnce() -> World, services: Vec<(NodeId, ServiceFactory)>) -> u64 {
    let beats = Heartbeat::default();
    let left = hosted(world(), services, Time(LENGTH.0), &beats, &mut |_, _| true)
        .expect("this build has the madsim host");
    assert_eq!(left.failure, None);
    left.world.steps()
}
