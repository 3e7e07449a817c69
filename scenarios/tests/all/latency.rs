//! Latencies that follow from a configuration by arithmetic, each written out beside its measurement, and each
//! held to 5 %. Hardware costs next to nothing here, so what is left is waiting.

#![allow(clippy::print_stdout, reason = "the figures are what the test is for")]

use crate::rig::{mean, run_seed};
use std::sync::Arc;
use stormglass_core::history::{Fact, FactKind, Kinds, Role};
use stormglass_core::metrics::{Latency, Phase, Series, Stage};
use stormglass_core::outcome::Outcome;
use stormglass_core::rng::Seed;
use stormglass_core::time::Span;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::load_text;
use stormglass_sim::drive::bare;

/// One partition of a log, a thousand events a second; `settings` go into the broker's
/// section, `rest` comes after it, and one way over a link takes `link`.
fn assembly(arrival: &str, link: &str, settings: &str, rest: &str) -> Arc<Assembly> {
    let text = format!(
        r#"# How long does it take?
name = "latency"

[run]
warmup = "15s"
chaos = "10s"

[source.events]
arrival = {{ {arrival} = "1000/s" }}
keys = {{ count = 10 }}
size = 100
to = "broker.main/events"

[broker.main]
kind = "log"
nodes = 1
replication_factor = 1
min_insync_replicas = 1
topics.events = {{ partitions = 1 }}
{settings}

[processor.copy]
operator = "map"
from = "broker.main/events"
to = "sink.copies"

[sink.copies]
kind = "append"

[profile]
link = {{ latency_median = "{link}", latency_p99 = "{link}", bandwidth = "10GB/s" }}
node = {{ cores = 64, per_request = "1ns", per_record = "1ns", per_kilobyte = "1ns" }}
disk = {{ write = "1ns", sync = "1ns", sync_p99 = "1ns", bandwidth = "10GB/s" }}
{rest}
"#
    );
    assembly_of(text)
}

fn assembly_of(text: String) -> Arc<Assembly> {
    let catalog = Catalog::new();
    let loaded = load_text("latency.toml", text, &catalog.names());
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    let assembly = Assembly::new(&loaded, loaded.base(), &catalog);
    Arc::new(assembly.unwrap_or_else(|error| panic!("{error}")))
}

fn latency<'a>(outcome: &'a Outcome, series: Series, phase: &Phase) -> &'a Latency {
    let found = outcome.metrics.latencies.get(series, phase);
    found.unwrap_or_else(|| panic!("nothing was measured of {series}"))
}

/// Within 5 %, and never closer than the two microseconds that the hardware and the rounding take.
fn assert_near(what: &str, is: f64, expected: f64) {
    println!("{what}: {is:.0} us, by arithmetic {expected:.0} us");
    let off = (is - expected).abs();
    assert!(
        off <= (0.05 * expected).max(2.0),
        "{what}: {is} us is not {expected} us"
    );
}

/// A batch is closed `linger` after its first event, which waits for all of it. The others of a Poisson stream,
/// rate x linger in the mean, wait for half of it in the mean. Then comes a round trip.
#[test]
fn an_acknowledgement_takes_the_linger_and_a_round_trip() {
    for (linger, round_trip) in [0, 5, 20]
        .into_iter()
        .flat_map(|l| [0, 5, 20].map(|r| (l, r)))
    {
        let link = format!("{}us", (round_trip * 500).max(1));
        let settings = format!(
            r#"producer = {{ acks = "1", enable_idempotence = false, max_in_flight = 100, linger = "{linger}ms" }}"#
        );
        let ran = run_seed(&assembly("poisson", &link, &settings, ""), 1);
        let publish = latency(&ran.outcome, Series::Publish, &Phase::Steady);
        // Milliseconds, and events a millisecond.
        let others = f64::from(linger);
        let waited = (f64::from(linger) + others * f64::from(linger) / 2.0) / (1.0 + others);
        let expected = waited * 1_000.0 + f64::from(round_trip * 1_000).max(2.0);
        let what = format!("publish, linger {linger} ms, round trip {round_trip} ms");
        assert_near(&what, mean(publish), expected);
    }
}

/// One request in flight and a round trip of 20 ms are a request every 20 ms, which carries what came meanwhile:
/// it has waited for half of that.
#[test]
fn requests_in_flight_make_batches_without_a_linger() {
    let settings = r#"producer = { acks = "1", enable_idempotence = false, linger = "0ms", max_in_flight = 1 }"#;
    let ran = run_seed(&assembly("constant", "10ms", settings, ""), 1);
    let publish = latency(&ran.outcome, Series::Publish, &Phase::Steady);
    assert_near("publish, one in flight", mean(publish), 20_000.0 + 10_000.0);
}

