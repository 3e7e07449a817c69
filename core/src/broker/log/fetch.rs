//! The follower's side of replication (K2, K5): one long-poll fetch session with every leader; after every
//! change of leader or epoch it first asks where its last epoch ends there, and cuts what the leader lacks,
//! as often as the leader answers with an older epoch (KIP-279). Followers of the generation before KIP-101 ask
//! nothing and cut to the high watermark that they know.
//!
//! A fetch names only partitions whose position has changed since the last one on the connection (see
//! `serve.rs`). A position is a promise to have everything below, so the next fetch waits for the writes of
//! the last answer.

use crate::actor::{Connection, Context, Work};
use crate::broker::log::config::{LogFlaw, Truncation};
use crate::broker::log::desk::Desk;
use crate::broker::log::points;
use crate::broker::log::replica::{Phase, Replica, Role};
use crate::call::Calls;
use crate::id::{CallId, Epoch, NodeId, Offset, TimerId};
use crate::message::log::{Fetch, FetchPart, Fetched, FetchedPart, Reader};
use crate::message::{Refusal, Reply, Request};
use crate::part::Cluster;
use crate::time::Span;
use std::sync::Arc;

/// The most a follower takes of one partition in one answer (`replica.fetch.max.bytes`).
const PARTITION_MAX: u32 = 1 << 20;

/// The space of timers of the fetcher's calls.
pub(super) const FETCHER_SPACE: u8 = 2;

#[derive(Clone, Copy, Debug)]
enum Ask {
    Fetch,
    EpochEnd { slot: u32, current: Epoch },
}

/// What a follower keeps of one leader.
#[derive(Debug, Default)]
struct Link {
    /// The place of the next fetch in the session; 0 if the leader does not know what is read, and where.
    round: u32,
    in_flight: bool,
    /// Slots to name in the next fetch.
    changed: Vec<u32>,
    /// Slots of this link whose writes the disk has not confirmed.
    writing: u32,
    /// Slots to try again when the back-off is over.
    retry: Vec<u32>,
}

/// All of a node's following.
#[derive(Debug)]
pub(super) struct Fetcher {
    cluster: Cluster,
    calls: Calls<Ask>,
    links: Vec<Link>,
    /// By slot, the link whose `writing` counts it.
    writing: Vec<Option<u16>>,
    /// The broker epoch to fetch with.
    pub broker_epoch: u64,
    /// The timer of the back-off of the link at an index.
    backoff_timer: fn(u16) -> TimerId,
}

impl Fetcher {
    /// A fetcher that follows nobody.
    pub fn new(cluster: Cluster, slots: usize, backoff_timer: fn(u16) -> TimerId) -> Fetcher {
        Fetcher {
            cluster,
            calls: Calls::new(FETCHER_SPACE),
            links: (0..cluster.nodes).map(|_| Link::default()).collect(),
            writing: vec![None; slots],
            broker_epoch: 0,
            backoff_timer,
        }
    }

    /// Forgets everything, since the logs are gone.
    pub fn reset(&mut self, cx: &mut Context<'_>) {
        for peer in self.cluster.iter() {
            self.calls.abandon(cx, peer);
        }
        self.links.fill_with(Link::default);
        self.writing.fill(None);
    }

    /// Begins to follow, or begins again: first the question of K5, if there is anything to cut.
    pub fn follow(&mut self, cx: &mut Context<'_>, desk: &Desk, replica: &mut Replica) {
        let Role::Follower { leader, phase } = &mut replica.role else {
            return;
        };
        let leader = *leader;
        let asks = match desk.settings.truncation {
            Truncation::Epoch => !desk.settings.has(LogFlaw::SkipTruncation),
            Truncation::HighWatermark => false,
        };
        match replica.log.last_epoch().filter(|_| asks) {
            Some(epoch) => {
                *phase = Phase::Asking;
                let current = replica.view.epoch;
                let request = Request::EpochEnd {
                    partition: replica.log.partition(),
                    current,
                    epoch,
                };
                let slot = replica.slot;
                let memory = Ask::EpochEnd { slot, current };
                let peer = self.cluster.node(leader);
                self.calls
                    .ask(cx, peer, request, answer_within(desk), memory);
            }
            None => {
                *phase = Phase::Fetching;
                if desk.settings.truncation == Truncation::HighWatermark {
                    truncate(cx, desk, replica, replica.high_watermark);
                }
                self.moved(leader, replica);
            }
        }
    }

