//! What was recorded of the made-up run: gauges, and the story of an order that is shown twice.

use super::Dice;
use stormglass_reports::model::buckets::Buckets;
use stormglass_reports::model::histogram::LatencyHistogram;
use stormglass_reports::model::recorded::{
    Gauge, GaugeLine, Kind, Moment, Order, OrderCell, OrderRow, Story,
};
use stormglass_reports::model::shown::ShownRun;

/// Latencies, gauges and story of a run.
pub fn record(run: &mut ShownRun) {
    let mut dice = Dice::new(7);
    let mut latencies = Buckets::default();
    for slot in &mut run.slots {
        let mut data = LatencyHistogram::default();
        if let Some(p50) = slot.p50 {
            for _ in 0..40 {
                data.record(dice.latency(p50.0));
            }
        }
        latencies.push(&data);
        slot.retried = slot.offered.saturating_sub(slot.accepted) / 10;
        slot.failed = slot.retried / 4;
    }
    run.latencies = latencies;
    run.gauges = gauges(run.slots.len(), &mut dice);
    run.story = Some(story());
}

fn gauges(slots: usize, dice: &mut Dice) -> Vec<GaugeLine> {
    let of_gauge = |(gauge, names, most): (Gauge, &[&str], u64)| {
        let lines = names.iter().map(|of| (gauge, (*of).to_owned(), most));
        lines.collect::<Vec<_>>()
    };
    let nodes: &[&str] = &[
        "broker.main.0",
        "broker.main.1",
        "broker.main.2",
        "processor.totals.0",
        "processor.totals.1",
        "sink.warehouse.0",
    ];
    let readers: &[&str] = &["broker.main 0/3 for processor.totals"];
    let wanted: [(Gauge, &[&str], u64); 5] = [
        (Gauge::Busy, nodes, 1_000_000),
        (Gauge::Queue, nodes, 40_000),
        (Gauge::Backlog, readers, 9_000),
        (Gauge::Lag, readers, 8_000_000),
        (Gauge::Watermark, &["processor.totals"], 12_000_000),
    ];
    let lines = wanted.into_iter().flat_map(of_gauge);
    lines
        .map(|(gauge, of, most)| GaugeLine {
            gauge,
            of,
            values: (0..slots).map(|_| Some(dice.below(most))).collect(),
        })
        .collect()
}

/// An order is written, the writer dies, and another writes it again.
pub fn story() -> Story {
    let moment = |at: u64, node: Option<usize>, kind, what: &str, cause, followed| Moment {
        at: at * 1_000_000,
        node,
        kind,
        what: what.to_owned(),
        cause,
        followed,
    };
    let moments = vec![
        moment(
            22_000,
            None,
            Kind::Fault,
            "'leader-dies' (crash on leader of broker.main) begins",
            None,
            false,
        ),
        moment(22_000, Some(1), Kind::Fault, "dies", Some(0), false),
        moment(22_100, Some(0), Kind::Send, "owes it", None, true),
        moment(22_110, Some(0), Kind::Send, "sends it", Some(2), true),
        moment(
            22_114,
            Some(2),
            Kind::Store,
            "takes up the request to store it",
            Some(3),
            true,
        ),
        moment(
            22_116,
            Some(2),
            Kind::Store,
            "stores it in its page cache at offset 3391",
            Some(4),
            true,
        ),
        moment(
            22_130,
            Some(2),
            Kind::Office,
            "becomes leader of partition 0/3 in term 4",
            None,
            false,
        ),
        moment(
            22_200,
            Some(3),
            Kind::Read,
            "reads it at offset 3391",
            Some(5),
            true,
        ),
        moment(
            22_300,
            Some(5),
            Kind::Effect,
            "takes up the write of its row",
            Some(7),
            true,
        ),
        moment(
            22_418,
            Some(5),
            Kind::Effect,
            "shows its row (in its page cache)",
            Some(8),
            true,
        ),
        moment(22_419, Some(3), Kind::Fault, "dies", None, false),
        moment(
            28_201,
            Some(4),
            Kind::Read,
            "reads it at offset 3391",
            Some(5),
            true,
        ),
        moment(
            28_377,
            Some(5),
            Kind::Effect,
            "shows its row (in its page cache)",
            Some(11),
            true,
        ),
    ];
    let cell = |event: &str, times: u64, rank: u64, moments: &[usize]| OrderCell {
        event: event.to_owned(),
        before: Vec::new(),
        times,
        is_gone: false,
        rank: Some(rank),
        moments: moments.to_vec(),
    };
    let rows = vec![
        OrderRow {
            observer: "broker.main.1 stores".to_owned(),
            cells: vec![
                cell("0:20416", 1, 0, &[]),
                OrderCell {
                    before: vec!["0:20400".to_owned()],
                    ..cell("0:20417", 1, 1, &[5])
                },
            ],
        },
        OrderRow {
            observer: "processor.totals.0 reads".to_owned(),
            cells: vec![cell("0:20416", 1, 1, &[]), cell("0:20417", 1, 0, &[7])],
        },
        OrderRow {
            observer: "sink.warehouse.0 shows".to_owned(),
            cells: vec![OrderCell::default(), cell("0:20417", 2, 0, &[9, 12])],
        },
    ];
    Story {
        sentence: "sink.warehouse shows 0:20417 twice".to_owned(),
        at: 28_377_000_000,
        events: vec!["0:20417".to_owned()],
        nodes: [
            "source.orders.0",
            "broker.main.0",
            "broker.main.1",
            "processor.totals.0",
            "processor.totals.1",
            "sink.warehouse.0",
        ]
        .map(str::to_owned)
        .to_vec(),
        moments,
        all: 80_412,
        order: Some(Order {
            log: "broker.main 0/3".to_owned(),
            from: 3_390,
            offset: 3_391,
            rows,
        }),
    }
}
