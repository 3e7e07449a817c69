//! Steps a second of one request/reply workload on the World and on its peers, by thread CPU time.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use stormglass_bench::cpu::{CpuTime, by_cpu_time};
#[cfg(madsim)]
use stormglass_bench::exchange::on_endpoint;
use stormglass_bench::exchange::{Exchange, on_turmoil, on_world};
use stormglass_bench::pipeline::Pipeline;

fn request_reply(criterion: &mut Criterion<CpuTime>) {
    let pipeline = Pipeline::throughput();
    let mut group = criterion.benchmark_group("request-reply");
    for window in Exchange::WINDOWS {
        let exchange = Exchange::of_steps(100_000).with_window(window);
        group.throughput(Throughput::Elements(exchange.steps()));
        group.bench_function(BenchmarkId::new("world", window), |bencher| {
            bencher.iter(|| on_world(black_box(exchange), &pipeline));
        });
        #[cfg(madsim)]
        group.bench_function(BenchmarkId::new("madsim-endpoint", window), |bencher| {
            bencher.iter(|| on_endpoint(black_box(exchange)));
        });
        group.bench_function(BenchmarkId::new("turmoil", window), |bencher| {
            bencher.iter(|| on_turmoil(black_box(exchange)));
        });
    }
    group.finish();
}

criterion_group! {
    name = kernel;
    config = by_cpu_time();
    targets = request_reply
}
criterion_main!(kernel);