    /// The position in one partition has changed: the next fetch names it, once it is written.
    fn moved(&mut self, leader: u16, replica: &Replica) {
        let at = replica.slot as usize;
        if let Some(old) = self.writing[at].take() {
            self.links[usize::from(old)].writing -= 1;
        }
        let link = &mut self.links[usize::from(leader)];
        if replica.log.is_writing() {
            self.writing[at] = Some(leader);
            link.writing += 1;
        } else {
            link.changed.push(replica.slot);
        }
    }

    /// The disk has confirmed a write of a follower.
    pub fn wrote(
        &mut self,
        cx: &mut Context<'_>,
        desk: &Desk,
        replicas: &[Option<Replica>],
        slot: usize,
    ) {
        let written = replicas[slot]
            .as_ref()
            .is_some_and(|replica| !replica.log.is_writing());
        if !written {
            return;
        }
        if let Some(leader) = self.writing[slot].take() {
            let link = &mut self.links[usize::from(leader)];
            link.writing -= 1;
            link.changed.push(slot as u32);
            self.poll(cx, desk, replicas, leader);
        }
    }

    /// Sends the next fetch to the node at `leader`, unless one is open or writes are.
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        desk: &Desk,
        replicas: &[Option<Replica>],
        leader: u16,
    ) {
        let link = &mut self.links[usize::from(leader)];
        if link.in_flight || link.writing > 0 {
            return;
        }
        if link.round == 0 {
            link.changed.clear();
            let followed = replicas
                .iter()
                .flatten()
                .filter(|replica| reads(replica, leader));
            link.changed.extend(followed.map(|replica| replica.slot));
            if link.changed.is_empty() {
                return;
            }
        }
        link.in_flight = true;
        let round = link.round;
        link.round += 1;
        let parts = link
            .changed
            .drain(..)
            .filter_map(|slot| replicas[slot as usize].as_ref())
            .filter(|replica| reads(replica, leader))
            .map(|replica| FetchPart {
                partition: replica.log.partition(),
                from: replica.log.written(),
                epoch: replica.view.epoch,
            })
            .collect();
        let fetch = Fetch {
            reader: Reader::Replica {
                broker_epoch: self.broker_epoch,
                round,
            },
            parts,
            max_wait: desk.settings.fetch_wait,
            min_bytes: 1,
            max_bytes: PARTITION_MAX,
        };
        let within = answer_within(desk).saturating_add(desk.settings.fetch_wait);
        let peer = self.cluster.node(leader);
        let request = Request::Fetch(Arc::new(fetch));
        self.calls.ask(cx, peer, request, within, Ask::Fetch);
    }

    /// An answer from a leader; false if it was none to this fetcher.
    pub fn answered(
        &mut self,
        cx: &mut Context<'_>,
        desk: &Desk,
        replicas: &mut [Option<Replica>],
        from: NodeId,
        call: CallId,
        reply: &Reply,
    ) -> bool {
        let Some(ask) = self.calls.answered(cx, call) else {
            return false;
        };
        let Some(leader) = self.cluster.index(from) else {
            return true;
        };
        match ask {
            Ask::Fetch => {
                self.links[usize::from(leader)].in_flight = false;
                if let Reply::Fetched(fetched) = reply {
                    self.fetched(cx, desk, replicas, leader, fetched);
                    self.poll(cx, desk, replicas, leader);
                } else {
                    self.links[usize::from(leader)].round = 0;
                    cx.arm((self.backoff_timer)(leader), desk.settings.fetch_backoff());
                }
            }
            Ask::EpochEnd { slot, current } => {
                let Some(replica) = replicas[slot as usize]
                    .as_mut()
                    .filter(|replica| asks(replica, leader, current))
                else {
                    return true;
                };
                if let Reply::EpochEnd { epoch, end, .. } = reply {
                    self.cut(cx, desk, replica, leader, *epoch, *end);
                    self.poll(cx, desk, replicas, leader);
                } else {
                    self.later(cx, desk, replica, leader);
                }
            }
        }
        true
    }

    /// Cuts what the leader lacks (K5): its log ends `epoch` at `end`.
    fn cut(
        &mut self,
        cx: &mut Context<'_>,
        desk: &Desk,
        replica: &mut Replica,
        leader: u16,
        epoch: Epoch,
        end: Offset,
    ) {
        let (own_epoch, own_end) = replica.log.segments().epoch_end(epoch);
        let agreed = own_epoch == epoch;
        let to = if agreed { own_end.min(end) } else { own_end };
        truncate(cx, desk, replica, to);
        if agreed {
            replica.role = Role::Follower {
                leader,
                phase: Phase::Fetching,
            };
            self.moved(leader, replica);
        } else {
            self.follow(cx, desk, replica);
        }
    }

    fn fetched(
        &mut self,
        cx: &mut Context<'_>,
        desk: &Desk,
        replicas: &mut [Option<Replica>],
        leader: u16,
        fetched: &Fetched,
    ) {
        if fetched.parts.is_empty() {
            // An idle answer is the occasion to notice that nothing is read from there any more.
            let link = &mut self.links[usize::from(leader)];
            if !replicas
                .iter()
                .flatten()
                .any(|replica| reads(replica, leader))
            {
                link.round = 0;
            }
            return;
        }
        let (mut records, mut bytes) = (0_u64, 0_u32);
        for part in &fetched.parts {
            let replica = desk
                .slot(part.partition)
                .and_then(|slot| replicas[slot].as_mut())
                .filter(|replica| reads(replica, leader));
            let Some(replica) = replica else {
                continue;
            };
            if let Some(refusal) = part.refusal {
                self.refused(cx, desk, replica, leader, part, refusal);
            } else if part.epoch == replica.view.epoch {
                let before = replica.log.end();
                bytes = bytes.saturating_add(take(cx, desk, replica, part));
                records += replica.log.end().0 - before.0;
                if replica.log.end() > before {
                    self.moved(leader, replica);
                }
            }
        }
        cx.spend(Work::request(records as u32, bytes));
    }

    fn refused(
        &mut self,
        cx: &mut Context<'_>,
        desk: &Desk,
        replica: &mut Replica,
        leader: u16,
        part: &FetchedPart,
        refusal: Refusal,
    ) {
        let behind = replica.log.end() < part.log_start;
        if refusal == Refusal::OffsetOutOfRange && behind && part.epoch == replica.view.epoch {
            replica
                .log
                .restart_at(cx, part.log_start, desk.settings.log);
            replica.high_watermark = part.log_start;
            self.moved(leader, replica);
        } else if refusal == Refusal::OffsetOutOfRange
            && desk.settings.truncation == Truncation::HighWatermark
            && part.epoch == replica.view.epoch
        {
            // The leader's log ends before what was thought to be committed. Kafka asked for its end; what it tells
            // here is its high watermark, which is not above that.
            truncate(cx, desk, replica, part.high_watermark);
            self.moved(leader, replica);
        } else if refusal == Refusal::FencedLeaderEpoch {
            // The next state in the metadata log says whom to follow.
            replica.role = Role::Follower {
                leader,
                phase: Phase::Waiting,
            };
        } else {
            self.later(cx, desk, replica, leader);
        }
    }

    fn later(&mut self, cx: &mut Context<'_>, desk: &Desk, replica: &mut Replica, leader: u16) {
        replica.role = Role::Follower {
            leader,
            phase: Phase::Waiting,
        };
        self.links[usize::from(leader)].retry.push(replica.slot);
        cx.arm((self.backoff_timer)(leader), desk.settings.fetch_backoff());
    }

    /// The back-off of a link is over.
    pub fn again(
        &mut self,
        cx: &mut Context<'_>,
        desk: &Desk,
        replicas: &mut [Option<Replica>],
        leader: u16,
    ) {
        let retry = std::mem::take(&mut self.links[usize::from(leader)].retry);
        for slot in retry {
            if let Some(replica) = replicas[slot as usize].as_mut()
                && waits(replica, leader)
            {
                self.follow(cx, desk, replica);
            }
        }
        self.poll(cx, desk, replicas, leader);
    }

    /// A connection has ended; false if it was none of this fetcher's.
    pub fn closed(
        &mut self,
        cx: &mut Context<'_>,
        desk: &Desk,
        replicas: &mut [Option<Replica>],
        connection: Connection,
    ) {
        let ended = self.calls.closed(cx, connection);
        self.ended(cx, desk, replicas, ended);
    }

    /// A timer of these calls has run out.
    pub fn expired(
        &mut self,
        cx: &mut Context<'_>,
        desk: &Desk,
        replicas: &mut [Option<Replica>],
        timer: TimerId,
    ) {
        let ended = self.calls.expired(cx, timer);
        self.ended(cx, desk, replicas, ended);
    }

    fn ended(
        &mut self,
        cx: &mut Context<'_>,
        desk: &Desk,
        replicas: &mut [Option<Replica>],
        ended: Vec<(CallId, NodeId, Ask)>,
    ) {
        for (_, peer, ask) in ended {
            let Some(leader) = self.cluster.index(peer) else {
                continue;
            };
            let link = &mut self.links[usize::from(leader)];
            // Everything on the connection ended with it, the session too.
            link.round = 0;
            match ask {
                Ask::Fetch => {
                    link.in_flight = false;
                    cx.arm((self.backoff_timer)(leader), desk.settings.fetch_backoff());
                }
                Ask::EpochEnd { slot, current } => {
                    if let Some(replica) = replicas[slot as usize].as_mut()
                        && asks(replica, leader, current)
                    {
                        self.later(cx, desk, replica, leader);
                    }
                }
            }
        }
    }
}

