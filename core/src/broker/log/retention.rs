//! Deleting the oldest part of a log (K13): whole segments, by the record times in them against the wall
//! clock of this node, and by size. The active segment may be rolled for it. Nothing above the high
//! watermark is deleted.
//!
//! The internal topic of committed positions does not age. Kafka compacts it; here its oldest part goes as
//! soon as everything in it is superseded by later positions of the same groups and partitions. So a group
//! that goes on committing keeps it short, and a position that stays the newest keeps all behind it.

use crate::actor::Context;
use crate::broker::log::desk::Desk;
use crate::broker::log::points;
use crate::broker::log::replica::Replica;
use crate::event::{Entry, Records};
use crate::id::Offset;
use crate::part::OFFSETS_TOPIC;
use std::collections::BTreeSet;

impl Replica {
    /// Looks after the bounds of age and size.
    pub fn retain(&mut self, cx: &mut Context<'_>, desk: &mut Desk) {
        if self.keeps_positions() {
            let committed = |entry: &&Entry| entry.end() <= self.high_watermark;
            let entries = self.log.segments().entries().filter(committed);
            if let Some(start) = first_needed(entries) {
                self.drop_below(cx, desk, start);
            }
            return;
        }
        let now = cx.wall();
        let settings = desk.settings;
        let mut excess = settings
            .retention_bytes
            .map_or(0, |bound| self.log.segments().bytes().saturating_sub(bound));
        let mut start = self.log.start();
        for segment in self.log.segments().list() {
            if segment.entries.is_empty() || segment.end() > self.high_watermark {
                break;
            }
            let is_old = now.since(segment.largest) > settings.retention;
            // By size a segment goes only if what is left still fills the bound.
            let is_excess = segment.bytes <= excess && segment.bytes > 0;
            if !is_old && !is_excess {
                break;
            }
            excess = excess.saturating_sub(segment.bytes);
            start = segment.end();
        }
        self.drop_below(cx, desk, start);
    }

    /// Drops all but the last `keep` records below the high watermark; the batch at the border stays whole.
    pub fn force_retention(&mut self, cx: &mut Context<'_>, desk: &mut Desk, keep: u64) {
        if self.keeps_positions() {
            return;
        }
        let border = Offset(self.high_watermark.0.saturating_sub(keep));
        let start = self
            .log
            .segments()
            .entries()
            .take_while(|entry| entry.end() <= border)
            .last()
            .map_or(self.log.start(), |entry| entry.end());
        self.drop_below(cx, desk, start);
    }

    fn keeps_positions(&self) -> bool {
        self.log.partition().topic == OFFSETS_TOPIC
    }

    fn drop_below(&mut self, cx: &mut Context<'_>, desk: &mut Desk, start: Offset) {
        if start <= self.log.start() {
            return;
        }
        cx.point(points::RETENTION);
        self.log.advance_start(cx, start);
        self.tell_followers(desk, false);
        desk.woken_polls.extend(&self.polls);
    }
}

/// The offset of the oldest entry with a position that no later entry supersedes.
fn first_needed<'a>(entries: impl DoubleEndedIterator<Item = &'a Entry>) -> Option<Offset> {
    let mut newest = BTreeSet::new();
    let mut needed = None;
    for entry in entries.rev() {
        let is_needed = match &entry.batch.records {
            Records::Offsets(commits) => {
                // Every commit of the batch counts as seen, whether or not an earlier one was needed.
                let mut is_needed = false;
                for commit in commits.iter() {
                    is_needed |= newest.insert((commit.group, commit.partition));
                }
                is_needed
            }
            Records::Events(_) => true,
        };
        if is_needed {
            needed = Some(entry.base);
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Batch, OffsetCommit};
    use crate::id::{Epoch, GroupId, MemberId, Partition};
    use crate::message::group::Position;
    use crate::time::Wall;
    use std::sync::Arc;

    /// An entry that commits `next` for each of these partitions.
    fn commit(base: u64, indices: &[u16]) -> Entry {
        let commits = indices.iter().map(|index| OffsetCommit {
            group: GroupId(0),
            partition: Partition {
                index: *index,
                ..Partition::default()
            },
            position: Position::at(Offset(base)),
            member: MemberId(0),
            generation: 1,
        });
        Entry {
            base: Offset(base),
            epoch: Epoch(1),
            batch: Arc::new(Batch::of_offsets(commits.collect(), Wall(0))),
        }
    }

    #[test]
    fn superseded_positions_are_not_needed() {
        let entries = [
            commit(0, &[0, 1]),
            commit(2, &[0]),
            commit(3, &[1]),
            commit(4, &[0]),
        ];
        assert_eq!(first_needed(entries.iter()), Some(Offset(3)));
    }

    #[test]
    fn a_position_that_stays_the_newest_keeps_all_behind_it() {
        let entries = [commit(0, &[7]), commit(1, &[0]), commit(2, &[0])];
        assert_eq!(first_needed(entries.iter()), Some(Offset(0)));
    }

    #[test]
    fn nothing_is_needed_of_a_log_without_positions() {
        assert_eq!(first_needed([].iter()), None);
    }
}
