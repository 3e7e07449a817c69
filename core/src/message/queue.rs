//! The requests that queue and fan-out brokers answer to consumers.

use crate::digest::Digest;
use crate::event::Event;
use crate::id::{GroupId, TopicId};
use crate::time::Span;
use std::sync::Arc;

/// The token with which a delivery is settled; a new one for every delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// The message's number in its queue.
    pub message: u64,
    /// Which delivery of it, counted from 1; an older tag settles nothing (Q2).
    pub attempt: u32,
}

/// A long poll for leased deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receive {
    /// The queue, or the fan-out topic.
    pub topic: TopicId,
    /// The subscriber (fan-out keeps a copy for each; a queue shares its messages among all).
    pub group: GroupId,
    /// At most this many.
    pub max: u16,
    /// How long to wait for the first.
    pub max_wait: Span,
}

/// One message handed out under a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The token to settle with.
    pub tag: Tag,
    /// The event.
    pub event: Event,
}

/// The answer to a [`Receive`]; empty if nothing came in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The queue or topic.
    pub topic: TopicId,
    /// The subscriber.
    pub group: GroupId,
    /// What was handed out.
    pub deliveries: Vec<Delivery>,
}

impl Received {
    pub(super) fn digest(&self) -> u64 {
        self.deliveries
            .iter()
            .fold(Digest::new(), |digest, delivery| {
                digest
                    .with(delivery.tag.message << 8 ^ u64::from(delivery.tag.attempt))
                    .with(delivery.event.digest())
            })
            .value()
    }
}

/// What a consumer says about its deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Done: forget them.
    Accept,
    /// Not done: hand them out again.
    Release,
    /// Never again: dead-letter them.
    Reject,
    /// Not yet: the lease runs this much longer from now.
    Extend(Span),
}

/// Deliveries and what became of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settle {
    /// The queue or topic.
    pub topic: TopicId,
    /// The subscriber.
    pub group: GroupId,
    /// What became of them.
    pub verb: Verb,
    /// Which deliveries.
    pub tags: Arc<[Tag]>,
}
