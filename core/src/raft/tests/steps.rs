//! One member, one input, the whole list of effects.

use super::{LOG, VOTE, plan};
use crate::actor::{Connection, Effect};
use crate::disk::{DiskDone, DiskError, DiskOp, DiskRecord, DiskReply, DiskVerb, FileId};
use crate::id::{NodeId, TimerId};
use crate::message::Message;
use crate::message::raft::{Command, RaftEntry, RaftMessage, Term};
use crate::raft::{ELECTION, HEARTBEAT, Raft, STEPPED_DOWN, STORAGE, VOTE_WRITTEN};
use crate::test_rig::Rig;
use crate::time::Span;

const VIA: Connection = Connection {
    slot: 77,
    generation: 0,
};

fn entry(term: Term) -> RaftEntry {
    RaftEntry {
        term,
        command: Command::Noop,
    }
}

fn append(term: Term, prev: (u64, Term), entries: &[Term], commit: u64) -> RaftMessage {
    RaftMessage::Append {
        term,
        prev_index: prev.0,
        prev_term: prev.1,
        entries: entries.iter().copied().map(entry).collect(),
        commit,
    }
}

fn said(via: Connection, message: RaftMessage) -> Effect {
    Effect::Send {
        connection: via,
        message: Message::Raft(message),
    }
}

struct Desk {
    rig: Rig,
    raft: Raft,
}

impl Desk {
    /// Member 0 of three voters, whose files held a term and these entries.
    fn new(term: Term, entries: &[Term]) -> Desk {
        let mut desk = Desk {
            rig: Rig::new(NodeId(0)),
            raft: Raft::new(plan(0, 3, 3)),
        };
        let effects = desk.rig.with(|cx| desk.raft.boot(cx));
        let log = entries.iter().copied().map(entry).map(DiskRecord::Raft);
        let found = vec![
            log.collect(),
            vec![DiskRecord::Vote {
                term,
                voted_for: None,
            }],
        ];
        let mut effects: Vec<Effect> = effects
            .iter()
            .zip(found)
            .flat_map(|(effect, records)| desk.answer(effect, Ok(DiskDone::Scanned(records))))
            .collect();
        desk.settle(&mut effects);
        assert_eq!(desk.raft.term(), term);
        desk
    }

    fn hear(&mut self, peer: u16, message: RaftMessage) -> Vec<Effect> {
        self.rig
            .with(|cx| self.raft.on_message(cx, peer, VIA, &message))
    }

    fn answer(&mut self, op: &Effect, outcome: Result<DiskDone, DiskError>) -> Vec<Effect> {
        let Effect::Disk(DiskOp { file, token, .. }) = op else {
            panic!("{op:?} is no disk operation");
        };
        let reply = DiskReply {
            file: *file,
            token: *token,
            outcome,
        };
        self.rig.with(|cx| {
            assert!(self.raft.on_disk(cx, &reply));
        })
    }

    /// Answers all disk operations among `effects` and those that follow; gives back the rest.
    fn settle(&mut self, effects: &mut Vec<Effect>) -> Vec<Effect> {
        let mut rest = Vec::new();
        while !effects.is_empty() {
            let effect = effects.remove(0);
            if matches!(effect, Effect::Disk(_)) {
                effects.extend(self.answer(&effect, Ok(DiskDone::Done)));
            } else {
                rest.push(effect);
            }
        }
        rest
    }

    fn timer(&mut self, timer: TimerId) -> Vec<Effect> {
        self.rig.with(|cx| {
            assert!(self.raft.on_timer(cx, timer));
        })
    }

    /// Wins term 6 against peers 1 and 2.
    fn lead(&mut self) -> Vec<Effect> {
        self.rig.wait(Span::secs(10));
        let mut effects = self.timer(ELECTION);
        let term = self.raft.term() + 1;
        for pre in [true, false] {
            let vote = RaftMessage::Vote {
                term,
                granted: true,
                pre,
            };
            self.settle(&mut effects);
            effects = self.hear(1, vote);
        }
        assert!(self.raft.is_leader());
        effects
    }
}

