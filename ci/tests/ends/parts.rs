//! Parts that break, each in its own way.

use std::process::ExitCode;
use std::sync::atomic::{AtomicI64, Ordering};
use stormglass::core::actor::{Actor, Context, Input, Inspection};
use stormglass::core::event::Event;
use stormglass::core::id::TimerId;
use stormglass::core::processor::operator::Operator;
use stormglass::core::time::Span;
use stormglass::sim::service::Env;
use stormglass::{Catalog, Seat};

/// Wakes itself at once, for ever.
struct Restless;

impl Actor for Restless {
    fn step(&mut self, _: Input, cx: &mut Context<'_>) {
        cx.arm(TimerId(0), Span::ZERO);
    }

    fn inspect(&self) -> Inspection {
        Inspection::new()
    }
}

/// Cannot bear a certain event, which comes under some seeds.
struct Fussy;

impl Operator for Fussy {
    fn apply(&mut self, event: &Event, out: &mut Vec<Event>) {
        assert!(
            event.id.number != 20 || event.key.is_multiple_of(2),
            "what is this"
        );
        out.push(*event);
    }

    fn snapshot(&self) -> Vec<(u64, i64)> {
        Vec::new()
    }

    fn restore(&mut self, _: &[(u64, i64)]) {}

    fn is_stateful(&self) -> bool {
        false
    }
}

/// Is another one in every second run, whatever the seed.
struct Fickle {
    bias: i64,
}

impl Fickle {
    fn new() -> Self {
        static RUNS: AtomicI64 = AtomicI64::new(0);
        let bias = RUNS.fetch_add(1, Ordering::Relaxed) % 2;
        Self { bias }
    }
}

impl Operator for Fickle {
    fn apply(&mut self, event: &Event, out: &mut Vec<Event>) {
        let mut event = *event;
        event.value += self.bias;
        event.size += self.bias as u32;
        out.push(event);
    }

    fn snapshot(&self) -> Vec<(u64, i64)> {
        Vec::new()
    }

    fn restore(&mut self, _: &[(u64, i64)]) {}

    fn is_stateful(&self) -> bool {
        false
    }
}

/// Under some seeds there is a key that it does not find.
async fn nervous(env: Env, _: Seat) {
    env.sleep(Span::secs(1)).await;
    assert!(env.random_below(2) == 0, "no such key");
    std::future::pending().await
}

/// Under some seeds it never lets go.
async fn stubborn(env: Env, _: Seat) {
    env.sleep(Span::secs(1)).await;
    let holds_on = env.random_below(2) == 0;
    while std::hint::black_box(holds_on) {
        std::hint::spin_loop();
    }
    std::future::pending().await
}

async fn quiet(_: Env, _: Seat) {
    std::future::pending().await
}

/// The command line with these parts.
pub fn main() -> ExitCode {
    let catalog = Catalog::new()
        .actor("restless", |_| Box::new(Restless))
        .operator("fussy", || Box::new(Fussy))
        .operator("fickle", || Box::new(Fickle::new()))
        .service("nervous", nervous)
        .service("stubborn", stubborn)
        .service("quiet", quiet);
    stormglass::main(&catalog)
}
