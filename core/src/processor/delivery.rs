//! In which order a processor writes and settles, and where it resumes.

use super::config::{DeliveryMode, ProcessorFlaw};
use crate::id::Offset;

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// A crash between both writes again.
    WriteThenSettle,
    /// A crash between both loses.
    SettleThenWrite,
    /// Rows and position are one transaction of the sink.
    Together,
}

/// A delivery mode, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) order: Order,
    /// Whether a write whose fate is open is sent again.
    pub(super) retries: bool,
}

impl Delivery {
    /// What a mode means.
    pub(super) fn of(mode: DeliveryMode, flaws: &[ProcessorFlaw]) -> Delivery {
        let settles_first = flaws.contains(&ProcessorFlaw::SettleBeforeWrite);
        match mode {
            DeliveryMode::AtMostOnce => Delivery {
                order: Order::SettleThenWrite,
                retries: false,
            },
            DeliveryMode::AtLeastOnce => Delivery {
                order: if settles_first {
                    Order::SettleThenWrite
                } else {
                    Order::WriteThenSettle
                },
                retries: true,
            },
            DeliveryMode::ExactlyOnce => Delivery {
                order: Order::Together,
                retries: true,
            },
        }
    }

    /// Where a stateful processor resumes, given the position of its stored state and the position up to
    /// which input has been finished with.
    pub(super) fn resume(self, stored: Option<Offset>, finished: Option<Offset>) -> Resume {
        match self.order {
            // What was written after the state was stored is written again.
            Order::WriteThenSettle => Resume {
                from: stored,
                uses_state: stored.is_some(),
                silent_below: Offset(0),
            },
            Order::SettleThenWrite | Order::Together => {
                // State ahead of the sink cannot be turned back: it is built anew from the log. Whoever
                // settles first may skip instead.
                let ahead = stored > finished;
                let skips = ahead && self.order == Order::SettleThenWrite;
                let uses_state = stored.is_some() && (!ahead || skips);
                Resume {
                    from: stored.filter(|_| uses_state),
                    uses_state,
                    silent_below: finished.unwrap_or(Offset(0)),
                }
            }
        }
    }
}

/// Where and how to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resume {
    /// The first offset to apply; none is the start.
    pub(super) from: Option<Offset>,
    /// Whether the stored state belongs to `from`; else there is none.
    pub(super) uses_state: bool,
    /// Below this, events are applied for the state's sake alone and not written.
    pub(super) silent_below: Offset,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resume(mode: DeliveryMode, stored: Option<u64>, finished: Option<u64>) -> Resume {
        Delivery::of(mode, &[]).resume(stored.map(Offset), finished.map(Offset))
    }

    #[test]
    fn at_least_once_writes_again_from_the_stored_state() {
        let found = resume(DeliveryMode::AtLeastOnce, Some(10), Some(15));
        assert_eq!(found.from, Some(Offset(10)));
        assert_eq!(found.silent_below, Offset(0));
    }

    #[test]
    fn exactly_once_applies_in_silence_up_to_the_sinks_position() {
        let found = resume(DeliveryMode::ExactlyOnce, Some(10), Some(15));
        assert_eq!(found.from, Some(Offset(10)));
        assert!(found.uses_state);
        assert_eq!(found.silent_below, Offset(15));
    }

    #[test]
    fn exactly_once_does_not_trust_state_that_is_ahead_of_the_sink() {
        let found = resume(DeliveryMode::ExactlyOnce, Some(20), Some(15));
        assert_eq!((found.from, found.uses_state), (None, false));
        assert_eq!(found.silent_below, Offset(15));
    }

    #[test]
    fn without_stored_state_it_is_built_anew_from_the_log() {
        let found = resume(DeliveryMode::ExactlyOnce, None, Some(15));
        assert_eq!((found.from, found.uses_state), (None, false));
        assert_eq!(found.silent_below, Offset(15));
    }

    #[test]
    fn settling_before_the_write_breaks_the_order_of_at_least_once() {
        let flaws = [ProcessorFlaw::SettleBeforeWrite];
        let found = Delivery::of(DeliveryMode::AtLeastOnce, &flaws);
        assert_eq!(found.order, Order::SettleThenWrite);
    }
}
