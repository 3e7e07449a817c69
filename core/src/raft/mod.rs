//! Raft (Ongaro and Ousterhout 2014) for the metadata quorum of a log broker and for quorum queues: a plain
//! struct that the actor of a node owns and feeds.
//!
//! *Model.* The first `voters` nodes of the plan's cluster elect and count; the others are learners that
//! receive the log. Elections are asked about in advance (pre-vote, thesis 9.6), so that a member coming
//! back from a partition disturbs nobody; a leader that hears no majority for a fetch timeout steps down
//! (check-quorum). Only entries of the leader's own term are committed by counting (section 5.4.2), and a
//! new leader begins with a [`Command::Noop`]. Nothing is said before it is durable: an answer waits for
//! the sync of what it speaks of, a leader counts its own entries after its sync, a candidate its own vote
//! after the vote's sync.
//!
//! *Disk.* Both files are written anew at every boot and after a failed write or sync; until that is
//! durable the member is silent. A record that has gone bad in the middle of a synced file is beyond
//! Raft's promises, as it is beyond those of the original.
//!
//! *Limits.* No snapshots: the log grows for the length of a run, a few records for each change of a
//! broker's state. Membership is fixed. Reads are not served here.

mod election;
mod log;
mod replication;
mod storage;
#[cfg(test)]
mod tests;

use crate::actor::{Connection, Context, Inspection};
use crate::disk::{DiskReply, FileId};
use crate::history::{Fact, Role};
use crate::id::{PointId, TimerId};
use crate::message::Message;
use crate::message::log::BrokerSet;
use crate::message::raft::{Command, RaftEntry, RaftMessage, Term};
use crate::part::Cluster;
use crate::time::{Mono, Span};
use log::Log;
use storage::{Held, Progress, Storage};

/// Timers of a [`Raft`] have this bit set and none above it; an actor's own must not.
pub const RAFT_TIMER: u64 = 1 << 62;

const ELECTION: TimerId = TimerId(RAFT_TIMER);
const HEARTBEAT: TimerId = TimerId(RAFT_TIMER | 1);
const STORAGE: TimerId = TimerId(RAFT_TIMER | 2);

/// A member has won an election; its first entry is not written yet.
pub const ELECTED: PointId = PointId::new("raft.elected");
/// A leader has left its office.
pub const STEPPED_DOWN: PointId = PointId::new("raft.stepped-down");
/// A vote is written and not yet durable.
pub const VOTE_WRITTEN: PointId = PointId::new("raft.vote-written");
/// A follower has cut entries that contradict its leader's.
pub const TRUNCATED: PointId = PointId::new("raft.truncated");
/// All points of a Raft member.
pub const POINTS: [PointId; 4] = [ELECTED, STEPPED_DOWN, VOTE_WRITTEN, TRUNCATED];

/// Who a member is and how long it waits.
#[derive(Clone, Copy, Debug)]
pub struct RaftPlan {
    /// The nodes of the group.
    pub cluster: Cluster,
    /// This member's index in the cluster.
    pub me: u16,
    /// The first so many vote; the others only receive the log.
    pub voters: u16,
    /// A member that has heard no leader for this long stands for election, and a leader that has heard no
    /// majority for this long steps down.
    pub fetch_timeout: Span,
    /// The width of the random addition to the waits of an election.
    pub election_timeout: Span,
    /// How often a leader is heard if it has nothing to say.
    pub heartbeat_interval: Span,
    /// The file of the log.
    pub log_file: FileId,
    /// The file of the term and the vote.
    pub vote_file: FileId,
    /// The office whose taking and losing is told to the history.
    pub role: Role,
    /// A planted flaw: the member forgets its term and its vote in a crash.
    pub forget_vote: bool,
}

/// What a member is at the moment.
#[derive(Debug)]
enum Standing {
    Follower,
    /// Asks whether it would be elected in the next term.
    PreCandidate(BrokerSet),
    /// Stands for election in its term; holds the votes that are given.
    Candidate(BrokerSet),
    Leader(Leader),
}

/// What only a leader knows.
#[derive(Debug)]
struct Leader {
    /// The index of its first entry: once that is committed it has seen all that ever was.
    noop: u64,
    /// By index in the cluster; its own place is not used.
    peers: Vec<Peer>,
}

/// A leader's view of a member.
#[derive(Clone, Copy, Debug)]
struct Peer {
    /// The next entry to send.
    next: u64,
    /// The last entry known to be durable there.
    matched: u64,
    /// The commit index it was last told.
    commit_told: u64,
    /// An append is unanswered: what comes meanwhile travels together, in the next one.
    waiting: bool,
    /// When it was heard last.
    heard: Mono,
}

/// This member's own connection to a peer.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    connection: Option<Connection>,
    /// The first thing said on it since the peer was heard. A peer that lost its power answers nothing,
    /// not even that the connection is gone, so after a silence a new one is tried.
    unanswered: Option<Mono>,
}

