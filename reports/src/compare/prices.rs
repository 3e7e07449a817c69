//! Prices: what the figures of a run would cost, by numbers that are the user's own.
//!
//! Model: everything is counted for a million delivered events. Nodes are paid by the time that a million events
//! take at the run's goodput; traffic and disks by what an event moved; storage by what an event left on disks, for
//! as long as it is kept. *Does not* know rebates, steps, minimum sizes or traffic that is free.

use super::unit::{Currency, digits};
use crate::model::outcome::RunOutcome;
use serde::Serialize;

/// Hours of a month: 365 days of 24 hours, by twelve.
pub const MONTH_HOURS: f64 = 730.0;
/// Bytes of a GB: prices are per 10^9 bytes, as networks and disks are sold.
const GB: f64 = 1e9;
/// Events of a bill.
const EVENTS: f64 = 1e6;

/// What a price is of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priced {
    /// A node for an hour.
    NodeHour,
    /// A GB sent from one node to another.
    GbSent,
    /// A GB of it that leaves its zone.
    GbCrossZone,
    /// A million packets: a request is one, and so is its answer.
    MillionPackets,
    /// A million writes to disks.
    MillionDiskWrites,
    /// A million syncs of disks.
    MillionDiskSyncs,
    /// A GB written to disks.
    GbWritten,
    /// A GB that is stored for a month.
    GbStoredMonth {
        /// How long each event stays there, in hours.
        hours: f64,
    },
}

impl Priced {
    /// What is paid for, for a reader.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NodeHour => "nodes",
            Self::GbSent => "bytes sent",
            Self::GbCrossZone => "bytes across zones",
            Self::MillionPackets => "packets",
            Self::MillionDiskWrites => "disk writes",
            Self::MillionDiskSyncs => "disk syncs",
            Self::GbWritten => "bytes written",
            Self::GbStoredMonth { .. } => "storage",
        }
    }

    /// How many units of it a million events take, if they go on as in this run; none if it delivered nothing.
    fn units(self, run: &RunOutcome) -> Option<f64> {
        let cost = &run.cost;
        let events = |count: u64| match run.totals.delivered {
            0 => None,
            delivered => Some(count as f64 / delivered as f64 * EVENTS),
        };
        match self {
            Self::NodeHour => Some(cost.nodes as f64 * hours(run)?),
            Self::GbSent => Some(events(cost.bytes)? / GB),
            Self::GbCrossZone => Some(events(cost.cross_zone_bytes)? / GB),
            Self::MillionPackets => Some(events(cost.messages)? / 1e6),
            Self::MillionDiskWrites => Some(events(cost.disk_writes)? / 1e6),
            Self::MillionDiskSyncs => Some(events(cost.disk_syncs)? / 1e6),
            Self::GbWritten => Some(events(cost.disk_bytes)? / GB),
            Self::GbStoredMonth { hours } => {
                Some(events(cost.stored_bytes)? / GB * hours / MONTH_HOURS)
            }
        }
    }
}

/// Hours in which a million events are delivered.
fn hours(run: &RunOutcome) -> Option<f64> {
    let rate = run.totals.goodput()?.number()? as f64 / 1_000.0;
    (rate > 0.0).then(|| EVENTS / rate / 3_600.0)
}

/// One price.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Price {
    /// Of what.
    pub of: Priced,
    /// How much a unit is.
    pub each: f64,
}

impl Price {
    /// How it is written: `0.192 EUR a node and hour`.
    #[must_use]
    pub fn words(&self, currency: Currency) -> String {
        let unit = match self.of {
            Priced::NodeHour => "a node and hour".to_owned(),
            Priced::GbSent | Priced::GbCrossZone | Priced::GbWritten => "a GB".to_owned(),
            Priced::MillionPackets | Priced::MillionDiskWrites | Priced::MillionDiskSyncs => {
                "a million".to_owned()
            }
            Priced::GbStoredMonth { hours } => {
                format!("a GB and month, kept for {} h", digits(hours))
            }
        };
        format!("{} {currency} {unit}", digits(self.each))
    }
}

/// All prices of a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prices {
    /// In what they are.
    pub currency: Currency,
    /// Where they stand, as it was named.
    pub file: String,
    /// Each of what is paid for, once.
    pub list: Vec<Price>,
}

/// What a run comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Bill {
    /// For a million events, price by price in the order of [`Prices::list`].
    pub million: Vec<f64>,
    /// For an hour at the run's goodput, all together.
    pub hour: f64,
}

impl Bill {
    /// For a million events, all together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.million.iter().sum()
    }
}

impl Prices {
    /// The bill of a run; none if it delivered nothing.
    #[must_use]
    pub fn bill(&self, run: &RunOutcome) -> Option<Bill> {
        let line = |price: &Price| Some(price.of.units(run)? * price.each);
        let million: Vec<f64> = self.list.iter().map(line).collect::<Option<_>>()?;
        let hour = million.iter().sum::<f64>() / hours(run)?;
        Some(Bill { million, hour })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::Micros;

    fn prices(list: &[(Priced, f64)]) -> Prices {
        let list = list.iter().map(|(of, each)| Price {
            of: *of,
            each: *each,
        });
        Prices {
            currency: Currency::parse("EUR").unwrap(),
            file: "prices.toml".to_owned(),
            list: list.collect(),
        }
    }

    /// 1,000 events a second for 100 s, of 1 kB, on six nodes.
    fn run() -> RunOutcome {
        let mut run = RunOutcome::new(0, 1);
        run.totals.measured = Micros::from_secs(100);
        run.totals.delivered = 100_000;
        run.totals.delivered_measured = 100_000;
        run.cost.nodes = 6;
        run.cost.messages = 200_000;
        run.cost.bytes = 300_000_000;
        run.cost.cross_zone_bytes = 100_000_000;
        run.cost.disk_writes = 50_000;
        run.cost.disk_syncs = 10_000;
        run.cost.disk_bytes = 400_000_000;
        run.cost.stored_bytes = 200_000_000;
        run
    }

    #[test]
    fn every_price_is_of_what_its_name_says_by_hand() {
        let kept = Priced::GbStoredMonth { hours: 73.0 };
        for (of, million) in [
            // A million events take 1,000 s: 6 nodes for 0.2778 h.
            (Priced::NodeHour, 6.0 / 3.6),
            (Priced::GbSent, 3.0),
            (Priced::GbCrossZone, 1.0),
            (Priced::MillionPackets, 2.0),
            (Priced::MillionDiskWrites, 0.5),
            (Priced::MillionDiskSyncs, 0.1),
            (Priced::GbWritten, 4.0),
            // 2 kB an event, a tenth of a month.
            (kept, 0.2),
        ] {
            let bill = prices(&[(of, 10.0)]).bill(&run()).unwrap();
            assert!(
                (bill.total() - 10.0 * million).abs() < 1e-9,
                "{of:?}: {bill:?}"
            );
            // An hour has 3.6 million events.
            assert!(
                (bill.hour - 36.0 * million).abs() < 1e-9,
                "{of:?}: {bill:?}"
            );
        }
    }

    #[test]
    fn a_bill_is_the_sum_of_its_lines_and_nothing_delivered_has_none() {
        let prices = prices(&[(Priced::NodeHour, 0.36), (Priced::GbCrossZone, 0.02)]);
        let bill = prices.bill(&run()).unwrap();
        assert!((bill.million[0] - 0.6).abs() < 1e-12 && (bill.million[1] - 0.02).abs() < 1e-12);
        assert!((bill.total() - 0.62).abs() < 1e-12);
        assert_eq!(prices.bill(&RunOutcome::new(0, 1)), None);
    }
}
