//! From what was recorded of a run to what a report is told of it. Nothing is judged here.

use stormglass_core::event::EventId;
use stormglass_reports::model::recorded as told;
use stormglass_reports::model::shown::ShownRun;
use stormglass_scenarios::record::{self, Recorded};

/// Adds what was recorded to what is drawn of the run.
pub fn draw(run: &mut ShownRun, recorded: Recorded) {
    let gauges = recorded.gauges.into_iter().map(|line| told::GaugeLine {
        gauge: gauge(line.gauge),
        of: line.of,
        values: line.values,
    });
    run.gauges = gauges.collect();
    run.story = recorded.story.map(story);
}

fn gauge(gauge: record::Gauge) -> told::Gauge {
    match gauge {
        record::Gauge::Busy => told::Gauge::Busy,
        record::Gauge::Queue => told::Gauge::Queue,
        record::Gauge::Backlog => told::Gauge::Backlog,
        record::Gauge::Lag => told::Gauge::Lag,
        record::Gauge::Watermark => told::Gauge::Watermark,
    }
}

fn kind(kind: record::Kind) -> told::Kind {
    match kind {
        record::Kind::Fault => told::Kind::Fault,
        record::Kind::Office => told::Kind::Office,
        record::Kind::Send => told::Kind::Send,
        record::Kind::Store => told::Kind::Store,
        record::Kind::Read => told::Kind::Read,
        record::Kind::Effect => told::Kind::Effect,
        record::Kind::Answer => told::Kind::Answer,
        record::Kind::Loss => told::Kind::Loss,
    }
}

fn event(id: EventId) -> String {
    format!("{}:{}", id.source, id.number)
}

fn story(story: record::Story) -> told::Story {
    let moments = story.moments.into_iter().map(|moment| told::Moment {
        at: moment.time.0,
        node: moment.node,
        kind: kind(moment.kind),
        what: moment.what,
        cause: moment.cause,
        followed: moment.followed,
    });
    told::Story {
        sentence: story.sentence,
        at: story.time.0,
        events: story.events.into_iter().map(event).collect(),
        nodes: story.nodes,
        moments: moments.collect(),
        all: story.all,
        order: story.order.map(order),
    }
}

fn order(order: record::Order) -> told::Order {
    let cell = |cell: record::OrderCell| told::OrderCell {
        event: cell.event.map(event).unwrap_or_default(),
        before: cell.before.into_iter().map(event).collect(),
        times: cell.times,
        is_gone: cell.is_gone,
        rank: cell.rank,
        moments: cell.moments,
    };
    let rows = order.rows.into_iter().map(|row| told::OrderRow {
        observer: row.observer,
        cells: row.cells.into_iter().map(cell).collect(),
    });
    told::Order {
        log: order.log,
        from: order.from,
        offset: order.offset,
        rows: rows.collect(),
    }
}
