//! What each configuration excludes, what it does not, and how the latter is brought about.

use super::cells::{Broker, Cell};
use super::scripts::Script;
use std::fmt::Write;
use stormglass_core::processor::config::DeliveryMode::{
    self, AtLeastOnce, AtMostOnce, ExactlyOnce,
};
use stormglass_core::sink::config::SinkKind::{self, Append, Transactional, Upsert};

/// What may go wrong, with the check that judges it.
pub const ANOMALIES: [(&str, &str); 4] = [
    ("lost", "no-loss"),
    ("duplicate", "no-duplicates"),
    ("wrong state", "equivalence"),
    ("reordered", "order"),
];

/// What a cell says about an anomaly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// It is promised not to appear.
    Never,
    /// It is not excluded, and this brings it about.
    Shows(Script),
    /// Nothing promises it and nothing could tell: a queue has no order to fold in, and a table of the last
    /// row of each key does not show that a row came twice.
    Unjudged,
}

/// What a cell says about the four anomalies, or why there is no such cell.
pub type Row = Result<[Says; 4], &'static str>;

const NO_TRANSACTION: &str = "exactly-once needs a transactional sink";
const NO_POSITION: &str = "exactly-once needs a log broker";
const NO_POSITION_TO_KEEP: &str = "is transactional and needs positions";

// One line a cell reads as a table.
#[rustfmt::skip]
const TABLE: [(Broker, DeliveryMode, SinkKind, Row); 36] = {
    use Broker::{Fanout, LogAll, LogLeader, Queue};
    use Says::{Never, Shows, Unjudged};
    const SETTLED: Says = Shows(Script::DiesSettled);
    const WRITTEN: Says = Shows(Script::DiesWritten);
    const ANSWER: Says = Shows(Script::AnswerLost);
    const OVERTAKEN: Says = Shows(Script::Overtaken);
    const ALONE: Says = Shows(Script::LeaderAlone);
    [
        //                                              lost     duplicate wrong    reordered
        (LogAll, AtMostOnce, Append,                Ok([SETTLED, Never,    SETTLED, Never])),
        (LogAll, AtMostOnce, Upsert,                Ok([SETTLED, Never,    SETTLED, Never])),
        (LogAll, AtMostOnce, Transactional,         Ok([SETTLED, Never,    SETTLED, Never])),
        (LogAll, AtLeastOnce, Append,               Ok([Never,   WRITTEN,  WRITTEN, Never])),
        (LogAll, AtLeastOnce, Upsert,               Ok([Never,   Never,    Never,   Never])),
        (LogAll, AtLeastOnce, Transactional,        Ok([Never,   WRITTEN,  WRITTEN, Never])),
        (LogAll, ExactlyOnce, Append,               Err(NO_TRANSACTION)),
        (LogAll, ExactlyOnce, Upsert,               Err(NO_TRANSACTION)),
        (LogAll, ExactlyOnce, Transactional,        Ok([Never,   Never,    Never,   Never])),

        (LogLeader, AtMostOnce, Append,             Ok([ALONE,   ANSWER,   SETTLED, OVERTAKEN])),
        (LogLeader, AtMostOnce, Upsert,             Ok([ALONE,   Unjudged, SETTLED, OVERTAKEN])),
        (LogLeader, AtMostOnce, Transactional,      Ok([ALONE,   ANSWER,   SETTLED, OVERTAKEN])),
        (LogLeader, AtLeastOnce, Append,            Ok([ALONE,   ANSWER,   WRITTEN, OVERTAKEN])),
        (LogLeader, AtLeastOnce, Upsert,            Ok([ALONE,   Unjudged, Never,   OVERTAKEN])),
        (LogLeader, AtLeastOnce, Transactional,     Ok([ALONE,   ANSWER,   WRITTEN, OVERTAKEN])),
        (LogLeader, ExactlyOnce, Append,            Err(NO_TRANSACTION)),
        (LogLeader, ExactlyOnce, Upsert,            Err(NO_TRANSACTION)),
        (LogLeader, ExactlyOnce, Transactional,     Ok([ALONE,   ANSWER,   Never,   OVERTAKEN])),

        (Queue, AtMostOnce, Append,                 Ok([SETTLED, ANSWER,   Unjudged, Unjudged])),
        (Queue, AtMostOnce, Upsert,                 Ok([SETTLED, Unjudged, Unjudged, Unjudged])),
        (Queue, AtMostOnce, Transactional,          Err(NO_POSITION_TO_KEEP)),
        (Queue, AtLeastOnce, Append,                Ok([Never,   WRITTEN,  Unjudged, Unjudged])),
        (Queue, AtLeastOnce, Upsert,                Ok([Never,   Unjudged, Unjudged, Unjudged])),
        (Queue, AtLeastOnce, Transactional,         Err(NO_POSITION_TO_KEEP)),
        (Queue, ExactlyOnce, Append,                Err(NO_POSITION)),
        (Queue, ExactlyOnce, Upsert,                Err(NO_POSITION)),
        (Queue, ExactlyOnce, Transactional,         Err(NO_POSITION)),

        (Fanout, AtMostOnce, Append,                Ok([SETTLED, ANSWER,   Unjudged, Unjudged])),
        (Fanout, AtMostOnce, Upsert,                Ok([SETTLED, Unjudged, Unjudged, Unjudged])),
        (Fanout, AtMostOnce, Transactional,         Err(NO_POSITION_TO_KEEP)),
        (Fanout, AtLeastOnce, Append,               Ok([Never,   WRITTEN,  Unjudged, Unjudged])),
        (Fanout, AtLeastOnce, Upsert,               Ok([Never,   Unjudged, Unjudged, Unjudged])),
        (Fanout, AtLeastOnce, Transactional,        Err(NO_POSITION_TO_KEEP)),
        (Fanout, ExactlyOnce, Append,               Err(NO_POSITION)),
        (Fanout, ExactlyOnce, Upsert,               Err(NO_POSITION)),
        (Fanout, ExactlyOnce, Transactional,        Err(NO_POSITION)),
    ]
};

/// Every cell with what it says.
pub fn rows() -> impl Iterator<Item = (Cell, Row)> {
    TABLE.into_iter().map(|(broker, delivery, sink, row)| {
        let cell = Cell {
            broker,
            delivery,
            sink,
        };
        (cell, row)
    })
}

/// The table and its legend, as `docs/guarantees.md` has them.
pub fn markdown() -> String {
    let mut text = String::from("| broker | delivery | sink |");
    for (anomaly, _) in ANOMALIES {
        let _ = write!(text, " {anomaly} |");
    }
    text += "\n| --- | --- | --- | --- | --- | --- | --- |\n";
    for (cell, row) in rows() {
        let (broker, delivery, sink) = (cell.broker, cell.delivery_name(), cell.sink_name());
        let _ = write!(text, "| {broker} | {delivery} | {sink} |");
        match row {
            Ok(says) => {
                for says in says {
                    let _ = match says {
                        Says::Never => write!(text, " never |"),
                        Says::Shows(script) => write!(text, " {} |", script.letter()),
                        Says::Unjudged => write!(text, " – |"),
                    };
                }
            }
            Err(_) => text += " refused | refused | refused | refused |",
        }
        text.push('\n');
    }
    text.push('\n');
    for script in Script::ALL {
        let _ = writeln!(text, "- **{}**: {}.", script.letter(), script.words());
    }
    text
}
