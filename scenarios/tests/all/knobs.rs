//! What each setting of a replicated log does to latency, in figures and against what arithmetic expects of it.
//! The table stands in docs/latency.md; `STORMGLASS_WRITE=1 cargo test -p stormglass-scenarios knobs::`
//! writes it there.

use crate::rig::{assembly, each, mean, run_seed};
use std::fmt::Write;
use stormglass_core::metrics::{Phase, Series};

/// Microseconds that a setting is expected to add to the means of publish and end-to-end, and why.
struct Expected {
    variant: &'static str,
    publish: f64,
    end_to_end: f64,
    why: &'static str,
}

/// A round trip from a follower to the leader's log and back: two ways over a link of 100 us, and the steps.
const REPLICATE: f64 = 240.0;

/// A batch waits for `linger` after its first event; the others of a Poisson stream of 0.1 events a
/// millisecond for each of the four partitions wait for half of it.
fn lingering(linger: f64) -> f64 {
    let others = 0.1 * linger;
    1_000.0 * (linger + others * linger / 2.0) / (1.0 + others)
}

fn expectations() -> Vec<Expected> {
    let both = |variant, added, why| Expected {
        variant,
        publish: added,
        end_to_end: added,
        why,
    };
    vec![
        both(
            "linger-5ms",
            lingering(5.0),
            "(L + a L / 2) / (1 + a), with a = 0.1 events a ms x L that join the first",
        ),
        both("linger-20ms", lingering(20.0), "the same with 20 ms"),
        Expected {
            variant: "acks-1",
            publish: -REPLICATE,
            end_to_end: 0.0,
            why: "the answer does not wait for the followers; readers do",
        },
        both("one-replica", -REPLICATE, "there is nothing to wait for"),
        Expected {
            variant: "zones",
            publish: 4.0 * 500.0,
            end_to_end: 5.0 * 500.0,
            why: "500 us more a way: to the leader, to a follower and back, and to the publisher; \
                  or to the reader and from it to the sink",
        },
        both(
            "fsync",
            2.0 * 1_000.0 * (1.0 + 0.4 / (2.0 * 0.6)),
            "two syncs of 1 ms in a row, the leader's and a follower's, each behind the queue of a \
             disk that is busy for 0.4 of the time (M/D/1)",
        ),
        Expected {
            variant: "fetch-wait-50ms",
            publish: 0.0,
            end_to_end: (50_000.0 + 200.0) / 2.0 - 100.0,
            why: "half of a poll's wait and round trip, instead of an answer at once",
        },
    ]
}

/// The means of publish and end-to-end in `steady`, in microseconds.
fn means(variant: Option<&str>) -> (f64, f64) {
    let ran = run_seed(&assembly("latency/knobs.toml", variant), 1);
    let of = |series| {
        let found = ran.outcome.metrics.latencies.get(series, &Phase::Steady);
        mean(found.expect("it was measured"))
    };
    (of(Series::Publish), of(Series::EndToEnd))
}

fn near(is: f64, expected: f64) -> bool {
    (is - expected).abs() <= (0.15 * expected.abs()).max(60.0)
}

#[test]
fn every_setting_moves_latency_by_about_what_arithmetic_expects() {
    let expectations = expectations();
    let mut variants = vec![None];
    variants.extend(expectations.iter().map(|row| Some(row.variant)));
    let found = each(&variants, |variant| means(*variant));
    let (publish, end_to_end) = found[0];
    let mut table = format!(
        "| setting | publish | expected | end-to-end | expected | why |\n|---|---|---|---|---|---|\n\
         | as the file says | {publish:.0} us | | {end_to_end:.0} us | | |\n"
    );
    let mut wrong = Vec::new();
    for (row, (p, e)) in expectations.iter().zip(&found[1..]) {
        let (p, e) = (p - publish, e - end_to_end);
        writeln!(
            table,
            "| {} | {p:+.0} us | {:+.0} us | {e:+.0} us | {:+.0} us | {} |",
            row.variant, row.publish, row.end_to_end, row.why
        )
        .expect("a string takes everything");
        if !near(p, row.publish) || !near(e, row.end_to_end) {
            wrong.push(row.variant);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?} are off:\n{table}");

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/latency.md");
    let page = std::fs::read_to_string(path).expect("docs/latency.md can be read");
    let (start, end) = ("<!-- table -->\n", "<!-- end -->");
    let (before, rest) = page.split_once(start).expect("the page marks its table");
    let (_, after) = rest
        .split_once(end)
        .expect("the page marks the end of its table");
    let fresh = format!("{before}{start}{table}{end}{after}");
    if std::env::var_os("STORMGLASS_WRITE").is_some() {
        std::fs::write(path, fresh).expect("docs/latency.md can be written");
    } else {
        assert_eq!(page, fresh, "docs/latency.md has another table");
    }
}
