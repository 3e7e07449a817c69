//! Epochs and positions of a transactional sink's writers.

use crate::actor::Inspection;
use crate::disk::DiskRecord;
use crate::id::{GroupId, Offset, Partition};
use crate::message::sink::{Covered, Write};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A writer's wish to own an input partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) group: GroupId,
    pub(super) partition: Partition,
    pub(super) epoch: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Fence {
    epoch: u32,
    /// Position and watermark.
    next: Option<(Offset, i64)>,
}

/// What becomes of a covered write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is applied.
    Apply,
    /// Its position is covered already: it is answered without effect.
    Known,
    /// A newer owner has taken over.
    Fenced,
}

/// How far a write covers its partition: windows may fire where no new record was read.
const fn place(covered: Covered) -> (Offset, i64) {
    (covered.next, covered.watermark)
}

/// By processor and input partition.
#[derive(Debug, Default)]
pub(super) struct Fences(BTreeMap<(GroupId, Partition), Fence>);

impl Fences {
    /// What becomes of a write.
    pub(super) fn judge(&self, write: &Write) -> Verdict {
        let Some(covered) = write.covered else {
            return Verdict::Apply;
        };
        let Some(fence) = self.0.get(&(write.group, covered.partition)) else {
            return Verdict::Apply;
        };
        if write.epoch < fence.epoch {
            Verdict::Fenced
        } else if fence.next.is_some_and(|next| place(covered) <= next) {
            Verdict::Known
        } else {
            Verdict::Apply
        }
    }

    /// Takes note of what a write covers.
    pub(super) fn cover(&mut self, write: &Write) {
        let Some(covered) = write.covered else {
            return;
        };
        let fence = self.0.entry((write.group, covered.partition)).or_default();
        fence.next = fence.next.max(Some(place(covered)));
    }

    /// A new owner: older ones are fenced from here on.
    pub(super) fn adopt(&mut self, claim: &Claim) {
        let fence = self.0.entry((claim.group, claim.partition)).or_default();
        fence.epoch = fence.epoch.max(claim.epoch);
    }

    /// The highest epoch adopted, 0 before the first.
    pub(super) fn epoch(&self, claim: &Claim) -> u32 {
        self.0
            .get(&(claim.group, claim.partition))
            .map_or(0, |fence| fence.epoch)
    }

    /// The position and the watermark stored for a claim, if any.
    pub(super) fn position(&self, claim: &Claim) -> Option<Covered> {
        let (next, watermark) = self.0.get(&(claim.group, claim.partition))?.next?;
        Some(Covered {
            partition: claim.partition,
            next,
            watermark,
        })
    }

    /// Records that give the same fences.
    pub(super) fn snapshot(&self) -> impl Iterator<Item = DiskRecord> {
        self.0.iter().flat_map(|((group, partition), fence)| {
            let adopted = DiskRecord::Adopted {
                group: *group,
                partition: *partition,
                epoch: fence.epoch,
            };
            let covered = fence.next.map(|(next, watermark)| {
                DiskRecord::Write(Arc::new(Write {
                    group: *group,
                    epoch: fence.epoch,
                    rows: Arc::from([]),
                    versions: Arc::from([]),
                    covered: Some(Covered {
                        partition: *partition,
                        next,
                        watermark,
                    }),
                    credits: None,
                }))
            });
            std::iter::once(adopted).chain(covered)
        })
    }

    /// For people.
    pub(super) fn inspect(&self) -> Inspection {
        self.0
            .iter()
            .fold(Inspection::new(), |seen, ((group, partition), fence)| {
                let next = fence
                    .next
                    .map_or("none".to_owned(), |(next, _)| next.to_string());
                seen.value(
                    &format!("{group} {partition}"),
                    format!("epoch {}, next {next}", fence.epoch),
                )
            })
    }
}
