//! The highest token of a lease that a writer's group has had a write applied with.

use super::fences::Verdict;
use crate::disk::DiskRecord;
use crate::id::{GroupId, Partition};
use crate::message::sink::Write;
use std::collections::BTreeMap;

/// By the writers' group; writers without a lease have token 0.
#[derive(Debug, Default)]
pub(super) struct Tokens(BTreeMap<GroupId, u32>);

impl Tokens {
    /// Whether a write comes too late.
    pub(super) fn judge(&self, write: &Write) -> Verdict {
        match self.0.get(&write.group) {
            Some(highest) if write.epoch < *highest => Verdict::Fenced,
            Some(_) | None => Verdict::Apply,
        }
    }

    /// Takes note of a token.
    pub(super) fn raise(&mut self, group: GroupId, token: u32) {
        let highest = self.0.entry(group).or_default();
        *highest = token.max(*highest);
    }

    /// Records that give the same tokens. They are of no partition.
    pub(super) fn snapshot(&self) -> impl Iterator<Item = DiskRecord> {
        self.0.iter().map(|(group, token)| DiskRecord::Adopted {
            group: *group,
            partition: Partition::default(),
            epoch: *token,
        })
    }
}
