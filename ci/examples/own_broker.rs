//! A broker of yours and its client, actors with messages of their own: `cargo run --example own_broker -- run
//! ci/examples/own_broker.toml`. What they promise each other they check themselves: a panic fails the seed.

use stormglass::core::actor::{Actor, Context, Input};
use stormglass::core::disk::{DiskDone, DiskRecord, DiskVerb, FileId, FileKind};
use stormglass::core::id::{NodeId, PointId, TimerId};
use stormglass::core::{message::Message, time::Span};
use stormglass::{Catalog, Seat};

const FILE: FileId = FileId::new(FileKind::Custom, 0, 0);

/// Keeps numbers on its disk, each after the one before, and then says so.
struct Shelf {
    client: NodeId,
    last: DiskVerb,       // What it waits for before it says so.
    highest: Option<u64>, // None while it recovers.
}

impl Actor for Shelf {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        if let (Some(value), Some(highest)) = (input.number(), self.highest) {
            assert!(value <= highest + 1, "{value} comes after {highest}");
            let record = DiskRecord::Mark { key: 0, value };
            cx.disk(FILE, DiskVerb::Append(vec![record]), 0, None);
            cx.disk(FILE, self.last.clone(), value, None);
        } else if let Input::Disk(reply) = input {
            if let Ok(DiskDone::Scanned(records)) = &reply.outcome {
                let values = records.iter().filter_map(DiskRecord::mark);
                self.highest = Some(values.max().unwrap_or(0));
                cx.point(PointId::new("shelf.recovered"));
            } else if reply.token > 0 && reply.outcome.is_ok() {
                self.highest = self.highest.max(Some(reply.token));
                cx.datagram(self.client, Message::number("shelf.kept", reply.token));
            }
        } else if input == Input::Start {
            cx.disk(FILE, DiskVerb::Scan, 0, None);
        }
    }
}

/// Brings the next number every 20 ms until it has heard that it is kept.
struct Client {
    shelf: NodeId,
    next: u64,
}

impl Actor for Client {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        if let Some(kept) = input.number() {
            self.next = self.next.max(kept + 1);
        } else if matches!(input, Input::Start | Input::Timer(_)) {
            cx.datagram(self.shelf, Message::number("shelf.put", self.next));
            cx.arm(TimerId(0), Span::millis(20));
        }
    }
}

fn shelf(seat: &Seat, last: DiskVerb) -> Box<dyn Actor> {
    Box::new(Shelf {
        client: seat.first("service.client"),
        last,
        highest: None,
    })
}

/// What Stormglass brings, and the parts of this file.
pub fn catalog() -> Catalog {
    Catalog::new()
        .actor("shelf", |seat| shelf(seat, DiskVerb::Sync))
        .actor("hasty-shelf", |seat| shelf(seat, DiskVerb::List))
        .actor("client", |seat| {
            let shelf = seat.first("service.shelf");
            Box::new(Client { shelf, next: 1 })
        })
}

fn main() -> std::process::ExitCode {
    stormglass::main(&catalog())
}
