//! Histograms as bytes that deflate well: first what they are, then the distances of all their buckets, then
//! all their counts, in numbers of seven bits a byte. A third of what JSON of the same needs once deflated.

use serde::{Deserialize, Serialize};
use std::io;
use stormglass_reports::model::SamplePhase;
use stormglass_reports::model::histogram::{Histograms, LatencyHistogram};
use stormglass_reports::packed::{number_of, number_to};

/// One distribution, but for its buckets.
#[derive(Serialize, Deserialize)]
struct Entry {
    series: String,
    phase: SamplePhase,
    never: u64,
    buckets: usize,
}

/// The bytes of histograms.
///
/// # Errors
/// If a name cannot be written as JSON.
pub fn bytes_of(histograms: &Histograms) -> io::Result<Vec<u8>> {
    let (mut entries, mut distances, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for (series, phase, latencies) in histograms.iter() {
        let (mut last, mut buckets) = (0, 0);
        for (micros, count) in latencies.buckets() {
            number_to(&mut distances, micros - last);
            number_to(&mut counts, count);
            last = micros;
            buckets += 1;
        }
        entries.push(Entry {
            series: series.to_owned(),
            phase: phase.clone(),
            never: latencies.never_count(),
            buckets,
        });
    }
    let names = serde_json::to_vec(&entries)?;
    let mut bytes = Vec::new();
    number_to(&mut bytes, names.len() as u64);
    number_to(&mut bytes, distances.len() as u64);
    Ok([bytes, names, distances, counts].concat())
}

/// The histograms of bytes.
///
/// # Errors
/// If the bytes are not those of histograms.
pub fn histograms_of(bytes: &[u8]) -> io::Result<Histograms> {
    read(bytes).ok_or_else(|| io::Error::other("its histograms are damaged"))
}

fn read(mut bytes: &[u8]) -> Option<Histograms> {
    let names = usize::try_from(number_of(&mut bytes)?).ok()?;
    let distances = usize::try_from(number_of(&mut bytes)?).ok()?;
    let (names, bytes) = bytes.split_at_checked(names)?;
    let (mut distances, mut counts) = bytes.split_at_checked(distances)?;
    let entries: Vec<Entry> = serde_json::from_slice(names).ok()?;
    let mut histograms = Histograms::default();
    for entry in entries {
        let mut latencies = LatencyHistogram::default();
        let mut micros: u64 = 0;
        for _ in 0..entry.buckets {
            micros = micros.checked_add(number_of(&mut distances)?)?;
            latencies.record_many(micros, number_of(&mut counts)?);
        }
        latencies.record_never(entry.never);
        histograms.add(&entry.series, entry.phase, &latencies);
    }
    (distances.is_empty() && counts.is_empty()).then_some(histograms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_come_back_whole_and_damage_is_seen() {
        let mut histograms = Histograms::default();
        for (series, phase) in [
            ("end-to-end", SamplePhase::All),
            ("fetch", SamplePhase::Calm),
        ] {
            let latencies = histograms.of(series, phase);
            for micros in [0, 1, 700, 701, 70_000, 3_000_000, u64::MAX / 4] {
                latencies.record_many(micros, 1 + micros % 300);
            }
            latencies.record_never(5);
        }
        let empty = SamplePhase::During("a \"storm\"".to_owned());
        histograms.add("sink", empty, &LatencyHistogram::default());
        let bytes = bytes_of(&histograms).unwrap();
        assert_eq!(histograms_of(&bytes).unwrap(), histograms);
        for cut in 0..bytes.len() {
            assert!(histograms_of(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}
