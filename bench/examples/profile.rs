//! One workload and nothing else, for a profiler: `profile world 2000000`, `profile pipeline 20` (simulated
//! seconds), `profile gate 200` (seeds), `profile recorder 20` (simulated seconds; its steps are samples). Prints
//! its speed by thread CPU time; with a third word `unclocked` it asks no clock, which valgrind cannot follow,
//! and prints no speed.

use std::io::Write;
use std::time::Duration;
use stormglass_bench::cpu::timed;
use stormglass_bench::exchange::{Exchange, on_world};
use stormglass_bench::pipeline::Pipeline;
use stormglass_bench::recording::Recording;
use stormglass_core::time::Span;

fn measured(what: &str, amount: u64, clocked: bool) -> Option<(u64, u64, Duration)> {
    let pipeline = Pipeline::throughput();
    let gate = Pipeline::gate();
    let recording = (what == "recorder").then(|| Recording::of(&pipeline, Span::secs(amount)));
    let run = || match what {
        "world" => {
            let done = on_world(Exchange::of_steps(amount), &pipeline);
            Some((done.steps, done.fingerprint))
        }
        "pipeline" => {
            let done = pipeline.run_for(1, Span::secs(amount));
            Some((done.steps, done.fingerprint))
        }
        "gate" => Some((0..amount).fold((0, 0), |(steps, sum), seed| {
            let done = gate.run(seed);
            (steps + done.steps, sum ^ done.fingerprint.0)
        })),
        "recorder" => recording.as_ref().map(|facts| (facts.replay(), 0)),
        _ => None,
    };
    let (done, cpu) = if clocked {
        timed(run)
    } else {
        (run(), Duration::ZERO)
    };
    done.map(|(steps, fingerprint)| (steps, fingerprint, cpu))
}

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let amount = arguments.next().and_then(|text| text.parse().ok());
    let clocked = arguments.next().as_deref() != Some("unclocked");
    let mut out = std::io::stdout();
    match amount.and_then(|amount| measured(&what, amount, clocked).map(|found| (amount, found))) {
        Some((amount, (steps, fingerprint, Duration::ZERO))) => {
            writeln!(out, "{what} {amount}: {steps} steps, {fingerprint:016x}")
        }
        Some((amount, (steps, fingerprint, cpu))) => {
            let second = cpu.as_secs_f64();
            let rate = steps as f64 / second / 1e6;
            let each = amount as f64 / second;
            writeln!(
                out,
                "{what} {amount}: {steps} steps, {rate:.2} M steps/s, {each:.1} a second, {fingerprint:016x}"
            )
        }
        None => writeln!(
            out,
            "usage: profile world <steps> | pipeline <seconds> | gate <seeds> | recorder <seconds> [unclocked]"
        ),
    }
}
