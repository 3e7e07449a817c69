//! What a processor needs to know.

use super::config::{CommitPosition, DeliveryMode, ProcessorConfig, ProcessorFlaw};
use super::operator::OperatorFactory;
use super::window::config::WindowPlan;
use crate::client::consumer::{LeaseConsumerPlan, LogConsumerPlan};
use crate::id::{GroupId, NodeId};
use crate::lease::HolderPlan;
use crate::retry::RetryPlan;
use crate::time::Span;
use std::fmt;

/// Where a processor reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputPlan {
    /// A topic of a log broker, as a member of a group.
    Log(LogConsumerPlan),
    /// A queue, or a fan-out topic as a subscriber.
    Lease(LeaseConsumerPlan),
}

impl InputPlan {
    /// The consumer group or subscriber.
    #[must_use]
    pub const fn group(&self) -> GroupId {
        match self {
            InputPlan::Log(plan) => plan.group,
            InputPlan::Lease(plan) => plan.group,
        }
    }
}

/// One node of a processor; all nodes of a processor have the same plan.
#[derive(Clone)]
pub struct ProcessorPlan {
    /// Where it reads.
    pub input: InputPlan,
    /// What it does with each event.
    pub operator: OperatorFactory,
    /// The sink's node.
    pub sink: NodeId,
    /// The checkpoint store's node. A stateful operator on a log needs one; others leave it alone.
    pub store: Option<NodeId>,
    /// The lease under which it writes, if it needs one.
    pub lease: Option<HolderPlan>,
    /// What it promises.
    pub delivery: DeliveryMode,
    /// Windows of event time, in place of the operator's own state.
    pub window: Option<WindowPlan>,
    /// How often state and position are kept.
    pub checkpoint: Span,
    /// Events in a write at most.
    pub batch: u32,
    /// Writes of one partition open at once.
    pub in_flight: usize,
    /// Which position is committed while several are.
    pub commit: CommitPosition,
    /// How long an answer of the sink or the store is waited for.
    pub request_timeout: Span,
    /// The wait before a write is tried again.
    pub retry_backoff: Span,
    /// Whether and when a write is tried again; none is every `retry_backoff`, for ever.
    pub retry: Option<RetryPlan>,
    /// Planted flaws.
    pub flaws: Vec<ProcessorFlaw>,
}

impl ProcessorPlan {
    /// A plan with a processor's settings; `store` is used only where [`ProcessorPlan::needs_store`].
    #[must_use]
    pub fn new(
        config: &ProcessorConfig,
        input: InputPlan,
        operator: OperatorFactory,
        sink: NodeId,
        store: Option<NodeId>,
        window: Option<WindowPlan>,
    ) -> ProcessorPlan {
        ProcessorPlan {
            input,
            operator,
            sink,
            store,
            lease: None,
            window,
            delivery: config.delivery,
            checkpoint: config.checkpoint,
            batch: config.batch,
            in_flight: usize::from(config.in_flight),
            // Who has one write open takes more when it is done: all three positions are the same.
            commit: if config.in_flight > 1 {
                config.commit
            } else {
                CommitPosition::Contiguous
            },
            request_timeout: config.request_timeout,
            retry_backoff: config.retry_backoff,
            retry: None,
            flaws: config.flaws.clone(),
        }
    }

    /// The same, writing only under a lease.
    #[must_use]
    pub fn under(mut self, lease: Option<HolderPlan>) -> ProcessorPlan {
        self.lease = lease;
        self
    }

    /// Whether a checkpoint store is needed: the operator has state and the input can be read again.
    #[must_use]
    pub fn needs_store(&self) -> bool {
        matches!(self.input, InputPlan::Log(_)) && (self.operator)().is_stateful()
    }

    pub(super) fn has(&self, flaw: ProcessorFlaw) -> bool {
        self.flaws.contains(&flaw)
    }
}

impl fmt::Debug for ProcessorPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessorPlan")
            .field("input", &self.input)
            .field("sink", &self.sink)
            .field("store", &self.store)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}