fn disk_verbs(effects: &[Effect]) -> Vec<(FileId, DiskVerb)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Disk(op) => Some((op.file, op.verb.clone())),
            Effect::Connect { .. }
            | Effect::Send { .. }
            | Effect::Datagram { .. }
            | Effect::Close(_)
            | Effect::Arm { .. }
            | Effect::Disarm(_)
            | Effect::Observe(_)
            | Effect::Point(_) => None,
        })
        .collect()
}

#[test]
fn a_follower_acknowledges_entries_when_their_sync_is_done() {
    let mut desk = Desk::new(5, &[1, 5]);
    let effects = desk.hear(1, append(5, (2, 5), &[5, 5], 3));
    assert_eq!(
        disk_verbs(&effects),
        [
            (
                LOG,
                DiskVerb::Append(vec![DiskRecord::Raft(entry(5)), DiskRecord::Raft(entry(5))])
            ),
            (LOG, DiskVerb::Sync),
        ]
    );
    assert_eq!(effects.len(), 2, "nothing else happens: {effects:?}");
    assert_eq!(desk.answer(&effects[0], Ok(DiskDone::Done)), []);
    let answer = RaftMessage::Appended {
        term: 5,
        success: true,
        index: 4,
    };
    assert_eq!(
        desk.answer(&effects[1], Ok(DiskDone::Done)),
        [said(VIA, answer)]
    );
    assert_eq!(desk.raft.commit_index(), 3);
}

#[test]
fn a_vote_is_given_when_its_sync_is_done_and_only_once_a_term() {
    let mut desk = Desk::new(5, &[5]);
    let ask = RaftMessage::Ask {
        term: 6,
        last_index: 1,
        last_term: 5,
        pre: false,
    };
    let mut effects = desk.hear(1, ask.clone());
    assert!(effects.contains(&Effect::Point(VOTE_WRITTEN)));
    assert!(
        effects
            .iter()
            .all(|effect| !matches!(effect, Effect::Send { .. }))
    );
    let vote = |granted| {
        let vote = RaftMessage::Vote {
            term: 6,
            granted,
            pre: false,
        };
        said(VIA, vote)
    };
    assert!(desk.settle(&mut effects).contains(&vote(true)));
    assert_eq!(desk.hear(2, ask), [vote(false)]);
}

#[test]
fn a_candidate_with_an_older_log_is_refused() {
    let mut desk = Desk::new(5, &[4, 5]);
    for (last_index, last_term) in [(9, 4), (1, 5)] {
        let ask = RaftMessage::Ask {
            term: 6,
            last_index,
            last_term,
            pre: true,
        };
        let no = RaftMessage::Vote {
            term: 5,
            granted: false,
            pre: true,
        };
        assert_eq!(desk.hear(1, ask), [said(VIA, no)]);
    }
    assert_eq!(desk.raft.term(), 5, "a question in advance changes nothing");
}

#[test]
fn a_voter_that_hears_its_leader_promises_no_vote() {
    let mut desk = Desk::new(5, &[5]);
    let ask = RaftMessage::Ask {
        term: 6,
        last_index: 9,
        last_term: 5,
        pre: true,
    };
    let vote = |term, granted| {
        let vote = RaftMessage::Vote {
            term,
            granted,
            pre: true,
        };
        [said(VIA, vote)]
    };
    desk.hear(1, append(5, (1, 5), &[], 0));
    desk.rig.wait(Span::millis(1_999));
    assert_eq!(desk.hear(2, ask.clone()), vote(5, false));
    desk.rig.wait(Span::millis(1));
    assert_eq!(desk.hear(2, ask), vote(6, true));
}

#[test]
fn a_follower_that_disagrees_names_the_start_of_the_run() {
    let mut desk = Desk::new(5, &[1, 2, 2, 2]);
    let no = |index| {
        let no = RaftMessage::Appended {
            term: 5,
            success: false,
            index,
        };
        [said(VIA, no)]
    };
    assert_eq!(desk.hear(1, append(5, (4, 3), &[5], 0)), no(2));
    assert_eq!(desk.hear(1, append(5, (9, 3), &[5], 0)), no(5));
}

