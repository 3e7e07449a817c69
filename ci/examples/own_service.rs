//! A program of yours between a topic and a sink: `cargo run --example own_service -- run
//! ci/examples/own_service.toml`. It is an ordinary async function; the plan kills and restarts it.

use std::process::ExitCode;
use std::sync::Arc;
use stormglass::core::client::consumer::Records;
use stormglass::core::message::sink::Write;
use stormglass::core::processor::InputPlan;
use stormglass::core::time::Span;
use stormglass::sim::service::Env;
use stormglass::{Catalog, Seat};

/// Invoices for the orders that were read: a fifth is added. Each carries the offset of its order, by which
/// the sink knows a row that comes twice.
fn invoices(seat: &Seat, read: &Records) -> Arc<Write> {
    let with_tax = read.events().map(|(offset, order)| {
        let mut invoice = *order;
        invoice.value += invoice.value / 5;
        (offset, invoice)
    });
    Arc::new(Write::versioned(seat.group, with_tax))
}

/// Reads, writes, and only then moves the position: what a crash in between cuts off is done again.
async fn write_then_commit(env: Env, seat: Seat) {
    let (Some(InputPlan::Log(input)), Some(sink)) = (&seat.input, seat.sink) else {
        panic!("this service reads a topic of a log broker and writes to a sink");
    };
    let mut orders = env.subscribe(input);
    loop {
        let read = orders.next().await;
        let write = invoices(&seat, &read);
        // A write without an answer may have been applied; to write it again does no harm.
        while env
            .write(sink, Arc::clone(&write), Span::millis(500))
            .await
            .is_err()
        {
            env.sleep(Span::millis(20)).await;
        }
        // If the commit fails the orders are read once more, by this node or by another.
        orders.commit(read.partition, read.next).await;
    }
}

/// The mistake that everybody makes once.
async fn commit_then_write(env: Env, seat: Seat) {
    let (Some(InputPlan::Log(input)), Some(sink)) = (&seat.input, seat.sink) else {
        panic!("this service reads a topic of a log broker and writes to a sink");
    };
    let mut orders = env.subscribe(input);
    loop {
        let read = orders.next().await;
        if orders.commit(read.partition, read.next).await {
            let write = invoices(&seat, &read);
            // Nobody looks whether it has failed.
            let _ = env.write(sink, write, Span::millis(500)).await;
        }
    }
}

/// What Stormglass brings, and the parts of this file.
pub fn catalog() -> Catalog {
    Catalog::new()
        .service("invoices", write_then_commit)
        .service("hasty-invoices", commit_then_write)
}

fn main() -> ExitCode {
    stormglass::main(&catalog())
}
