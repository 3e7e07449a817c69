//! Step tests of one member, and random histories of a whole group.

mod group;
mod histories;
mod steps;

use super::*;
use crate::disk::FileKind;
use crate::id::NodeId;

pub(super) const LOG: FileId = FileId::new(FileKind::RaftLog, 0, 0);
pub(super) const VOTE: FileId = FileId::new(FileKind::RaftVote, 0, 0);

/// Member `me` of a group of `nodes`, of which the first `voters` vote.
pub(super) fn plan(me: u16, nodes: u16, voters: u16) -> RaftPlan {
    RaftPlan {
        cluster: Cluster {
            first: NodeId(0),
            nodes,
        },
        me,
        voters,
        fetch_timeout: Span::millis(2_000),
        election_timeout: Span::millis(1_000),
        heartbeat_interval: Span::millis(500),
        log_file: LOG,
        vote_file: VOTE,
        role: Role::Controller,
        forget_vote: false,
    }
}
