//! A queue on one node with a journal, in the manner of RabbitMQ's classic queues (R1–R5) with the leases of
//! SQS (Q1–Q4).
//!
//! Promises: at-least-once. An acknowledged event survives crashes, and a power loss too if
//! `sync_before_ack`; it is handed out until it is accepted, rejected, or has been handed out
//! `max_deliveries` times. Order is best effort: first in, first out until a message comes back.
//!
//! Known flaws, which are those of the models: there is no deduplication, so a publish that is sent again
//! after a lost answer is stored twice; a lease that runs out while its consumer still works leads to two
//! deliveries at once; accepting is not synced, so a power loss may bring accepted messages back.

pub mod config;
pub(crate) mod exchange;
mod intervals;
mod journal;
mod ledger;
pub(crate) mod mailbox;
pub mod points;
#[cfg(test)]
pub(crate) mod stage;
#[cfg(test)]
mod tests;

use crate::actor::{Actor, Context, Input, Inspection};
use crate::disk::{FileId, FileKind};
use crate::id::TopicId;
use config::QueueConfig;
use exchange::Exchange;
use mailbox::{Mailbox, Policy, Redelivery};

/// A queue broker. Its topics are numbered in the order of their names.
#[derive(Debug)]
pub struct QueueBroker {
    exchange: Exchange,
}

impl QueueBroker {
    /// A broker before its boot.
    #[must_use]
    pub fn new(config: &QueueConfig) -> QueueBroker {
        let topics = config
            .topics
            .values()
            .zip(0..)
            .map(|(settings, topic)| {
                let policy = Policy {
                    topic: TopicId(topic),
                    group: None,
                    lease: settings.visibility_timeout,
                    redelivery: Redelivery::AtOnce,
                    max_deliveries: settings.max_deliveries,
                    sync_before_ack: config.sync_before_ack,
                    flaws: config.flaws.clone(),
                    redelivered: points::REDELIVERED,
                    dead_lettered: points::DEAD_LETTERED,
                };
                let file = FileId::new(FileKind::Journal, u32::from(topic), 0);
                vec![Mailbox::new(policy, file)]
            })
            .collect();
        QueueBroker {
            exchange: Exchange::new(topics),
        }
    }
}

impl Actor for QueueBroker {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        self.exchange.step(input, cx);
    }

    fn inspect(&self) -> Inspection {
        self.exchange.inspect()
    }
}
