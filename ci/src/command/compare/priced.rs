//! The user's prices, in the words of a report.

use crate::error::Failure;
use std::path::Path;
use stormglass_reports::compare::prices::{Price, Priced, Prices};
use stormglass_reports::compare::unit::Currency;
use stormglass_scenarios::prices;

/// Nanoseconds of an hour.
const HOUR: f64 = 3.6e12;

/// Reads a file of prices.
///
/// # Errors
/// At the first mistake in it.
pub fn read(path: &Path) -> Result<Prices, Failure> {
    let read = prices::load(path)?;
    let currency = Currency::parse(&read.currency).expect("a price file has three capital letters");
    let storage = read.gb_stored_month.map(|(each, kept)| {
        let hours = kept.0 as f64 / HOUR;
        (Priced::GbStoredMonth { hours }, each)
    });
    let list = [
        (Priced::NodeHour, read.node_hour),
        (Priced::GbSent, read.gb_sent),
        (Priced::GbCrossZone, read.gb_cross_zone),
        (Priced::MillionPackets, read.million_packets),
        (Priced::MillionDiskWrites, read.million_disk_writes),
        (Priced::MillionDiskSyncs, read.million_disk_syncs),
        (Priced::GbWritten, read.gb_written),
    ];
    let list = list.into_iter().filter_map(|(of, each)| Some((of, each?)));
    Ok(Prices {
        currency,
        file: path.display().to_string(),
        list: list
            .chain(storage)
            .map(|(of, each)| Price { of, each })
            .collect(),
    })
}
