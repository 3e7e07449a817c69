//! Hardware profiles: files of figures, each with its source. Four are part of the binary; a scenario may name a
//! file of its own, and changes single figures in its `[profile]`.

mod read;

#[cfg(test)]
mod tests;

pub(crate) use read::{often, resolve};

use crate::spec::distribution::Distribution;
use crate::spec::profile::{Bandwidth, ProfileSpec};
use serde::{Deserialize, Serialize};
use stormglass_core::quantile::Quantiles;
use stormglass_core::time::Span;
use stormglass_core::units::Size;
use stormglass_sim::profile::{Cpu, DiskProfile, LinkProfile, Profile, StallProfile};

/// The name that a scenario without one has.
pub const DEFAULT: &str = "default";

/// What [`DEFAULT`] stands for.
const DEFAULT_IS: &str = "same-zone";

/// The profiles of the binary and their texts.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("same-zone", include_str!("../../profiles/same-zone.toml")),
    (
        "three-zones",
        include_str!("../../profiles/three-zones.toml"),
    ),
    ("laptop", include_str!("../../profiles/laptop.toml")),
    ("loopback", include_str!("../../profiles/loopback.toml")),
];

/// The names that a scenario may use without a file.
pub fn names() -> impl Iterator<Item = &'static str> {
    let built_in = BUILT_IN.iter().map(|(name, _)| *name);
    built_in.chain([DEFAULT])
}

/// Whether the name of a profile is that of a file.
#[must_use]
pub fn is_file(name: &str) -> bool {
    name.ends_with(".toml")
}

fn built_in(name: &str) -> Option<&'static str> {
    let name = if name == DEFAULT { DEFAULT_IS } else { name };
    let found = BUILT_IN.iter().find(|(known, _)| *known == name);
    found.map(|(_, text)| *text)
}

/// All figures of a profile. A file says each of them, but for those that are optional here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hardware {
    /// The links between nodes.
    pub link: Link,
    /// Every node's processor.
    pub node: Node,
    /// Every node's disk.
    pub disk: Disk,
    /// The zones over which the nodes of each part are spread; none if all stand in one.
    pub zones: Option<Zones>,
    /// Stalls of every node; none if nodes never stand still by themselves.
    pub stalls: Option<Stalls>,
}

/// Stalls of a node, which takes no step meanwhile, while its clocks run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stalls {
    /// The mean time from one to the next; they are a Poisson process.
    pub every: Span,
    /// How long one lasts.
    pub lasts: Distribution,
}

/// A link between two nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// One way, inside a zone.
    pub latency: Distribution,
    /// Bytes a second.
    pub bandwidth: Bandwidth,
    /// The first retransmission of a lost packet; doubled for the next.
    pub retransmit: Span,
    /// The longest wait between retransmissions.
    pub retransmit_max: Span,
}

/// A node's processor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Servers of its queue.
    pub cores: u16,
    /// Service time of a request.
    pub per_request: Span,
    /// Service time of a record.
    pub per_record: Span,
    /// Service time of 1,000 bytes.
    pub per_kilobyte: Span,
}

/// A node's disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// A write to the page cache.
    pub write: Span,
    /// The same for 1,000 bytes.
    pub write_per_kilobyte: Span,
    /// A sync.
    pub sync_time: Distribution,
    /// The same for 1,000 bytes that it makes durable.
    pub sync_per_kilobyte: Span,
    /// Reading a file at boot.
    pub scan: Span,
    /// The same for a record.
    pub scan_per_record: Span,
    /// Age at which the kernel writes back what nobody asked it to.
    pub write_back: Span,
    /// Bytes that fit; none is as many as there are.
    pub capacity: Option<Size>,
}

/// Zones far enough from each other for the distance to cost time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zones {
    /// How many.
    pub count: u16,
    /// One way, between two of them.
    pub latency: Distribution,
}

