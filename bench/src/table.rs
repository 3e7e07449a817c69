//! The table of figures: best of five by thread CPU time, with the machine's load beside it.

use crate::cpu::timed;
#[cfg(madsim)]
use crate::exchange::on_endpoint;
use crate::exchange::{Exchange, on_turmoil, on_world};
use crate::pipeline::Pipeline;
use crate::ratio::{bare_loop, measure};
use crate::recording::Recording;
use std::io::{self, Write};
use stormglass_core::time::Span;

const ROUNDS: usize = 5;
/// Steps of the kernel in one round; its peers do a tenth.
const STEPS: u64 = 2_000_000;
/// Simulated seconds of the pipeline in one round; its consumers read after the first five.
const SECONDS: u64 = 20;
/// Seeds of the gate in one round.
const SEEDS: u64 = 200;

/// Best rate of the rounds of a workload: `amount` a second of CPU time.
#[derive(Clone, Copy, Default)]
struct Best(f64);

impl Best {
    fn take(&mut self, body: impl FnOnce() -> u64) {
        let (amount, cpu) = timed(body);
        self.0 = self.0.max(amount as f64 / cpu.as_secs_f64());
    }
}

/// One window's request/reply on the World and its peers.
#[derive(Clone, Copy, Default)]
struct Peers {
    world: Best,
    endpoint: Best,
    turmoil: Best,
}

impl Peers {
    fn take(&mut self, window: u64, pipeline: &Pipeline) {
        let few = Exchange::of_steps(STEPS / 10).with_window(window);
        let many = Exchange::of_steps(STEPS).with_window(window);
        self.world.take(|| on_world(many, pipeline).steps);
        #[cfg(madsim)]
        self.endpoint.take(|| on_endpoint(few));
        self.turmoil.take(|| on_turmoil(few));
    }
}

/// Measures everything, the workloads in turn so that a neighbour's load falls on all, and prints the table.
///
/// # Errors
/// If it cannot be written.
pub fn speed_table(out: &mut dyn Write) -> io::Result<()> {
    let (pipeline, gate) = (Pipeline::throughput(), Pipeline::gate());
    let mut peers = [Peers::default(); Exchange::WINDOWS.len()];
    let recording = Recording::of(&pipeline, Span::secs(SECONDS));
    let mut others = [Best::default(); 6];
    let [steps, speed, seeds, gate_steps, heap, samples] = &mut others;
    for _ in 0..ROUNDS {
        for (window, peers) in Exchange::WINDOWS.iter().zip(&mut peers) {
            peers.take(*window, &pipeline);
        }
        let (done, cpu) = timed(|| pipeline.run_for(1, Span::secs(SECONDS)));
        steps.0 = steps.0.max(done.steps as f64 / cpu.as_secs_f64());
        speed.0 = speed.0.max(SECONDS as f64 / cpu.as_secs_f64());
        let (done, cpu) = timed(|| (0..SEEDS).map(|seed| gate.run(seed).steps).sum::<u64>());
        gate_steps.0 = gate_steps.0.max(done as f64 / cpu.as_secs_f64());
        seeds.0 = seeds.0.max(SEEDS as f64 / cpu.as_secs_f64());
        heap.0 = heap.0.max(bare_loop());
        samples.take(|| recording.replay());
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown").to_owned();
    writeln!(
        out,
        "Best of {ROUNDS}, thread CPU time, load average {load}:\n"
    )?;
    writeln!(out, "| workload | rate | unit | World over it |")?;
    writeln!(out, "|---|---:|---|---:|")?;
    for (window, peers) in Exchange::WINDOWS.iter().zip(&peers) {
        let rows = [
            ("World", peers.world),
            ("madsim Endpoint", peers.endpoint),
            ("turmoil", peers.turmoil),
        ];
        for (name, Best(rate)) in rows {
            let over = peers.world.0 / rate;
            writeln!(
                out,
                "| request/reply, window {window}, {name} | {rate:.0} | steps/s | {over:.1} |"
            )?;
        }
    }
    let rows = [
        ("pipeline", "steps/s"),
        ("pipeline", "x real time"),
        ("gate", "seeds/s"),
        ("gate", "steps/s"),
        ("bare heap loop", "pops/s"),
        ("recorder", "samples/s"),
    ];
    for ((name, unit), Best(rate)) in rows.iter().zip(others) {
        writeln!(out, "| {name} | {rate:.0} | {unit} | |")?;
    }
    writeln!(
        out,
        "\npipeline steps over bare heap pops: {:.4}",
        measure(&pipeline)
    )
}
