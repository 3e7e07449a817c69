//! What queue and fan-out brokers have in common: a publish goes to every mailbox of its topic and is
//! answered when all have it (R1).

use super::mailbox::Mailbox;
use crate::actor::{Connection, Context, Control, Input, Inspection, Origin, Work};
use crate::disk::DiskReply;
use crate::event::Batch;
use crate::history::{Fact, Role};
use crate::id::{CallId, Epoch, GroupId, Offset, Partition, TimerId, TopicId};
use crate::message::log::{Acks, Metadata, PartitionState, Publish, Published};
use crate::message::queue::{Receive, Settle};
use crate::message::{Message, Refusal, Reply, Request};
use crate::time::Mono;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Runs out when a lease, a delay or a long poll ends.
const WAKE: TimerId = TimerId(1);

/// A publish that is being stored.
#[derive(Debug)]
struct Ticket {
    connection: Connection,
    call: CallId,
    publish: Publish,
    /// Mailboxes that have not answered yet.
    missing: usize,
    /// The number in the first mailbox that has it.
    base: Option<u64>,
    refusal: Option<Refusal>,
}

/// The topics of one broker, by their id, each with its mailboxes.
#[derive(Debug)]
pub(crate) struct Exchange {
    topics: Vec<Vec<Mailbox>>,
    tickets: BTreeMap<u64, Ticket>,
    next_ticket: u64,
    armed: Option<Mono>,
    is_open: bool,
}

impl Exchange {
    pub(crate) const fn new(topics: Vec<Vec<Mailbox>>) -> Exchange {
        Exchange {
            topics,
            tickets: BTreeMap::new(),
            next_ticket: 0,
            armed: None,
            is_open: false,
        }
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        match input {
            Input::Start => self.mailboxes().for_each(|mailbox| mailbox.start(cx)),
            Input::Message {
                origin: Origin::Connection(connection),
                message: Message::Request { call, request },
                ..
            } => self.request(cx, connection, call, request),
            Input::Disk(reply) => self.disk(cx, reply),
            Input::Timer(WAKE) => {
                self.armed = None;
                self.mailboxes().for_each(|mailbox| mailbox.tick(cx));
            }
            Input::Closed { connection, .. } => {
                self.mailboxes()
                    .for_each(|mailbox| mailbox.disconnected(connection));
            }
            Input::Opened { .. }
            | Input::Timer(_)
            | Input::Message { .. }
            | Input::Control(
                Control::Stop
                | Control::ForceElection
                | Control::ExpandPartitions
                | Control::ForceRetention { .. }
                | Control::Rewind
                | Control::ExpireProducers
                | Control::Leave
                | Control::Join
                | Control::Poison { .. }
                | Control::Mend
                | Control::Configure { .. },
            ) => {}
        }
        self.open(cx);
        self.wake(cx);
    }

    fn mailboxes(&mut self) -> impl Iterator<Item = &mut Mailbox> {
        self.topics.iter_mut().flatten()
    }

    /// Once every journal is read the broker answers, as the leader of all its topics.
    fn open(&mut self, cx: &mut Context<'_>) {
        if self.is_open || !self.topics.iter().flatten().all(Mailbox::is_ready) {
            return;
        }
        self.is_open = true;
        for topic in 0..self.topics.len() as u16 {
            let topic = TopicId(topic);
            cx.observe(Fact::RoleTaken {
                role: Role::Leader(Partition { topic, index: 0 }),
                epoch: u64::from(cx.incarnation().0),
            });
        }
    }

    fn wake(&mut self, cx: &mut Context<'_>) {
        let next = self.mailboxes().filter_map(Mailbox::next_deadline).min();
        if let Some(next) = next
            && self.armed.is_none_or(|armed| next < armed)
        {
            self.armed = Some(next);
            cx.arm(WAKE, next.since(cx.monotonic()));
        }
    }

    fn request(
        &mut self,
        cx: &mut Context<'_>,
        connection: Connection,
        call: CallId,
        request: Request,
    ) {
        let refusal = match request {
            Request::Metadata(topic) if usize::from(topic.0) < self.topics.len() => {
                let epoch = Epoch(cx.incarnation().0);
                let leader = Some(cx.node());
                let partition = Partition { topic, index: 0 };
                let partitions = vec![PartitionState {
                    partition,
                    leader,
                    epoch,
                }];
                cx.spend(Work::request(0, 0));
                let metadata = Arc::new(Metadata::of(partitions));
                return cx.reply(connection, call, Reply::Metadata(metadata));
            }
            Request::Publish(_) | Request::Receive(_) | Request::Settle(_) if !self.is_open => {
                Refusal::CoordinatorLoading
            }
            Request::Publish(publish) => match self.publish(cx, connection, call, publish) {
                Ok(()) => return,
                Err(refusal) => refusal,
            },
            Request::Receive(receive) => match self.receive(cx, connection, call, receive) {
                Ok(()) => return,
                Err(refusal) => refusal,
            },
            Request::Settle(settle) => match self.settle(cx, connection, call, &settle) {
                Ok(()) => return,
                Err(refusal) => refusal,
            },
            Request::Metadata(_)
            | Request::InitProducer
            | Request::Fetch(_)
            | Request::EpochEnd { .. }
            | Request::ListOffset { .. }
            | Request::FindCoordinator(_)
            | Request::JoinGroup(_)
            | Request::GroupHeartbeat(_)
            | Request::LeaveGroup { .. }
            | Request::CommitOffsets(_)
            | Request::BrokerHeartbeat(_)
            | Request::AlterIsr(_)
            | Request::AllocateProducers
            | Request::Write(_)
            | Request::Adopt { .. }
            | Request::SaveCheckpoint(_)
            | Request::ReadRows(_)
            | Request::AcquireLease(_) => Refusal::Unsupported,
        };
        cx.reply(connection, call, Reply::Refused(refusal));
    }

