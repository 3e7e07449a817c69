//! Every plan is data: it prints, parses back to itself and strikes as it did, with the same fingerprint. So does
//! the same plan written into a scenario file, which is what shrinking saves.
//!
//! Plans hold every kind of fault, on nodes, parts, roles and links of a tiny scenario; half of them are drawn by
//! the sampler, so that every template is among them. `STORMGLASS_CASES` says how many, all of which strike; of the
//! thousand that are drawn without it one in four does.

#![allow(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

use proptest::prelude::*;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use stormglass_core::fault::FaultPlan;
use stormglass_core::rng::Seed;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::{Case, load_text_in};
use stormglass_scenarios::plan::{as_planned, parse, print};
use stormglass_scenarios::run::{Driver, run_plan};
use stormglass_scenarios::spec::print as spec_print;
use stormglass_scenarios::strategies::any_plan;

/// A log with its roles; all that the sampler knows is drawn, and some of it outside the envelope.
const LOG: &str = r#"# Does a plan that was printed and read again strike a log as it did?
name = "tiny-log"

[profile]
name = "three-zones"

[run]
warmup = "100ms"
chaos = "1s"
time_scale = 10

[source.orders]
arrival = { constant = "20/s" }
keys = { count = 4 }
to = "broker.main/orders"

[broker.main]
kind = "log"
nodes = 2
replication_factor = 2
min_insync_replicas = 1
topics.orders = { partitions = 1, expands_to = 2 }

[processor.totals]
operator = "count-by-key"
nodes = 2
from = "broker.main/orders"
to = "sink.table"

[sink.table]
kind = "upsert"

[faults]
swarm = [
  "crash", "power-loss", "pause", "partition", "oneway", "loss", "delay", "drop", "reset", "slow-disk", "disk-full",
  "slow-node", "slow-link", "clock-step", "clock-drift", "force-election", "clock-slew", "leap-second", "clock-freeze",
  "partial-mesh", "zone-loss", "failed-sync", "corrupt", "member-churn", "poison", "quota",
  "expand-partitions",
]
max = 6
envelope = "off"
"#;

/// A queue, a fan-out and a lease.
const QUEUES: &str = r#"# Does a plan that was printed and read again strike queues and a lease as it did?
name = "tiny-queues"

[run]
warmup = "100ms"
chaos = "1s"
time_scale = 10

[source.jobs]
arrival = { constant = "20/s" }
keys = { count = 4 }
to = "broker.jobs/work"

[source.news]
arrival = { constant = "20/s" }
keys = { count = 4 }
to = "broker.news/told"

[broker.jobs]
kind = "queue"
topics.work = { visibility_timeout = "3s" }

[broker.news]
kind = "fanout"
topics.told = { delivery_timeout = "3s" }

[processor.workers]
operator = "map"
nodes = 2
from = "broker.jobs/work"
to = "sink.results"
lease = "lease.writer"
request_timeout = "2s"

[processor.readers]
operator = "map"
from = "broker.news/told"
to = "sink.papers"

[sink.results]
kind = "append"
refuses_lower_tokens = true

[sink.papers]
kind = "upsert"

[lease.writer]
clock = "monotonic"
duration = "5s"

[faults]
swarm = [
  "crash", "power-loss", "pause", "partition", "oneway", "loss", "delay", "drop", "reset", "slow-disk", "disk-full",
  "slow-node", "slow-link", "clock-step", "clock-drift", "clock-slew", "clock-freeze", "failed-sync",
  "member-churn", "poison", "quota",
]
max = 6
"#;

fn assembled(text: &str) -> Arc<Assembly> {
    let catalog = Catalog::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = load_text_in(folder, "tiny.toml", text.to_owned(), &catalog.names());
    let file = file.unwrap_or_else(|error| panic!("{error}"));
    Arc::new(Assembly::new(&file, file.base(), &catalog).unwrap())
}

static STRUCK: LazyLock<[Arc<Assembly>; 2]> = LazyLock::new(|| [LOG, QUEUES].map(assembled));

/// How many plans are drawn, and one in how many strikes.
fn cases() -> (u32, u64) {
    let asked = std::env::var("STORMGLASS_CASES").ok();
    let asked = asked.and_then(|cases| cases.parse().ok());
    asked.map_or((1_000, 4), |cases| (cases, 1))
}

/// What a run of a plan leaves: its hash, and what became of each fault, without their names.
fn strike(
    assembly: &Arc<Assembly>,
    seed: u64,
    plan: FaultPlan,
) -> (String, Vec<(u64, Vec<String>)>) {
    let outcome = run_plan(assembly, seed, plan, Driver::Auto).outcome;
    let faults = outcome.faults.into_iter();
    let became = faults.map(|fault| (fault.effects, fault.nodes)).collect();
    (outcome.fingerprint.to_string(), became)
}

/// The case with this plan in place of its own faults, as a file that was printed and loaded.
fn written(case: &Case, plan: &FaultPlan) -> Arc<Assembly> {
    let mut scenario = case.written.clone();
    // The kinds stay: a scenario without any faults has a shorter calm.
    scenario.faults.max = 0;
    scenario.faults.planned = as_planned(plan, &case.phases);
    for (index, fault) in scenario.faults.planned.iter_mut().enumerate() {
        fault.name = format!("fault {index}");
    }
    assembled(&format!(
        "# Does it strike as it did?\n{}",
        spec_print::print(&scenario)
    ))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases().0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_that_was_printed_and_read_is_the_same_and_strikes_the_same(
        (which, seed, drawn) in (0..2_usize, 0..1_000_000_u64, any::<bool>()).prop_flat_map(|(which, seed, draws)| {
            let plan = any_plan(&STRUCK[which]).prop_map(Some);
            let plan = if draws { Just(None).boxed() } else { plan.boxed() };
            (Just(which), Just(seed), plan)
        })
    ) {
        let assembly = &STRUCK[which];
        let plan = drawn.unwrap_or_else(|| assembly.plan(Seed(seed)));
        let text = print(&plan);
        let again = parse("plan.toml", text.clone()).unwrap();
        prop_assert_eq!(&again, &plan, "{}", text);
        prop_assert_eq!(print(&again), text);
        let every = cases().1;
        if !seed.is_multiple_of(every) {
            return Ok(());
        }
        let first = strike(assembly, seed, plan.clone());
        prop_assert_eq!(&strike(assembly, seed, again), &first);
        // A file is slower to read than a tiny run is to make: one in four.
        if (seed / every).is_multiple_of(4) {
            let file = written(assembly.case(), &plan);
            prop_assert_eq!(strike(&file, seed, file.plan(Seed(seed))), first);
        }
    }
}
