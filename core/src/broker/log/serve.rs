//! A leader's answers to fetches of its followers. A follower keeps one fetch session with each leader
//! (KIP-227): its first fetch names every partition it reads, later ones only those whose position has
//! changed; the answer holds only partitions with news. So a fetch costs what has changed, not what there is.

use crate::actor::{Connection, Context, Work};
use crate::broker::log::desk::Desk;
use crate::broker::log::replica::Replica;
use crate::id::{CallId, Offset};
use crate::message::log::{Fetch, FetchPart, Fetched, FetchedPart, Reader};
use crate::message::{Refusal, Reply};
use crate::time::Mono;
use std::sync::Arc;

/// The most an answer to a follower holds (`replica.fetch.response.max.bytes`).
const RESPONSE_MAX: u32 = 10 << 20;

/// The fetch session of one follower.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// Which session; 0 is none yet.
    pub number: u32,
    /// Slots with something to tell, each once.
    pub news: Vec<u32>,
    /// When the follower last fetched.
    pub last_fetch: Mono,
    /// The broker epoch with which it fetches.
    pub broker_epoch: u64,
    /// The place of the next fetch in the session.
    next_round: u32,
    connection: Option<Connection>,
    parked: Option<Parked>,
}

#[derive(Clone, Copy, Debug)]
struct Parked {
    call: CallId,
    max_bytes: u32,
}

impl Session {
    /// Whether a fetch waits for news.
    pub const fn is_parked(&self) -> bool {
        self.parked.is_some()
    }

    /// A connection has ended; whether it was this session's.
    pub fn closed(&mut self, connection: Connection) -> bool {
        let mine = self.connection == Some(connection);
        if mine {
            self.connection = None;
            self.parked = None;
        }
        mine
    }
}

/// What a refused partition's share looks like.
pub(super) fn refused(part: FetchPart, replica: Option<&Replica>, refusal: Refusal) -> FetchedPart {
    FetchedPart {
        partition: part.partition,
        entries: Vec::new(),
        high_watermark: replica.map_or(Offset(0), |replica| replica.high_watermark),
        log_start: replica.map_or(Offset(0), |replica| replica.log.start()),
        epoch: replica.map_or(part.epoch, |replica| replica.view.epoch),
        refusal: Some(refusal),
    }
}

/// Slots and fetched parts go together: `slots[i]` is where `fetch.parts[i]` lives.
pub(super) struct Asked<'a> {
    /// The connection it came on.
    pub connection: Connection,
    /// Its call.
    pub call: CallId,
    /// The fetch.
    pub fetch: &'a Fetch,
    /// The slots of its parts, none for partitions that do not exist.
    pub slots: &'a [Option<usize>],
}

/// A follower fetches. Whether its fetch is parked, and wants a timer.
pub(super) fn replica_fetch(
    cx: &mut Context<'_>,
    desk: &mut Desk,
    replicas: &mut [Option<Replica>],
    index: u16,
    asked: &Asked<'_>,
) -> bool {
    let Reader::Replica {
        broker_epoch,
        round,
    } = asked.fetch.reader
    else {
        return false;
    };
    let session = &mut desk.sessions[usize::from(index)];
    if round == 0 {
        session.connection = Some(asked.connection);
        session.number += 1;
        session.news.clear();
    } else if session.connection != Some(asked.connection) || session.next_round != round {
        // Another session has begun meanwhile, perhaps by a fetch that was long on its way: what this one
        // does not name is not known here.
        let refusal = Reply::Refused(Refusal::Fenced);
        cx.reply(asked.connection, asked.call, refusal);
        return session.is_parked();
    }
    session.parked = None;
    session.next_round = round + 1;
    session.last_fetch = cx.monotonic();
    session.broker_epoch = broker_epoch;
    let number = session.number;
    let mut refusals = Vec::new();
    for (part, slot) in asked.fetch.parts.iter().zip(asked.slots) {
        let replica = slot.and_then(|slot| replicas[slot].as_mut());
        if let Err(refusal) = take_position(cx, desk, replica, index, number, *part) {
            let replica = slot.and_then(|slot| replicas[slot].as_ref());
            refusals.push(refused(*part, replica, refusal));
        }
    }
    desk.sessions[usize::from(index)].parked = Some(Parked {
        call: asked.call,
        max_bytes: asked.fetch.max_bytes,
    });
    desk.woken_sessions &= !(1 << index);
    answer_session(
        cx,
        desk,
        replicas,
        index,
        refusals,
        asked.fetch.max_wait.0 == 0,
    );
    desk.sessions[usize::from(index)].is_parked()
}