/// One member of a Raft group.
#[derive(Debug)]
pub struct Raft {
    plan: RaftPlan,
    standing: Standing,
    term: Term,
    voted_for: Option<u16>,
    leader: Option<u16>,
    heard_leader: Option<Mono>,
    log: Log,
    loaded: bool,
    // Invariant: applied <= commit <= log.last_index().
    commit: u64,
    applied: u64,
    storage: Storage,
    links: Vec<Link>,
    deadline: Mono,
    armed: Option<Mono>,
}

impl Raft {
    /// A member after a boot: it knows nothing until [`Raft::boot`] has read its files.
    ///
    /// # Panics
    /// If the plan names no voters, more voters than nodes, or a member that is none of the nodes.
    #[must_use]
    pub fn new(plan: RaftPlan) -> Raft {
        assert!(
            plan.voters >= 1 && plan.voters <= plan.cluster.nodes,
            "a group of {} nodes cannot have {} voters",
            plan.cluster.nodes,
            plan.voters
        );
        assert!(
            plan.cluster.nodes <= 64,
            "votes are counted in a set of 64 members"
        );
        assert!(plan.me < plan.cluster.nodes, "{} is no member", plan.me);
        Raft {
            plan,
            standing: Standing::Follower,
            term: 0,
            voted_for: None,
            leader: None,
            heard_leader: None,
            log: Log::default(),
            loaded: false,
            commit: 0,
            applied: 0,
            storage: Storage::new(plan.log_file, plan.vote_file),
            links: vec![Link::default(); usize::from(plan.cluster.nodes)],
            deadline: Mono(0),
            armed: None,
        }
    }

    /// Reads the member's files.
    pub fn boot(&mut self, cx: &mut Context<'_>) {
        self.storage.scan(cx);
    }

    /// Takes a reply of the disk; false if it is not about this member's files.
    pub fn on_disk(&mut self, cx: &mut Context<'_>, reply: &DiskReply) -> bool {
        if !self.storage.owns(reply.file) {
            return false;
        }
        match self.storage.on_reply(cx, reply, self.log.last_index()) {
            Progress::Nothing => self.load(cx),
            Progress::Ready => self.begin(cx),
            Progress::Durable => self.release(cx),
            Progress::Failed => {
                self.follow(cx, self.term, None);
                cx.arm(STORAGE, self.plan.election_timeout);
            }
        }
        true
    }

    /// Takes a message of the member with index `peer` that came over `via`.
    ///
    /// # Panics
    /// If the group has no such member.
    pub fn on_message(
        &mut self,
        cx: &mut Context<'_>,
        peer: u16,
        via: Connection,
        message: &RaftMessage,
    ) {
        assert!(peer < self.plan.cluster.nodes, "{peer} is no member");
        if !self.storage.is_ready() {
            return;
        }
        match message {
            RaftMessage::Ask {
                term,
                last_index,
                last_term,
                pre,
            } => {
                let covered = self.log.is_covered_by(*last_term, *last_index);
                if *pre {
                    self.on_pre_ask(cx, via, *term, covered);
                } else {
                    self.on_ask(cx, peer, via, *term, covered);
                }
            }
            RaftMessage::Vote { term, granted, pre } => {
                self.links[usize::from(peer)].unanswered = None;
                self.on_vote(cx, peer, *term, *granted, *pre);
            }
            RaftMessage::Append { .. } => self.on_append(cx, peer, via, message),
            RaftMessage::Appended {
                term,
                success,
                index,
            } => {
                self.links[usize::from(peer)].unanswered = None;
                self.on_appended(cx, peer, *term, *success, *index);
            }
        }
        self.release(cx);
    }

    /// Takes a timer; false if it is not a Raft timer.
    pub fn on_timer(&mut self, cx: &mut Context<'_>, timer: TimerId) -> bool {
        if timer.0 & !(RAFT_TIMER - 1) != RAFT_TIMER {
            return false;
        }
        if timer == STORAGE {
            self.mend_storage(cx);
        } else if timer == HEARTBEAT {
            self.on_heartbeat(cx);
        } else {
            self.on_election_timer(cx);
        }
        self.release(cx);
        true
    }

    /// A connection has ended; false if it is not one that this member opened.
    pub fn on_closed(&mut self, connection: Connection) -> bool {
        for link in &mut self.links {
            if link.connection == Some(connection) {
                *link = Link::default();
                return true;
            }
        }
        false
    }

    /// Appends a command if this member leads: the index it will have if it is ever committed.
    pub fn propose(&mut self, cx: &mut Context<'_>, command: Command) -> Option<u64> {
        self.propose_all(cx, &[command])
    }

    /// Appends commands as one write if this member leads: the index of the last. Later ones may still be
    /// lost when earlier ones are committed.
    pub fn propose_all(&mut self, cx: &mut Context<'_>, commands: &[Command]) -> Option<u64> {
        if !self.is_leader() {
            return None;
        }
        let term = self.term;
        let entries: Vec<RaftEntry> = commands
            .iter()
            .map(|command| RaftEntry {
                term,
                command: *command,
            })
            .collect();
        self.log.append(&entries);
        let last = self.log.last_index();
        self.storage.save_log(cx, None, &entries, last);
        self.push_all(cx);
        Some(last)
    }

