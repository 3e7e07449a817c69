//! The hardware of a scenario: a named profile and what the file changes in it.

use crate::spec::ProfileSpec;
use stormglass_core::quantile::Quantiles;
use stormglass_core::time::Span;
use stormglass_sim::profile::Profile;

/// The names of the profiles.
pub const NAMES: [&str; 2] = ["default", "same-zone"];

/// The hardware that `spec` asks for.
#[must_use]
pub fn profile_of(spec: &ProfileSpec) -> Profile {
    let mut profile = Profile::same_zone();
    let link = &spec.link;
    match (link.latency_median, link.latency_p99) {
        (None, None) => {}
        (Some(median), None) => {
            profile.link.latency =
                Quantiles::lognormal(median.max(Span(1)), median.max(Span(1)) * 4);
        }
        (median, Some(p99)) => {
            let median = median
                .unwrap_or_else(|| profile.link.latency.median())
                .max(Span(1));
            profile.link.latency = Quantiles::lognormal(median, p99.max(median));
        }
    }
    if let Some(bandwidth) = link.bandwidth {
        profile.link.kilobyte = Span(1_000 * 1_000_000_000 / bandwidth.0.0.max(1));
    }
    let node = &spec.node;
    profile.cpu.cores = node.cores.unwrap_or(profile.cpu.cores).max(1);
    profile.cpu.request = node.per_request.unwrap_or(profile.cpu.request);
    if let Some(record) = node.per_record {
        profile.cpu.record_picos = record.0.saturating_mul(1_000);
    }
    if let Some(kilobyte) = node.per_kilobyte {
        profile.cpu.byte_picos = kilobyte.0;
    }
    let disk = &spec.disk;
    profile.disk.write = disk.write.unwrap_or(profile.disk.write);
    if disk.sync.is_some() || disk.sync_p99.is_some() {
        let median = disk
            .sync
            .unwrap_or_else(|| profile.disk.sync.median())
            .max(Span(1));
        let p99 = disk.sync_p99.unwrap_or(median * 2).max(median);
        profile.disk.sync = Quantiles::lognormal(median, p99);
    }
    if let Some(bandwidth) = disk.bandwidth {
        profile.disk.sync_byte_picos = 1_000_000_000_000 / bandwidth.0.0.max(1);
    }
    profile
}