/// Takes note of where a follower is in one partition, and whether there is something for it.
fn take_position(
    cx: &mut Context<'_>,
    desk: &mut Desk,
    replica: Option<&mut Replica>,
    index: u16,
    session: u32,
    part: FetchPart,
) -> Result<(), Refusal> {
    let replica = replica.ok_or(Refusal::NotLeader)?;
    replica.check_epoch(part.epoch)?;
    let (start, end, slot) = (replica.log.start(), replica.log.end(), replica.slot);
    let follower = replica.follower_mut(index).ok_or(Refusal::NotLeader)?;
    if follower.session != session {
        follower.session = session;
        follower.queued = false;
        follower.told = (Offset(0), Offset(0));
    }
    if part.from < start || part.from > end {
        follower.session = 0;
        return Err(Refusal::OffsetOutOfRange);
    }
    if !follower.queued {
        follower.queued = true;
        desk.sessions[usize::from(index)].news.push(slot);
    }
    replica.follower_at(cx, desk, index, part.from);
    Ok(())
}

/// Answers the parked fetch of a follower, if there is something to say or it is `due`.
pub(super) fn answer_session(
    cx: &mut Context<'_>,
    desk: &mut Desk,
    replicas: &mut [Option<Replica>],
    index: u16,
    refusals: Vec<FetchedPart>,
    due: bool,
) {
    let session = &mut desk.sessions[usize::from(index)];
    let (Some(connection), Some(parked)) = (session.connection, session.parked) else {
        return;
    };
    let number = session.number;
    let mut news = std::mem::take(&mut session.news);
    let mut parts = refusals;
    let mut total = 0_u32;
    let mut seen = 0;
    for slot in &news {
        seen += 1;
        let Some(replica) = &mut replicas[*slot as usize] else {
            continue;
        };
        if let Some((part, bytes)) = share(replica, index, number, parked.max_bytes) {
            total = total.saturating_add(bytes);
            parts.push(part);
        }
        if total >= RESPONSE_MAX {
            break;
        }
    }
    news.drain(..seen);
    let session = &mut desk.sessions[usize::from(index)];
    session.news = news;
    if parts.is_empty() && !due {
        return;
    }
    session.parked = None;
    cx.spend(Work {
        requests: 0,
        records: 0,
        bytes: total,
    });
    let fetched = Fetched {
        reader: Reader::Replica {
            broker_epoch: session.broker_epoch,
            round: session.next_round - 1,
        },
        parts,
    };
    cx.reply(connection, parked.call, Reply::Fetched(Arc::new(fetched)));
}

/// What one partition has for a follower, if anything; with its size.
fn share(
    replica: &mut Replica,
    index: u16,
    session: u32,
    max_bytes: u32,
) -> Option<(FetchedPart, u32)> {
    let told = (replica.high_watermark, replica.log.start());
    let written = replica.log.written();
    let (partition, epoch) = (replica.log.partition(), replica.view.epoch);
    let follower = replica
        .follower_mut(index)
        .filter(|follower| follower.session == session)?;
    follower.queued = false;
    let from = follower.position?;
    if from >= written && follower.told == told {
        return None;
    }
    follower.told = told;
    let (entries, bytes) = replica.log.segments().read(from, written, max_bytes);
    let part = FetchedPart {
        partition,
        entries,
        high_watermark: told.0,
        log_start: told.1,
        epoch,
        refusal: None,
    };
    Some((part, bytes))
}
