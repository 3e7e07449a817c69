//! The named places of a publisher.

use crate::id::PointId;

/// A batch is sent again.
pub const RETRIED: PointId = PointId::new("publisher.retried");

/// The delivery timeout or a final refusal has ended a batch.
pub const GAVE_UP: PointId = PointId::new("publisher.gave-up");

/// A hole in a sequence has made the publisher ask for a new producer id.
pub const NEW_IDENTITY: PointId = PointId::new("publisher.new-identity");

/// The retry budget has no token for another attempt.
pub const RETRY_REFUSED: PointId = PointId::new("publisher.retry-refused");

/// The circuit breaker has opened.
pub const BREAKER_OPENED: PointId = PointId::new("publisher.breaker-opened");

/// A batch for which there was no room was refused.
pub const SHED: PointId = PointId::new("publisher.shed");

/// All of them.
pub const ALL: &[PointId] = &[
    RETRIED,
    GAVE_UP,
    NEW_IDENTITY,
    RETRY_REFUSED,
    BREAKER_OPENED,
    SHED,
];
