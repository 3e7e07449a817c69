//! A leader's answers to fetches of consumers and of the audit: long polls over few partitions, answered
//! when enough lies below the high watermark, when something is refused, or when the wait is over.

use crate::actor::{Connection, Context, Work};
use crate::broker::log::desk::Desk;
use crate::broker::log::replica::Replica;
use crate::broker::log::serve::{Asked, refused};
use crate::id::CallId;
use crate::message::log::{Fetch, FetchPart, Fetched, FetchedPart};
use crate::message::{Refusal, Reply};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug)]
struct Poll {
    connection: Connection,
    call: CallId,
    fetch: Arc<Fetch>,
    slots: Vec<Option<usize>>,
}

/// The parked polls, by number.
#[derive(Debug, Default)]
pub(super) struct Polls {
    parked: BTreeMap<u64, Poll>,
    next: u64,
}

impl Polls {
    /// A consumer fetches: answered at once, or parked under the number returned, which wants a timer.
    pub fn fetch(
        &mut self,
        cx: &mut Context<'_>,
        desk: &Desk,
        replicas: &mut [Option<Replica>],
        asked: &Asked<'_>,
        fetch: Arc<Fetch>,
    ) -> Option<u64> {
        let poll = Poll {
            connection: asked.connection,
            call: asked.call,
            slots: asked.slots.to_vec(),
            fetch,
        };
        if poll.fetch.max_wait.0 == 0 || poll.is_complete(desk, replicas) {
            poll.answer(cx, desk, replicas);
            return None;
        }
        let number = self.next;
        self.next += 1;
        for replica in poll.slots.iter().flatten() {
            if let Some(replica) = &mut replicas[*replica] {
                replica.polls.push(number);
            }
        }
        self.parked.insert(number, poll);
        Some(number)
    }

    /// Something has changed under a poll, or (`due`) its wait is over; whether it was answered.
    pub fn wake(
        &mut self,
        cx: &mut Context<'_>,
        desk: &Desk,
        replicas: &mut [Option<Replica>],
        number: u64,
        due: bool,
    ) -> bool {
        let complete = |poll: &Poll| due || poll.is_complete(desk, replicas);
        if !self.parked.get(&number).is_some_and(complete) {
            return false;
        }
        let Some(poll) = self.remove(replicas, number) else {
            return false;
        };
        poll.answer(cx, desk, replicas);
        true
    }

    fn remove(&mut self, replicas: &mut [Option<Replica>], number: u64) -> Option<Poll> {
        let poll = self.parked.remove(&number)?;
        for replica in poll.slots.iter().flatten() {
            if let Some(replica) = &mut replicas[*replica] {
                replica.polls.retain(|other| *other != number);
            }
        }
        Some(poll)
    }

    /// A connection has ended; the numbers of the polls that nobody waits for any more.
    pub fn closed(&mut self, replicas: &mut [Option<Replica>], connection: Connection) -> Vec<u64> {
        let gone: Vec<u64> = self
            .parked
            .iter()
            .filter(|(_, poll)| poll.connection == connection)
            .map(|(number, _)| *number)
            .collect();
        for number in &gone {
            self.remove(replicas, *number);
        }
        gone
    }
}

impl Poll {
    fn parts(&self) -> impl Iterator<Item = (FetchPart, Option<usize>)> {
        let slots = self.slots.iter().copied();
        self.fetch.parts.iter().copied().zip(slots)
    }

    fn is_complete(&self, desk: &Desk, replicas: &[Option<Replica>]) -> bool {
        let enough = self.fetch.min_bytes.max(1);
        let mut bytes = 0_u32;
        for (part, slot) in self.parts() {
            match readable(replicas, slot, part) {
                Err(_) => return true,
                Ok(replica) => {
                    let limit = replica.read_limit(desk);
                    let segments = replica.log.segments();
                    bytes = bytes.saturating_add(segments.available(part.from, limit, enough));
                }
            }
            if bytes >= enough {
                return true;
            }
        }
        false
    }

    fn answer(self, cx: &mut Context<'_>, desk: &Desk, replicas: &[Option<Replica>]) {
        let mut parts = Vec::new();
        let mut total = 0_u32;
        for (part, slot) in self.parts() {
            match readable(replicas, slot, part) {
                Err(refusal) => {
                    let replica = slot.and_then(|slot| replicas[slot].as_ref());
                    parts.push(refused(part, replica, refusal));
                }
                Ok(replica) => {
                    let limit = replica.read_limit(desk);
                    let max_bytes = self.fetch.max_bytes;
                    let (entries, bytes) = replica.log.segments().read(part.from, limit, max_bytes);
                    total = total.saturating_add(bytes);
                    if !entries.is_empty() {
                        parts.push(FetchedPart {
                            partition: part.partition,
                            entries,
                            high_watermark: replica.high_watermark,
                            log_start: replica.log.start(),
                            epoch: replica.view.epoch,
                            refusal: None,
                        });
                    }
                }
            }
        }
        cx.spend(Work {
            requests: 0,
            records: 0,
            bytes: total,
        });
        let reader = self.fetch.reader;
        let fetched = Arc::new(Fetched { reader, parts });
        cx.reply(self.connection, self.call, Reply::Fetched(fetched));
    }
}

/// The replica to read from, or why not (K12, KIP-320).
fn readable(
    replicas: &[Option<Replica>],
    slot: Option<usize>,
    part: FetchPart,
) -> Result<&Replica, Refusal> {
    let replica = slot
        .and_then(|slot| replicas[slot].as_ref())
        .ok_or(Refusal::NotLeader)?;
    replica.check_epoch(part.epoch)?;
    if part.from < replica.log.start() || part.from > replica.log.end() {
        return Err(Refusal::OffsetOutOfRange);
    }
    Ok(replica)
}
