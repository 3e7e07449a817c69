//! What hardware costs: cores and the price of work, disks, links. A profile is an assumption, so every
//! figure that depends on one says which, and "uncalibrated" until it is fitted to measurements.

use stormglass_core::actor::Work;
use stormglass_core::quantile::Quantiles;
use stormglass_core::time::Span;

/// The hardware of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name in reports.
    pub name: String,
    /// Every node's processor.
    pub cpu: Cpu,
    /// Every node's disk.
    pub disk: DiskProfile,
    /// The links between nodes.
    pub link: LinkProfile,
    /// What makes nodes stand still now and then; none if nothing does.
    pub stalls: Option<StallProfile>,
}

/// Stalls of a node: garbage collection, a noisy neighbour, a kernel that is busy. The node takes no step and
/// releases no effect, while its clocks run. Each node has stalls of its own until the sources stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StallProfile {
    /// From the end of a stall to the start of the next; exponential for a Poisson process.
    pub gap: Quantiles,
    /// How long a stall lasts.
    pub lasts: Quantiles,
}

/// A node's processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Servers of the station.
    pub cores: u16,
    /// A request's share: wake-up, system calls, parsing.
    pub request: Span,
    /// A record's share, picoseconds.
    pub record_picos: u64,
    /// A byte's share, picoseconds.
    pub byte_picos: u64,
}

impl Cpu {
    /// The service time of `work`.
    #[must_use]
    pub const fn price(&self, work: Work) -> Span {
        let picos = work.records as u64 * self.record_picos + work.bytes as u64 * self.byte_picos;
        Span(work.requests as u64 * self.request.0 + picos / 1_000)
    }
}

/// A disk with a page cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskProfile {
    /// Copying a write into the page cache.
    pub write: Span,
    /// The same for each byte, picoseconds.
    pub write_byte_picos: u64,
    /// Making what was written durable; the device does one at a time.
    pub sync: Quantiles,
    /// Writing back for each byte that a sync covers, picoseconds.
    pub sync_byte_picos: u64,
    /// Reading a file at boot: this, and for each record.
    pub scan: Span,
    /// Reading one record at boot.
    pub scan_record: Span,
    /// Page-cache data older than this has been written back by the kernel without being asked
    /// (Linux `vm.dirty_expire_centisecs` = 3,000).
    pub write_back: Span,
    /// Bytes that fit.
    pub capacity: u64,
}

/// A link between two nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkProfile {
    /// One way, from the sender's release to the receiver's queue, between nodes of one zone.
    pub latency: Quantiles,
    /// The same between nodes of different zones; none if the distance makes no difference.
    pub across: Option<Quantiles>,
    /// Nanoseconds that the wire is busy for each kilobyte.
    pub kilobyte: Span,
    /// The first retransmission of a lost packet; doubled for the next (RFC 6298 with Linux's floor of
    /// 200 ms).
    pub retransmit: Span,
    /// The longest wait between retransmissions (Linux: 120 s).
    pub retransmit_max: Span,
}

impl LinkProfile {
    /// The latency of a link inside a zone or, if `is_across`, between two.
    #[must_use]
    pub fn latency(&self, is_across: bool) -> &Quantiles {
        match &self.across {
            Some(across) if is_across => across,
            Some(_) | None => &self.latency,
        }
    }
}

impl Profile {
    /// Machines of one cloud zone with local NVMe. Uncalibrated: each figure is a single published or
    /// measured number, not a fit.
    #[must_use]
    pub fn same_zone() -> Profile {
        Profile {
            name: "same-zone".to_owned(),
            cpu: Cpu {
                cores: 8, // i3en.2xlarge of the OpenMessaging runs.
                // A wake-up and its system calls: 5–20 µs a context switch, measured on a small machine.
                request: Span::micros(10),
                // 185,000 msg/s of a single partition with acks=all bound it to about 5 µs a record and
                // replica on one core; parsing is a part of that.
                record_picos: 500_000,
                byte_picos: 250, // 4 GB/s, a copy and a checksum.
            },
            disk: DiskProfile {
                write: Span::micros(2), // p50 1 µs, p90 3 µs for 1 KiB without sync.
                write_byte_picos: 200,
                sync: Quantiles::lognormal(Span::micros(150), Span::micros(290)), // fdatasync of 1 KiB.
                sync_byte_picos: 600, // 455 µs for 1 MiB against 149 µs for 1 KiB.
                scan: Span::millis(1),
                scan_record: Span::micros(1),
                write_back: Span::secs(30),
                capacity: u64::MAX,
            },
            link: LinkProfile {
                // Round trips inside a zone take 0.05–0.2 ms; the tail is an assumption.
                latency: Quantiles::lognormal(Span::micros(60), Span::micros(250)),
                across: None,
                kilobyte: Span::nanos(320), // 25 Gbit/s.
                retransmit: Span::millis(200),
                retransmit_max: Span::secs(120),
            },
            stalls: None,
        }
    }

    /// Hardware that costs nothing but one constant latency, for scripted worlds.
    #[must_use]
    pub fn ideal(latency: Span) -> Profile {
        Profile {
            name: "ideal".to_owned(),
            cpu: Cpu {
                cores: 1,
                request: Span::ZERO,
                record_picos: 0,
                byte_picos: 0,
            },
            disk: DiskProfile {
                write: Span::ZERO,
                write_byte_picos: 0,
                sync: Quantiles::constant(Span::millis(1)),
                sync_byte_picos: 0,
                scan: Span::ZERO,
                scan_record: Span::ZERO,
                write_back: Span::MAX,
                capacity: u64::MAX,
            },
            link: LinkProfile {
                latency: Quantiles::constant(latency),
                across: None,
                kilobyte: Span::ZERO,
                retransmit: Span::millis(200),
                retransmit_max: Span::secs(120),
            },
            stalls: None,
        }
    }
}