    /// The commands committed since the last call, with their indexes, in order. No-ops are among them.
    pub fn take_committed(&mut self) -> Vec<(u64, Command)> {
        let log = &self.log;
        let taken = (self.applied + 1..=self.commit)
            .filter_map(|index| log.get(index).map(|entry| (index, entry.command)))
            .collect();
        self.applied = self.commit;
        taken
    }

    /// Whether this member leads.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        matches!(self.standing, Standing::Leader(_))
    }

    /// Whether this member leads and its first entry is committed, so that everything committed before it
    /// is known to be.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(&self.standing, Standing::Leader(leader) if self.commit >= leader.noop)
    }

    /// The current term.
    #[must_use]
    pub const fn term(&self) -> Term {
        self.term
    }

    /// The index of the member that leads as far as this one knows.
    #[must_use]
    pub const fn leader_hint(&self) -> Option<u16> {
        self.leader
    }

    /// The index of the last committed entry this member knows of.
    #[must_use]
    pub const fn commit_index(&self) -> u64 {
        self.commit
    }

    /// The index of the last entry of the log, committed or not.
    #[must_use]
    pub fn last_index(&self) -> u64 {
        self.log.last_index()
    }

    /// What a person would like to see.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        let standing = match &self.standing {
            Standing::Follower if self.is_voter() => "follower",
            Standing::Follower => "learner",
            Standing::PreCandidate(_) => "pre-candidate",
            Standing::Candidate(_) => "candidate",
            Standing::Leader(_) => "leader",
        };
        Inspection::new()
            .value("standing", standing)
            .value("term", self.term)
            .value("leader", format_args!("{:?}", self.leader))
            .value("last", self.log.last_index())
            .value("durable", self.storage.durable_index())
            .value("commit", self.commit)
    }

    const fn is_voter(&self) -> bool {
        self.plan.me < self.plan.voters
    }

    const fn quorum(&self) -> u32 {
        self.plan.voters as u32 / 2 + 1
    }

    /// After the scans: what was read is written anew.
    fn load(&mut self, cx: &mut Context<'_>) {
        let Some((log, term, voted_for)) = self.storage.take_scanned() else {
            return;
        };
        self.log = log;
        self.loaded = true;
        if !self.plan.forget_vote {
            // A vote file that was lost with its disk's other pages cannot be older than the log it guards.
            self.term = term.max(self.log.last_term());
            self.voted_for = voted_for.filter(|_| self.term == term);
        }
        self.storage
            .rewrite(cx, &self.log, self.term, self.voted_for);
    }

    fn mend_storage(&mut self, cx: &mut Context<'_>) {
        if !self.storage.is_failed() {
            return;
        }
        if self.loaded {
            self.storage
                .rewrite(cx, &self.log, self.term, self.voted_for);
        } else {
            self.storage.scan(cx);
        }
    }

    /// The files are sound: the member takes part.
    fn begin(&mut self, cx: &mut Context<'_>) {
        assert!(!self.is_leader(), "a leader's files are sound already");
        if self.plan.voters == 1 && self.is_voter() {
            self.stand(cx);
            self.release(cx);
        } else {
            self.wait_for_leader(cx, self.plan.election_timeout);
        }
    }

    /// Does what has waited for the disk.
    fn release(&mut self, cx: &mut Context<'_>) {
        while let Some(held) = self.storage.release() {
            match held {
                Held::ToPeer(peer, message) => self.say(cx, peer, message),
                Held::Answer(via, message) => cx.send(via, Message::Raft(message)),
                Held::OwnVote => self.count_vote(cx, self.plan.me),
            }
        }
        self.advance_commit(cx);
    }

    /// Sends to a peer over this member's own connection.
    fn say(&mut self, cx: &mut Context<'_>, peer: u16, message: RaftMessage) {
        let now = cx.monotonic();
        let link = &mut self.links[usize::from(peer)];
        let silent = link
            .unanswered
            .is_some_and(|since| now.since(since) >= self.plan.fetch_timeout);
        if let Some(connection) = link.connection.filter(|_| silent) {
            cx.close(connection);
            *link = Link::default();
        }
        let node = self.plan.cluster.node(peer);
        let connection = *link.connection.get_or_insert_with(|| cx.connect(node));
        link.unanswered.get_or_insert(now);
        cx.send(connection, Message::Raft(message));
    }

    /// Follows in `term`, whoever leads it.
    fn follow(&mut self, cx: &mut Context<'_>, term: Term, leader: Option<u16>) {
        assert!(term >= self.term, "a term only grows");
        if self.is_leader() {
            cx.disarm(HEARTBEAT);
            cx.point(STEPPED_DOWN);
            cx.observe(Fact::RoleLost {
                role: self.plan.role,
                epoch: self.term,
            });
        }
        let had_leader = self.leader.is_some();
        self.standing = Standing::Follower;
        self.leader = leader;
        if term > self.term {
            self.term = term;
            self.voted_for = None;
            self.storage.drop_held();
            self.storage.save_vote(cx, term, None);
        }
        if leader.is_none() && had_leader {
            self.wait_for_leader(cx, self.plan.election_timeout);
        }
    }
}
