//! The request that a lease's authority answers.

use crate::id::GroupId;
use crate::time::Wall;

/// A node wants to be the one that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcquireLease {
    /// Among whom: the processor.
    pub group: GroupId,
    /// The token that it holds and wants more time for.
    pub renews: Option<u32>,
}

/// It is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseGranted {
    /// Greater than that of every earlier grant.
    pub token: u32,
    /// When the lease is over on the authority's wall clock.
    pub expires: Wall,
}
