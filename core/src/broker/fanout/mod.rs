//! A fan-out on one node: every subscriber of a topic has a copy of each event, in the manner of SNS or of a
//! RabbitMQ fanout exchange with a queue for each subscriber.
//!
//! Promises: at-least-once to each subscription by itself. A publish is acknowledged when the copies of all
//! subscribers are in their journals, and synced if `sync_before_ack`; that implies no delivery (Q5). A
//! delivery that fails is tried again after a wait that doubles, until `max_deliveries` sends the copy to its
//! subscription's own dead letters.
//!
//! Known flaws: those of the queue broker. A refused or unanswered publish may have reached some
//! subscriptions and not others; retries break the order of a subscription.

pub mod config;
pub mod points;
#[cfg(test)]
mod tests;

use crate::actor::{Actor, Context, Input, Inspection};
use crate::broker::queue::exchange::Exchange;
use crate::broker::queue::mailbox::{Mailbox, Policy, Redelivery};
use crate::disk::{FileId, FileKind};
use crate::id::{GroupId, TopicId};
use config::FanoutConfig;

/// A fan-out broker. Its topics are numbered in the order of their names.
#[derive(Debug)]
pub struct FanoutBroker {
    exchange: Exchange,
}

impl FanoutBroker {
    /// A broker before its boot; `subscribers` are those of each topic, by its number. A topic beyond the
    /// end of the list has none.
    #[must_use]
    pub fn new(config: &FanoutConfig, subscribers: &[Vec<GroupId>]) -> FanoutBroker {
        let topics = config
            .topics
            .values()
            .enumerate()
            .map(|(topic, settings)| {
                let groups = subscribers.get(topic).map_or(&[][..], Vec::as_slice);
                let mailbox = |group: &GroupId| {
                    let policy = Policy {
                        topic: TopicId(topic as u16),
                        group: Some(*group),
                        lease: settings.delivery_timeout,
                        redelivery: Redelivery::Backoff(
                            settings.retry_delay,
                            settings.retry_delay_max,
                        ),
                        max_deliveries: settings.max_deliveries,
                        sync_before_ack: config.sync_before_ack,
                        flaws: config.flaws.clone(),
                        redelivered: points::RETRIED,
                        dead_lettered: points::DEAD_LETTERED,
                    };
                    let copy = u64::from(group.0) + 1;
                    Mailbox::new(policy, FileId::new(FileKind::Journal, topic as u32, copy))
                };
                groups.iter().map(mailbox).collect()
            })
            .collect();
        FanoutBroker {
            exchange: Exchange::new(topics),
        }
    }
}

impl Actor for FanoutBroker {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        self.exchange.step(input, cx);
    }

    fn inspect(&self) -> Inspection {
        self.exchange.inspect()
    }
}
