//! The memory of kernel and checks does not grow with the length of a run.
//!
//! The binary runs `memory/steady.toml` twice, with more than ten times the events of the first. Peaks are those
//! that it writes into `env.json`: what the system holds and the binary itself are in them, which flatters their
//! ratio, so with `STORMGLASS_LONG` set a third run has some thirty times the events, and what a further second
//! adds is held to a bound of its own. What the modelled disks hold is shown apart; it is modelled data, bounded
//! by the retention of the scenario.

#![allow(clippy::print_stdout, reason = "the figures are what the test is for")]
#![cfg(target_os = "linux")] // Peaks are read from /proc.

use crate::stage::{folder, say};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// What a virtual second may add to the peak of a run that is ten times the short one already. Until there the
/// windows by which latencies are kept fill, from there on they grow with the logarithm of the length; the
/// peaks of runs of 520, 1,015, 1,525 and 3,025 virtual seconds were 25.1, 25.8, 24.8 and 26.0 MB, so that
/// the allocator's megabyte, a thousand bytes a second here, is most of it. A due time of 16 bytes kept for
/// each event would be 4,000 bytes a second; a list of latencies for every second was 2,400.
const BYTES_PER_SECOND: u64 = 2_000;

struct Figures {
    events: u64,
    seconds: u64,
    peak: u64,
    modelled: u64,
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("the run wrote its results");
    serde_json::from_str(&text).expect("results are JSON")
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a figure is a whole number")
}

/// Runs the scenario with a `chaos` of so many seconds.
fn run(chaos: u64) -> Figures {
    let folder = folder("memory", &chaos.to_string());
    let (text, written) = (include_str!("memory/steady.toml"), "chaos = \"20s\"");
    assert_eq!(text.matches(written).count(), 1);
    let scenario = text.replace(written, &format!("chaos = \"{chaos}s\""));
    fs::write(folder.join("steady.toml"), scenario).expect("there is room");
    let (code, text) = say(&folder, "run steady.toml --seed 1 -q --out out");
    assert_eq!(code, Some(0), "{text}");
    let summary = json(&folder.join("out/summary.json"));
    let environment = json(&folder.join("out/env.json"));
    let figures = Figures {
        events: number(&summary["totals"]["accepted"]),
        seconds: number(&summary["virtual_duration"]) / 1_000_000,
        peak: number(&environment["peak_rss_bytes"]),
        modelled: number(&environment["modelled_bytes"]),
    };
    println!(
        "{} events in {} virtual seconds: {} kB at most, {} kB on the modelled disks",
        figures.events,
        figures.seconds,
        figures.peak / 1_000,
        figures.modelled / 1_000
    );
    figures
}

#[test]
fn ten_times_the_events_need_no_more_memory() {
    let (short, long) = (run(20), run(330));
    assert!(
        long.events >= 10 * short.events,
        "{} events are not ten times {}",
        long.events,
        short.events
    );
    assert!(
        5 * long.peak <= 6 * short.peak,
        "{} bytes are more than 1.2 x {}",
        long.peak,
        short.peak
    );
    assert!(
        5 * long.modelled <= 6 * short.modelled,
        "retention bounds what the disks hold: {} and {} bytes",
        long.modelled,
        short.modelled
    );
    if std::env::var_os("STORMGLASS_LONG").is_some() {
        let longest = run(1_000);
        let growth = longest.peak.saturating_sub(long.peak) / (longest.seconds - long.seconds);
        println!("{growth} bytes a further virtual second");
        assert!(
            growth <= BYTES_PER_SECOND,
            "each further virtual second adds {growth} bytes, more than {BYTES_PER_SECOND}"
        );
    }
}