#[test]
fn a_follower_cuts_what_contradicts_its_leader_and_keeps_what_an_old_message_repeats() {
    let mut desk = Desk::new(5, &[1, 2, 2]);
    let effects = desk.hear(1, append(5, (1, 1), &[3], 0));
    assert_eq!(
        disk_verbs(&effects)[..2],
        [
            (LOG, DiskVerb::Truncate { records: 1 }),
            (LOG, DiskVerb::Append(vec![DiskRecord::Raft(entry(3))])),
        ]
    );
    let mut effects = effects;
    desk.settle(&mut effects);
    let mut effects = desk.hear(1, append(5, (2, 3), &[5, 5], 0));
    desk.settle(&mut effects);
    assert_eq!(desk.raft.last_index(), 4);
    let effects = desk.hear(1, append(5, (2, 3), &[5], 0));
    assert_eq!(disk_verbs(&effects), [], "the last entry stays");
    assert_eq!(desk.raft.last_index(), 4);
}

#[test]
fn a_leader_counts_its_own_entry_after_its_sync_and_commits_older_terms_only_with_its_own() {
    let mut desk = Desk::new(5, &[4, 5]);
    let mut effects = desk.lead();
    let appended = |index| RaftMessage::Appended {
        term: 6,
        success: true,
        index,
    };
    desk.hear(1, appended(2));
    assert_eq!(desk.raft.commit_index(), 0, "entry 2 is of an older term");
    desk.hear(1, appended(3));
    assert_eq!(desk.raft.commit_index(), 0, "its own copy is not durable");
    desk.settle(&mut effects);
    assert_eq!(desk.raft.commit_index(), 3);
    assert!(desk.raft.is_settled());
    assert_eq!(desk.raft.take_committed().len(), 3);
    assert_eq!(desk.raft.take_committed(), []);
}

#[test]
fn a_leader_that_hears_no_majority_steps_down() {
    let mut desk = Desk::new(5, &[5]);
    desk.lead();
    desk.rig.wait(Span::millis(1_999));
    desk.timer(HEARTBEAT);
    assert!(desk.raft.is_leader());
    desk.rig.wait(Span::millis(1));
    let effects = desk.timer(HEARTBEAT);
    assert!(effects.contains(&Effect::Point(STEPPED_DOWN)));
    desk.rig.with(|cx| {
        assert_eq!(desk.raft.propose(cx, Command::Noop), None);
    });
}

#[test]
fn commands_given_while_an_append_is_unanswered_travel_together() {
    let mut desk = Desk::new(5, &[]);
    desk.lead();
    for _ in 0..5 {
        let effects = desk.rig.with(|cx| {
            desk.raft.propose(cx, Command::Noop);
        });
        assert!(
            !effects
                .iter()
                .any(|effect| matches!(effect, Effect::Send { .. }))
        );
    }
    let effects = desk.hear(
        1,
        RaftMessage::Appended {
            term: 6,
            success: true,
            index: 1,
        },
    );
    let sent: Vec<usize> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send {
                message: Message::Raft(RaftMessage::Append { entries, .. }),
                ..
            } => Some(entries.len()),
            Effect::Connect { .. }
            | Effect::Send { .. }
            | Effect::Datagram { .. }
            | Effect::Close(_)
            | Effect::Arm { .. }
            | Effect::Disarm(_)
            | Effect::Disk(_)
            | Effect::Observe(_)
            | Effect::Point(_) => None,
        })
        .collect();
    assert_eq!(sent, [5]);
}

#[test]
fn after_a_failed_sync_a_member_says_nothing_until_all_is_written_anew() {
    let mut desk = Desk::new(5, &[5]);
    let effects = desk.hear(1, append(5, (1, 5), &[5], 0));
    desk.answer(&effects[1], Err(DiskError::Failed));
    assert_eq!(desk.hear(1, append(5, (1, 5), &[5], 0)), []);
    let mut effects = desk.timer(STORAGE);
    let both = vec![DiskRecord::Raft(entry(5)), DiskRecord::Raft(entry(5))];
    assert_eq!(
        disk_verbs(&effects)[..2],
        [(LOG, DiskVerb::Replace(both)), (LOG, DiskVerb::Sync)]
    );
    assert_eq!(disk_verbs(&effects)[2].0, VOTE);
    desk.settle(&mut effects);
    assert!(!desk.hear(1, append(5, (1, 5), &[5], 0)).is_empty());
}
