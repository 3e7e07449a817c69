//! The table of figures: best of five by thread CPU time, with the machine's load beside it.

use crate::cpu::timed;
#[cfg(madsim)]
use crate::exchange::on_endpoint;
use crate::exchange::{Exchange, on_turmoil, on_world};
use crate::pipeline::Pipeline;
use crate::ratio::{bare_loop, measure};
use std::io::{self, Write};
use stormglass_core::time::Span;

const ROUNDS: usize = 5;
/// Steps of the kernel in one round; its peers do a tenth.
const STEPS: u64 = 2_000_000;
/// Simulated seconds of the pipeline in one round.
const SECONDS: u64 = 10;
/// Seeds of the gate in one round.
const SEEDS: u64 = 200;

/// Best rate of the rounds of each workload: `amount` a second of CPU time.
struct Best {
    name: &'static str,
    unit: &'static str,
    rate: f64,
}

impl Best {
    const fn new(name: &'static str, unit: &'static str) -> Best {
        Best {
            name,
            unit,
            rate: 0.0,
        }
    }

    fn take(&mut self, body: impl FnOnce() -> f64) {
        let (amount, cpu) = timed(body);
        self.rate = self.rate.max(amount / cpu.as_secs_f64());
    }
}

/// Measures everything, the workloads in turn so that a neighbour's load falls on all, and prints the table.
///
/// # Errors
/// If it cannot be written.
pub fn speed_table(out: &mut dyn Write) -> io::Result<()> {
    let (pipeline, gate) = (Pipeline::throughput(), Pipeline::gate());
    let mut world = Best::new("request/reply, World", "steps/s");
    let mut endpoint = Best::new("request/reply, madsim Endpoint", "steps/s");
    let mut turmoil = Best::new("request/reply, turmoil", "steps/s");
    let mut steps = Best::new("pipeline", "steps/s");
    let mut speed = Best::new("pipeline", "x real time");
    let mut seeds = Best::new("gate", "seeds/s");
    let mut gate_steps = Best::new("gate", "steps/s");
    let mut heap = Best::new("bare heap loop", "pops/s");
    for _ in 0..ROUNDS {
        world.take(|| on_world(Exchange::of_steps(STEPS), &pipeline).steps as f64);
        #[cfg(madsim)]
        endpoint.take(|| on_endpoint(Exchange::of_steps(STEPS / 10)) as f64);
        turmoil.take(|| on_turmoil(Exchange::of_steps(STEPS / 10)) as f64);
        let (done, cpu) = timed(|| pipeline.run_for(1, Span::secs(SECONDS)));
        steps.rate = steps.rate.max(done.steps as f64 / cpu.as_secs_f64());
        speed.rate = speed.rate.max(SECONDS as f64 / cpu.as_secs_f64());
        let (done, cpu) = timed(|| (0..SEEDS).map(|seed| gate.run(seed).steps).sum::<u64>());
        gate_steps.rate = gate_steps.rate.max(done as f64 / cpu.as_secs_f64());
        seeds.rate = seeds.rate.max(SEEDS as f64 / cpu.as_secs_f64());
        heap.rate = heap.rate.max(bare_loop());
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown").to_owned();
    writeln!(
        out,
        "Best of {ROUNDS}, thread CPU time, load average {load}:\n"
    )?;
    writeln!(out, "| workload | rate | unit | World over it |")?;
    writeln!(out, "|---|---:|---|---:|")?;
    for peer in [&world, &endpoint, &turmoil] {
        let over = world.rate / peer.rate;
        writeln!(
            out,
            "| {} | {:.0} | {} | {over:.1} |",
            peer.name, peer.rate, peer.unit
        )?;
    }
    for best in [&steps, &speed, &gate_steps, &seeds, &heap] {
        writeln!(
            out,
            "| {} | {:.0} | {} | |",
            best.name, best.rate, best.unit
        )?;
    }
    writeln!(
        out,
        "\npipeline steps over bare heap pops: {:.4}",
        measure(&pipeline)
    )
}
