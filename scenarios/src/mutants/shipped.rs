//! The scenario files of this project that hold a case known to break a promise, for binaries that run far
//! from its sources.

/// A file's path in the project, and its text.
pub type Shipped = (&'static str, &'static str);

macro_rules! shipped {
    ($($path:literal),* $(,)?) => {
        &[$((concat!("scenarios/", $path), include_str!(concat!("../../", $path)))),*]
    };
}

/// All of them, in order of path.
pub const SHIPPED: &[Shipped] = shipped![
    "clocks/lease-drift.toml",
    "clocks/lease-skew.toml",
    "clocks/lease-step.toml",
    "clocks/watermark-drift.toml",
    "clocks/watermark-skew.toml",
    "clocks/watermark-step.toml",
    "delivery/acks-leader.toml",
    "delivery/at-least-once-append.toml",
    "delivery/exactly-once.toml",
    "delivery/orders-once.toml",
    "flaws/event-time.toml",
    "flaws/fanout-accepts.toml",
    "flaws/fanout.toml",
    "flaws/leases.toml",
    "flaws/log-coordinator.toml",
    "flaws/log-replication.toml",
    "flaws/log-retention.toml",
    "flaws/log-retries.toml",
    "flaws/log-votes.toml",
    "flaws/processor-positions.toml",
    "flaws/queue-accepts.toml",
    "flaws/queue.toml",
    "flaws/sink-power.toml",
    "flaws/sink-versions.toml",
    "flaws/zombies.toml",
    "latency/metastable.toml",
    "pairs/acks.toml",
    "pairs/damaged-replica.toml",
    "pairs/settle.toml",
    "pairs/sinks.toml",
    "zoo/grp-commit-after-nonidempotent.toml",
    "zoo/grp-commit-before-process.toml",
    "zoo/grp-out-of-order-commit.toml",
    "zoo/grp-rebalance-double-owner.toml",
    "zoo/grp-zombie-max-poll.toml",
    "zoo/log-ack-before-flush.toml",
    "zoo/log-hw-truncation.toml",
    "zoo/log-min-isr-one.toml",
    "zoo/log-minority-corruption.toml",
    "zoo/log-partition-expand-latest-skip.toml",
    "zoo/log-retention-outruns-consumer.toml",
    "zoo/log-truncation-blind-consumer.toml",
    "zoo/log-unclean-election.toml",
    "zoo/prod-acks-below-all.toml",
    "zoo/prod-first-batch.toml",
    "zoo/prod-retry-dup.toml",
    "zoo/prod-retry-reorder.toml",
];
