//! A pipeline against real time, and seeds of a gate, by thread CPU time.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use stormglass_bench::cpu::{CpuTime, by_cpu_time};
use stormglass_bench::pipeline::Pipeline;
use stormglass_bench::recording::Recording;
use stormglass_core::time::Span;

/// The rate shown is simulated nanoseconds a second: divided by 10⁹ it is how much faster than real time.
fn against_real_time(criterion: &mut Criterion<CpuTime>) {
    let pipeline = Pipeline::throughput();
    let length = Span::secs(20);
    let mut group = criterion.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(length.0));
    group.bench_function("10000-events-a-second", |bencher| {
        bencher.iter(|| pipeline.run_for(black_box(1), length));
    });
    group.finish();
}

/// The rate shown is seeds a second.
fn seeds(criterion: &mut Criterion<CpuTime>) {
    let gate = Pipeline::gate();
    let mut seed = 0;
    let mut group = criterion.benchmark_group("gate");
    group.throughput(Throughput::Elements(1));
    group.bench_function("10000-steps", |bencher| {
        bencher.iter(|| {
            seed += 1;
            gate.run(black_box(seed))
        });
    });
    group.finish();
}

/// The rate shown is samples a second: a thousand million divided by it is nanoseconds a sample.
fn recording(criterion: &mut Criterion<CpuTime>) {
    let recording = Recording::of(&Pipeline::throughput(), Span::secs(20));
    let mut group = criterion.benchmark_group("recorder");
    group.throughput(Throughput::Elements(recording.replay()));
    group.bench_function("pipeline", |bencher| {
        bencher.iter(|| black_box(&recording).replay());
    });
    group.finish();
}

criterion_group! {
    name = pipelines;
    config = by_cpu_time();
    targets = against_real_time, seeds, recording
}
criterion_main!(pipelines);
