//! Deleting the oldest part of a log (K13): whole segments, by the record times in them against the wall
//! clock of this node, and by size. The active segment may be rolled for it. Nothing above the high
//! watermark is deleted.

use crate::actor::Context;
use crate::broker::log::desk::Desk;
use crate::broker::log::points;
use crate::broker::log::replica::Replica;
use crate::id::Offset;
use crate::part::OFFSETS_TOPIC;

impl Replica {
    /// Looks after the bounds of age and size.
    pub fn retain(&mut self, cx: &mut Context<'_>, desk: &mut Desk) {
        if self.is_kept_for_ever() {
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
        if self.is_kept_for_ever() {
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

    /// Committed positions do not age: Kafka compacts their topic, and here it grows for the length of a run.
    fn is_kept_for_ever(&self) -> bool {
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
