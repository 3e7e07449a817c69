//! How a member becomes the leader: waiting, asking in advance, asking, counting.

use super::storage::Held;
use super::{ELECTED, ELECTION, HEARTBEAT, Leader, Peer, Raft, Standing, VOTE_WRITTEN};
use crate::actor::{Connection, Context};
use crate::history::Fact;
use crate::message::Message;
use crate::message::log::BrokerSet;
use crate::message::raft::{Command, RaftMessage, Term};
use crate::time::Span;

impl Raft {
    /// Stands for election unless a leader is heard within `patience` and a random addition.
    pub(super) fn wait_for_leader(&mut self, cx: &mut Context<'_>, patience: Span) {
        if !self.is_voter() {
            return;
        }
        let addition = Span(cx.rng().below(self.plan.election_timeout.0.max(1)));
        self.deadline = cx.monotonic() + patience + addition;
        // A later deadline leaves the timer alone: it runs out, sees the deadline and is armed again, so
        // that a heartbeat costs no entry on the agenda.
        if self.armed.is_none_or(|armed| armed > self.deadline) {
            self.arm_election(cx);
        }
    }

    fn arm_election(&mut self, cx: &mut Context<'_>) {
        cx.arm(ELECTION, self.deadline.since(cx.monotonic()));
        self.armed = Some(self.deadline);
    }

    pub(super) fn on_election_timer(&mut self, cx: &mut Context<'_>) {
        self.armed = None;
        if self.is_leader() || !self.is_voter() || !self.storage.is_ready() {
            return;
        }
        if cx.monotonic() < self.deadline {
            self.arm_election(cx);
        } else {
            self.stand(cx);
        }
    }

    /// Asks the voters whether they would elect this member in the next term.
    pub(super) fn stand(&mut self, cx: &mut Context<'_>) {
        assert!(
            self.is_voter() && !self.is_leader(),
            "only a voter out of office stands for election"
        );
        self.leader = None;
        self.standing = Standing::PreCandidate(BrokerSet::EMPTY);
        self.wait_for_leader(cx, self.plan.election_timeout);
        let ask = self.ask(self.term + 1, true);
        for peer in self.other_voters() {
            self.say(cx, peer, ask.clone());
        }
        self.count_vote(cx, self.plan.me);
    }

    /// Takes the next term and asks the voters for it.
    fn campaign(&mut self, cx: &mut Context<'_>) {
        self.term += 1;
        self.voted_for = Some(self.plan.me);
        self.standing = Standing::Candidate(BrokerSet::EMPTY);
        self.storage.drop_held();
        self.storage.save_vote(cx, self.term, self.voted_for);
        cx.point(VOTE_WRITTEN);
        self.wait_for_leader(cx, self.plan.election_timeout);
        let ask = self.ask(self.term, false);
        for peer in self.other_voters() {
            self.storage.hold(Held::ToPeer(peer, ask.clone()));
        }
        self.storage.hold(Held::OwnVote);
    }

    fn ask(&self, term: Term, pre: bool) -> RaftMessage {
        RaftMessage::Ask {
            term,
            last_index: self.log.last_index(),
            last_term: self.log.last_term(),
            pre,
        }
    }

    fn other_voters(&self) -> impl Iterator<Item = u16> + use<> {
        let me = self.plan.me;
        (0..self.plan.voters).filter(move |peer| *peer != me)
    }

    /// Answers a question in advance; it changes nothing here. A voter that hears its leader says no, so
    /// that a member that was cut off does not unseat it.
    pub(super) fn on_pre_ask(
        &mut self,
        cx: &mut Context<'_>,
        via: Connection,
        term: Term,
        covered: bool,
    ) {
        let has_leader = self.is_leader()
            || self
                .heard_leader
                .is_some_and(|heard| cx.monotonic().since(heard) < self.plan.fetch_timeout);
        let granted = term > self.term && covered && !has_leader;
        let answer = RaftMessage::Vote {
            // A refused asker must learn a newer term, or two members that each refuse the other, one for
            // its log and one for its term, would wait for ever.
            term: if granted { term } else { self.term },
            granted,
            pre: true,
        };
        // A promise says nothing of this voter's state; a refusal tells its term, which must be durable.
        if granted {
            cx.send(via, Message::Raft(answer));
        } else {
            self.storage.hold(Held::Answer(via, answer));
        }
    }

    pub(super) fn on_ask(
        &mut self,
        cx: &mut Context<'_>,
        peer: u16,
        via: Connection,
        term: Term,
        covered: bool,
    ) {
        if term > self.term {
            self.follow(cx, term, None);
        }
        let free = self.voted_for.is_none_or(|voted_for| voted_for == peer);
        let granted = term == self.term && free && covered && !self.is_leader();
        if granted && self.voted_for.is_none() {
            self.voted_for = Some(peer);
            self.storage.save_vote(cx, term, Some(peer));
            cx.point(VOTE_WRITTEN);
            self.wait_for_leader(cx, self.plan.election_timeout);
        }
        let answer = RaftMessage::Vote {
            term: self.term,
            granted,
            pre: false,
        };
        self.storage.hold(Held::Answer(via, answer));
    }

    pub(super) fn on_vote(
        &mut self,
        cx: &mut Context<'_>,
        peer: u16,
        term: Term,
        granted: bool,
        pre: bool,
    ) {
        if !granted {
            if term > self.term {
                self.follow(cx, term, None);
            }
            return;
        }
        let wanted = match self.standing {
            Standing::PreCandidate(_) => pre && term == self.term + 1,
            Standing::Candidate(_) => !pre && term == self.term,
            Standing::Follower | Standing::Leader(_) => false,
        };
        if wanted {
            self.count_vote(cx, peer);
        }
    }

    /// Counts a vote, or a promise of one, of this term.
    pub(super) fn count_vote(&mut self, cx: &mut Context<'_>, voter: u16) {
        let quorum = self.quorum();
        match &mut self.standing {
            Standing::PreCandidate(votes) => {
                *votes = votes.with(voter);
                if votes.len() >= quorum {
                    self.campaign(cx);
                }
            }
            Standing::Candidate(votes) => {
                *votes = votes.with(voter);
                if votes.len() >= quorum {
                    self.lead(cx);
                }
            }
            Standing::Follower | Standing::Leader(_) => {}
        }
    }

    fn lead(&mut self, cx: &mut Context<'_>) {
        let next = self.log.last_index() + 1;
        let peer = Peer {
            next,
            matched: 0,
            commit_told: 0,
            waiting: false,
            heard: cx.monotonic(),
        };
        self.standing = Standing::Leader(Leader {
            noop: next,
            peers: vec![peer; usize::from(self.plan.cluster.nodes)],
        });
        self.leader = Some(self.plan.me);
        cx.point(ELECTED);
        cx.observe(Fact::RoleTaken {
            role: self.plan.role,
            epoch: self.term,
        });
        cx.arm(HEARTBEAT, self.plan.heartbeat_interval);
        let first = self.propose(cx, Command::Noop);
        assert_eq!(first, Some(next), "a leader's first entry follows its log");
    }
}