impl Hardware {
    /// The hardware as the World has it.
    #[must_use]
    pub fn profile(&self, name: &str) -> Profile {
        let (link, node, disk) = (&self.link, &self.node, &self.disk);
        Profile {
            name: name.to_owned(),
            cpu: Cpu {
                cores: node.cores,
                request: node.per_request,
                record_picos: node.per_record.0.saturating_mul(1_000),
                byte_picos: node.per_kilobyte.0,
            },
            disk: DiskProfile {
                write: disk.write,
                write_byte_picos: disk.write_per_kilobyte.0,
                sync: disk.sync_time.quantiles(),
                sync_byte_picos: disk.sync_per_kilobyte.0,
                scan: disk.scan,
                scan_record: disk.scan_per_record,
                write_back: disk.write_back,
                capacity: disk.capacity.map_or(u64::MAX, |size| size.0),
            },
            link: LinkProfile {
                latency: link.latency.quantiles(),
                across: self.zones.as_ref().map(|zones| zones.latency.quantiles()),
                kilobyte: per_kilobyte(link.bandwidth),
                retransmit: link.retransmit,
                retransmit_max: link.retransmit_max,
            },
            stalls: self.stalls.as_ref().map(|stalls| StallProfile {
                gap: Quantiles::exponential(stalls.every),
                lasts: stalls.lasts.quantiles(),
            }),
        }
    }

    /// How many zones there are.
    #[must_use]
    pub fn zones(&self) -> u16 {
        self.zones.as_ref().map_or(1, |zones| zones.count)
    }

    /// The zone of the `index`-th node of a part: round-robin, so that replicas are spread and every part
    /// begins in the first.
    #[must_use]
    pub fn zone(&self, index: u16) -> u16 {
        let zones = self.zones.as_ref();
        zones.map_or(0, |zones| index % zones.count)
    }

    /// About what one message in a hundred exceeds on the slowest link.
    pub(crate) fn slow(&self) -> Span {
        let across = self.zones.as_ref().map(|zones| zones.latency.slow());
        self.link.latency.slow().max(across.unwrap_or_default())
    }

    /// Puts what a scenario says in the place of the profile's figures. Zones or stalls may remain half said, which
    /// gives none.
    fn overridden(mut self, spec: &ProfileSpec) -> Option<Hardware> {
        let link = &spec.link;
        if let Some(latency) = &link.latency {
            self.link.latency = latency.clone();
        } else if link.latency_median.is_some() || link.latency_p99.is_some() {
            let median = link.latency_median;
            let median = median.unwrap_or_else(|| self.link.latency.median());
            self.link.latency = lognormal(median, link.latency_p99, 4);
        }
        self.link.bandwidth = link.bandwidth.unwrap_or(self.link.bandwidth);
        let node = &spec.node;
        self.node.cores = node.cores.unwrap_or(self.node.cores);
        self.node.per_request = node.per_request.unwrap_or(self.node.per_request);
        self.node.per_record = node.per_record.unwrap_or(self.node.per_record);
        self.node.per_kilobyte = node.per_kilobyte.unwrap_or(self.node.per_kilobyte);
        let disk = &spec.disk;
        self.disk.write = disk.write.unwrap_or(self.disk.write);
        if let Some(sync) = &disk.sync_time {
            self.disk.sync_time = sync.clone();
        } else if disk.sync.is_some() || disk.sync_p99.is_some() {
            let median = disk.sync.unwrap_or_else(|| self.disk.sync_time.median());
            self.disk.sync_time = lognormal(median, disk.sync_p99, 2);
        }
        if let Some(bandwidth) = disk.bandwidth {
            self.disk.sync_per_kilobyte = per_kilobyte(bandwidth);
        }
        let zones = &spec.zones;
        if zones.count.is_some() || zones.latency.is_some() {
            let base = self.zones.as_ref();
            self.zones = Some(Zones {
                count: zones.count.or(base.map(|zones| zones.count))?,
                latency: zones
                    .latency
                    .clone()
                    .or_else(|| base.map(|zones| zones.latency.clone()))?,
            });
        }
        let stalls = &spec.stalls;
        if stalls.every.is_some() || stalls.lasts.is_some() {
            let base = self.stalls.as_ref();
            self.stalls = Some(Stalls {
                every: stalls.every.or(base.map(|stalls| stalls.every))?,
                lasts: stalls
                    .lasts
                    .clone()
                    .or_else(|| base.map(|stalls| stalls.lasts.clone()))?,
            });
        }
        Some(self)
    }
}

/// Nanoseconds for 1,000 bytes, which are picoseconds for one.
fn per_kilobyte(bandwidth: Bandwidth) -> Span {
    Span(1_000_000_000_000 / bandwidth.0.0.max(1))
}

/// A lognormal whose p99 is `factor` times the median if it is left out.
fn lognormal(median: Span, p99: Option<Span>, factor: u64) -> Distribution {
    let median = median.max(Span(1));
    Distribution::Lognormal {
        median,
        p99: p99.unwrap_or(median * factor).max(median),
    }
}