    fn publish(
        &mut self,
        cx: &mut Context<'_>,
        connection: Connection,
        call: CallId,
        publish: Publish,
    ) -> Result<(), Refusal> {
        let batch: &Arc<Batch> = &publish.batch;
        let topic = usize::from(publish.partition.topic.0);
        let mailboxes = self.topics.get_mut(topic).ok_or(Refusal::Unsupported)?;
        if publish.partition.index != 0 || batch.events().is_empty() {
            return Err(Refusal::Unsupported);
        }
        cx.spend(Work::request(batch.events().len() as u32, batch.bytes));
        let number = self.next_ticket;
        self.next_ticket += 1;
        for mailbox in mailboxes.iter_mut() {
            mailbox.store(cx, number, Arc::clone(batch));
        }
        let ticket = Ticket {
            connection,
            call,
            missing: mailboxes.len(),
            publish,
            base: None,
            refusal: None,
        };
        if ticket.missing == 0 {
            // What nobody has subscribed to is accepted and gone, as an unroutable message is.
            ticket.answer(cx);
        } else {
            self.tickets.insert(number, ticket);
        }
        Ok(())
    }

    fn mailbox(&mut self, topic: TopicId, group: GroupId) -> Result<&mut Mailbox, Refusal> {
        self.topics
            .get_mut(usize::from(topic.0))
            .and_then(|mailboxes| {
                mailboxes
                    .iter_mut()
                    .find(|mailbox| mailbox.group().is_none_or(|only| only == group))
            })
            .ok_or(Refusal::Unsupported)
    }

    fn receive(
        &mut self,
        cx: &mut Context<'_>,
        connection: Connection,
        call: CallId,
        receive: Receive,
    ) -> Result<(), Refusal> {
        cx.spend(Work::request(0, 0));
        self.mailbox(receive.topic, receive.group)?
            .receive(cx, connection, call, receive);
        Ok(())
    }

    fn settle(
        &mut self,
        cx: &mut Context<'_>,
        connection: Connection,
        call: CallId,
        settle: &Settle,
    ) -> Result<(), Refusal> {
        cx.spend(Work::request(settle.tags.len() as u32, 0));
        self.mailbox(settle.topic, settle.group)?
            .settle(cx, connection, call, settle);
        Ok(())
    }

    fn disk(&mut self, cx: &mut Context<'_>, reply: DiskReply) {
        let Some(mailbox) = self
            .topics
            .iter_mut()
            .flatten()
            .find(|mailbox| mailbox.file() == reply.file)
        else {
            return;
        };
        for (number, result) in mailbox.disk(cx, reply) {
            let ticket = self
                .tickets
                .get_mut(&number)
                .expect("a ticket stays until every mailbox has answered");
            ticket.missing -= 1;
            match result {
                Ok(base) => ticket.base = ticket.base.or(Some(base)),
                Err(refusal) => ticket.refusal = Some(refusal),
            }
            if ticket.missing == 0
                && let Some(ticket) = self.tickets.remove(&number)
            {
                ticket.answer(cx);
            }
        }
    }

    pub(crate) fn inspect(&self) -> Inspection {
        let mut inspection = Inspection::new()
            .value("is open", self.is_open)
            .value("publishes under way", self.tickets.len());
        for (topic, mailboxes) in self.topics.iter().enumerate() {
            for mailbox in mailboxes {
                let name = match mailbox.group() {
                    None => format!("topic {topic}"),
                    Some(group) => format!("topic {topic} for {group}"),
                };
                inspection = inspection.child(&name, mailbox.inspect());
            }
        }
        inspection
    }
}

impl Ticket {
    fn answer(self, cx: &mut Context<'_>) {
        if self.publish.acks == Acks::None {
            return;
        }
        let reply = match (self.refusal, self.base) {
            (None, base) => Reply::Published(Published {
                partition: self.publish.partition,
                base: Offset(base.unwrap_or(0)),
                batch: self.publish.batch,
            }),
            (Some(refusal), None) => Reply::Refused(refusal),
            // One mailbox has it and another has not: nobody can say that it was not stored.
            (Some(_), Some(_)) => Reply::Refused(Refusal::DiskFailed),
        };
        cx.reply(self.connection, self.call, reply);
    }
}
