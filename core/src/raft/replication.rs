//! How a leader's log becomes everybody's.

use super::storage::Held;
use super::{HEARTBEAT, Peer, Raft, Standing, TRUNCATED};
use crate::actor::{Connection, Context};
use crate::message::raft::{RaftEntry, RaftMessage, Term};

/// Entries in one message. A learner far behind gets the log in so many at a time.
const BATCH: usize = 256;

impl Raft {
    /// Looks after the majority, and speaks to everybody.
    pub(super) fn on_heartbeat(&mut self, cx: &mut Context<'_>) {
        let now = cx.monotonic();
        let Standing::Leader(leader) = &mut self.standing else {
            return;
        };
        let heard = (0..self.plan.voters)
            .filter(|index| {
                *index == self.plan.me
                    || now.since(leader.peers[usize::from(*index)].heard) < self.plan.fetch_timeout
            })
            .count();
        if (heard as u32) < self.plan.voters as u32 / 2 + 1 {
            self.follow(cx, self.term, None);
            return;
        }
        for peer in &mut leader.peers {
            // What is still unanswered is sent again: it may have been lost with its connection.
            peer.waiting = false;
        }
        cx.arm(HEARTBEAT, self.plan.heartbeat_interval);
        for peer in 0..self.plan.cluster.nodes {
            self.append_to(cx, peer);
        }
    }

    /// Sends what is new to every peer that is not in the middle of an answer.
    pub(super) fn push_all(&mut self, cx: &mut Context<'_>) {
        for peer in 0..self.plan.cluster.nodes {
            self.push(cx, peer);
        }
    }

    fn push(&mut self, cx: &mut Context<'_>, index: u16) {
        let (last, commit) = (self.log.last_index(), self.commit);
        if let Some(peer) = self.peer(index)
            && !peer.waiting
            && (peer.next <= last || peer.commit_told < commit)
        {
            self.append_to(cx, index);
        }
    }

    fn peer(&mut self, index: u16) -> Option<&mut Peer> {
        match &mut self.standing {
            Standing::Leader(leader) if index != self.plan.me => {
                leader.peers.get_mut(usize::from(index))
            }
            Standing::Leader(_)
            | Standing::Follower
            | Standing::PreCandidate(_)
            | Standing::Candidate(_) => None,
        }
    }

    fn append_to(&mut self, cx: &mut Context<'_>, index: u16) {
        let commit = self.commit;
        let Some(peer) = self.peer(index) else {
            return;
        };
        peer.waiting = true;
        peer.commit_told = commit;
        let prev_index = peer.next - 1;
        let prev_term = self.log.term_at(prev_index);
        let message = RaftMessage::Append {
            term: self.term,
            prev_index,
            prev_term: prev_term.expect("a leader sends no more than it has"),
            entries: self.log.batch(prev_index + 1, BATCH),
            commit,
        };
        // No wait for the disk: the leader's term is durable since its election, and its own copy of the
        // entries counts only after its sync (thesis 10.2.1).
        self.say(cx, index, message);
    }

    pub(super) fn on_append(
        &mut self,
        cx: &mut Context<'_>,
        peer: u16,
        via: Connection,
        message: &RaftMessage,
    ) {
        let RaftMessage::Append {
            term,
            prev_index,
            prev_term,
            entries,
            commit,
        } = message
        else {
            return;
        };
        if *term < self.term || (*term == self.term && self.is_leader()) {
            assert!(
                *term < self.term || self.plan.forget_vote,
                "{peer} and {} both lead term {term}",
                self.plan.me
            );
            let (success, index) = (false, *prev_index);
            self.answer_append(via, success, index);
            return;
        }
        self.follow(cx, *term, Some(peer));
        self.heard_leader = Some(cx.monotonic());
        self.wait_for_leader(cx, self.plan.fetch_timeout);
        match self.log.term_at(*prev_index) {
            None => self.answer_append(via, false, self.log.last_index() + 1),
            Some(term) if term != *prev_term => {
                self.answer_append(via, false, self.log.run_start(*prev_index));
            }
            Some(_) => {
                self.adopt(cx, *prev_index, entries);
                let matched = prev_index + entries.len() as u64;
                self.commit = self.commit.max(matched.min(*commit));
                self.answer_append(via, true, matched);
            }
        }
    }

    fn answer_append(&mut self, via: Connection, success: bool, index: u64) {
        let answer = RaftMessage::Appended {
            term: self.term,
            success,
            index,
        };
        self.storage.hold(Held::Answer(via, answer));
    }

    /// Makes the log hold `entries` after `prev_index`. What already agrees is left alone, since an old
    /// message must not cut what a newer one has brought.
    fn adopt(&mut self, cx: &mut Context<'_>, prev_index: u64, entries: &[RaftEntry]) {
        let known = entries
            .iter()
            .zip(prev_index + 1..)
            .take_while(|(entry, index)| self.log.term_at(*index) == Some(entry.term))
            .count();
        let (fresh, keep) = (&entries[known..], prev_index + known as u64);
        if fresh.is_empty() {
            return;
        }
        let cut = (keep < self.log.last_index()).then_some(keep);
        if cut.is_some() {
            assert!(
                keep >= self.commit || self.plan.forget_vote,
                "entry {} is committed and must stay, but a leader sends another",
                keep + 1
            );
            self.log.truncate(keep);
            self.commit = self.commit.min(keep);
            self.applied = self.applied.min(keep);
            cx.point(TRUNCATED);
        }
        self.log.append(fresh);
        self.storage.save_log(cx, cut, fresh, self.log.last_index());
    }

    pub(super) fn on_appended(
        &mut self,
        cx: &mut Context<'_>,
        index: u16,
        term: Term,
        success: bool,
        hint: u64,
    ) {
        if term > self.term {
            self.follow(cx, term, None);
        }
        if term < self.term {
            return;
        }
        let last = self.log.last_index();
        let (now, flawed) = (cx.monotonic(), self.plan.forget_vote);
        let Some(peer) = self.peer(index) else {
            return;
        };
        peer.heard = now;
        peer.waiting = false;
        if success {
            assert!(
                hint <= last || flawed,
                "{index} has {hint} entries of my {last}"
            );
            let hint = hint.min(last);
            peer.matched = peer.matched.max(hint);
            peer.next = peer.next.max(hint + 1);
        } else {
            // It may lie below what once matched: then the member's disk has lost entries, and it is given
            // them again.
            peer.next = hint.clamp(1, peer.next);
            peer.matched = peer.matched.min(peer.next - 1);
        }
        self.advance_commit(cx);
        self.push(cx, index);
    }

    /// Commits what a majority of voters has made durable, if the last of it is of this term.
    pub(super) fn advance_commit(&mut self, cx: &mut Context<'_>) {
        let Standing::Leader(leader) = &self.standing else {
            return;
        };
        let durable = |index: u16| {
            if index == self.plan.me {
                self.storage.durable_index()
            } else {
                leader.peers[usize::from(index)].matched
            }
        };
        let voters = 0..self.plan.voters;
        let has_majority = |index: &u64| {
            let holders = voters.clone().filter(|voter| durable(*voter) >= *index);
            holders.count() as u32 >= self.quorum()
        };
        let held = voters
            .clone()
            .map(durable)
            .filter(|held| *held > self.commit);
        let Some(counted) = held.filter(has_majority).max() else {
            return;
        };
        if self.log.term_at(counted) == Some(self.term) {
            self.commit = counted;
            self.push_all(cx);
        }
    }
}