/// With more asked for than there is, a poll waits for `fetch_max_wait`, answers with what has come meanwhile, and
/// is followed by the next one a round trip later. So an event waits for half of wait + round trip, and then for
/// the way of the answer.
#[test]
fn a_consumer_waits_for_half_of_its_long_poll() {
    for (wait, one_way) in [(100, 1), (500, 1), (500, 10)] {
        let settings = format!(
            r#"producer = {{ acks = "1", enable_idempotence = false, linger = "0ms", max_in_flight = 100 }}
consumer = {{ fetch_max_wait = "{wait}ms", fetch_min_bytes = 1_000_000 }}"#
        );
        let ran = run_seed(
            &assembly("constant", &format!("{one_way}ms"), &settings, ""),
            1,
        );
        let fetch = latency(&ran.outcome, Series::Stage(Stage::Fetch), &Phase::Steady);
        let expected = (wait + 2 * one_way) as f64 * 500.0 + one_way as f64 * 1_000.0;
        let what = format!("fetch, waiting {wait} ms, one way {one_way} ms");
        assert_near(&what, mean(fetch), expected);
    }
}

/// A pause of 1.4 s in a stream of 1,000/s: the 1,400 events due in it wait for its rest, from 1.4 s down to
/// nothing, so k of them wait longer than 1.4 s x (1 - k / 1,400). Counted from the send, only the requests that
/// were under way have waited, five of one event each, and no percentile up to p99.9 knows of the pause.
#[test]
fn a_pause_is_seen_by_those_who_count_from_the_due_time() {
    let settings = r#"producer = { acks = "1", enable_idempotence = false, linger = "0ms", max_in_flight = 5 }"#;
    let rest = r#"
[[faults.planned]]
name = "collection"
at = "5s"
lasts = "1400ms"
kind = "pause"
target = "broker.main.0"
"#;
    let ran = run_seed(&assembly("constant", "100us", settings, rest), 1);
    let all = |series| latency(&ran.outcome, series, &Phase::All);
    let (publish, from_send) = (all(Series::Publish), all(Series::PublishFromSend));
    // A minute of this stream is p99 with 600 beyond; this run is longer, so the rank is moved.
    let beyond = |events: f64| 1_000_000 - (events * 1e6 / publish.count() as f64) as u32;
    for events in [600.0, 1_200.0] {
        let is = publish.at(beyond(events)).expect("it was measured") as f64;
        let expected = 1_400_000.0 * (1.0 - events / 1_400.0);
        assert_near(&format!("the latency that {events} exceed"), is, expected);
        let from_send = from_send.at(beyond(events)).expect("it was measured");
        assert!(
            from_send < 1_000,
            "counted from the send it is {from_send} us"
        );
    }
    let stuck = from_send
        .buckets()
        .filter(|(micros, _)| *micros > 1_000_000);
    assert_eq!(
        stuck.map(|(_, count)| count).sum::<u64>(),
        5,
        "requests under way"
    );
}

/// A broker is fenced when its session of 9 s ends without a heartbeat, of which there is one every 2 s (Kafka's
/// defaults). Whatever the phase, a broker that loses its power is missed between 7 and 9 s later, 8 s in the mean.
#[test]
fn a_dead_broker_is_missed_when_its_session_ends() {
    let text = |millis: u64| {
        format!(
            r#"# When is a dead broker missed?
name = "detection"

[run]
warmup = "15s"
chaos = "30s"

[source.events]
arrival = {{ constant = "10/s" }}
keys = {{ count = 10 }}
to = "broker.main/events"

[broker.main]
kind = "log"
nodes = 3
topics.events = {{ partitions = 3 }}

[processor.copy]
operator = "map"
from = "broker.main/events"
to = "sink.copies"

[sink.copies]
kind = "append"

[[faults.planned]]
name = "dead broker"
at = "{millis}ms"
lasts = "20s"
kind = "power-loss"
target = "broker.main.0"
"#
        )
    };
    let mut detections = Vec::new();
    // Twenty phases of the two seconds between heartbeats.
    for phase in 0..20 {
        let assembly = assembly_of(text(1_000 + 100 * phase));
        let seed = Seed(1 + phase);
        let plan = assembly.plan(seed);
        let struck = plan.faults[0].at;
        let mut world = assembly.world(seed, plan, Kinds::of(&[FactKind::RoleTaken]), None);
        let (mut led, mut controls, mut first) = (false, false, None);
        bare(&mut world, struck + Span::secs(15), &mut |world, seen| {
            let is_dead = world.name(seen.node) == "broker.main.0";
            if let Fact::RoleTaken { role, .. } = &seen.fact {
                match role {
                    Role::Leader(_) if seen.time < struck => led |= is_dead,
                    Role::Leader(_) => first = first.or(Some(seen.time.since(struck))),
                    Role::Controller if seen.time < struck => controls = is_dead,
                    Role::Controller | Role::Coordinator(_) | Role::Custom(_) => {}
                }
            }
            true
        });
        // A controller that dies is missed by its quorum first, which is another sum.
        if led && !controls {
            detections.extend(first.map(|after| after.as_micros() as f64));
        }
    }
    assert!(detections.len() >= 8, "{} of 20 runs", detections.len());
    for after in &detections {
        assert!((6.9e6..9.1e6).contains(after), "missed after {after} us");
    }
    let mean = detections.iter().sum::<f64>() / detections.len() as f64;
    assert_near("a dead broker is missed after", mean, 8e6);
}