/// How long an answer is waited for: Kafka's 30 s (`replica.socket.timeout.ms`) equal its lag bound; a third
/// of that leaves a follower of a silently dead connection the time to come back before it counts as lagging.
const fn answer_within(desk: &Desk) -> Span {
    Span(desk.settings.lag_max.0 / 3)
}

fn is_in(replica: &Replica, from: u16, wanted: Phase) -> bool {
    match replica.role {
        Role::Follower { leader, phase } => leader == from && phase == wanted,
        Role::Idle | Role::Leader(_) => false,
    }
}

fn reads(replica: &Replica, leader: u16) -> bool {
    is_in(replica, leader, Phase::Fetching)
}

fn waits(replica: &Replica, leader: u16) -> bool {
    is_in(replica, leader, Phase::Waiting)
}

fn asks(replica: &Replica, leader: u16, current: Epoch) -> bool {
    is_in(replica, leader, Phase::Asking) && replica.view.epoch == current
}

fn truncate(cx: &mut Context<'_>, desk: &Desk, replica: &mut Replica, to: Offset) {
    if to >= replica.log.end() {
        return;
    }
    cx.point(points::TRUNCATED);
    if to < replica.log.start() {
        replica.log.restart_at(cx, to, desk.settings.log);
    } else {
        replica.log.truncate(cx, to);
    }
    replica.high_watermark = replica.high_watermark.min(replica.log.end());
}

/// Takes over a leader's entries, log start and high watermark; gives back the bytes stored.
fn take(cx: &mut Context<'_>, desk: &Desk, replica: &mut Replica, part: &FetchedPart) -> u32 {
    let diverges = desk.settings.has(LogFlaw::SkipTruncation);
    let mut bytes = 0_u32;
    for entry in &part.entries {
        let end = replica.log.end();
        // An answer to an older question may repeat what is here, or begin beyond a cut made since.
        if entry.base == end || (diverges && entry.base > end) {
            bytes = bytes.saturating_add(entry.batch.bytes);
            replica.log.append(cx, entry.clone(), desk.settings.log);
        }
    }
    let end = replica.log.end();
    let known = part.high_watermark.min(end);
    replica.high_watermark = replica.high_watermark.max(known);
    replica.log.advance_start(cx, part.log_start.min(end));
    bytes
}
