//! What waits in the agenda, and what waits for a program outside.

use crate::network::Item;
use stormglass_core::actor::{Connection, Input};
use stormglass_core::disk::DiskOp;
use stormglass_core::id::{Incarnation, NodeId, TimerId};
use stormglass_core::message::Message;

/// An entry of the agenda.
#[derive(Debug)]
pub enum Entry {
    /// An item of a connection has come to the end of its way.
    Arrive {
        /// Which connection.
        connection: Connection,
        /// Which direction.
        to_server: bool,
        /// What.
        item: Item,
    },
    /// A datagram has come to the end of its way.
    Datagram {
        /// Who sent it.
        from: NodeId,
        /// Who gets it.
        to: NodeId,
        /// What.
        message: Message,
    },
    /// A connection's retransmission after a cut.
    Resume {
        /// Which connection.
        connection: Connection,
        /// Which direction.
        to_server: bool,
    },
    /// A timer runs out.
    Timer {
        /// Whose.
        node: NodeId,
        /// Which.
        timer: TimerId,
        /// Which setting of it.
        setting: u32,
    },
    /// A disk operation is done.
    Disk {
        /// Whose.
        node: NodeId,
        /// Asked for in which boot.
        incarnation: Incarnation,
        /// Which.
        op: Box<DiskOp>,
    },
    /// A step's service ends.
    Release {
        /// Whose.
        node: NodeId,
        /// In which boot.
        incarnation: Incarnation,
        /// Which.
        service: u32,
    },
    /// A node boots.
    Boot(NodeId),
    /// A fault of the plan starts.
    FaultStart(u32),
    /// A fault of the plan ends.
    FaultEnd(u32),
    /// The hardware makes a node stand still, for the so many-th time.
    Stall(NodeId, u32),
    /// That ends, unless the node has booted since.
    StallEnd(NodeId, Incarnation),
    /// A fault's clocks are where it wanted them.
    SlewEnd(u32),
    /// The time service looks at every clock.
    TimeService,
    /// It has moved a clock far enough.
    Corrected(NodeId),
    /// Everything is healed.
    Heal,
    /// The sources stop.
    Drain,
}

/// Something for, or about, a program outside.
#[derive(Debug)]
pub enum Outside {
    /// An input; a timer of the program comes as [`Input::Timer`].
    Deliver(NodeId, Input),
    /// The node has booted: start the program.
    Restart(NodeId, Incarnation),
    /// The node's process is gone: drop the program.
    Kill(NodeId),
    /// The node stands still.
    Pause(NodeId),
    /// The node goes on.
    Resume(NodeId),
}
