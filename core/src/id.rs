//! Names and numbers of things. An id that enters a fingerprint is a hash of a name or a position in the
//! scenario, never an order of registration.

use serde::{Deserialize, Serialize};
use std::fmt;

/// FNV-1a over the bytes of `name`: short, const, and the same everywhere.
#[must_use]
pub const fn name_hash(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01B3);
        i += 1;
    }
    hash
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

id!(
    /// A machine of the World: the position in which the scenario places it.
    NodeId(u16)
);
id!(
    /// A configured component (source, broker, processor, sink, service): its position in the scenario.
    PartId(u16)
);
id!(
    /// How often a node has booted; the first boot is 1.
    Incarnation(u32)
);
id!(
    /// A request's number, unique over its node's life.
    CallId(u64)
);
id!(
    /// A timer of a node, named by its actor; arming a name again replaces the timer.
    TimerId(u64)
);
id!(
    /// A topic, queue or exchange of one broker: its position in the broker's configuration.
    TopicId(u16)
);
id!(
    /// A position in a partition's log, counted from 0.
    Offset(u64)
);
id!(
    /// A leader's term of office.
    Epoch(u32)
);
id!(
    /// A producer id as handed out by a broker (KIP-98).
    ProducerId(u64)
);
id!(
    /// A member of a consumer group: the node and incarnation that joined, packed by the client.
    MemberId(u64)
);
id!(
    /// A consumer group or subscriber: the part that consumes.
    GroupId(u16)
);

/// One partition of one topic of one broker.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Partition {
    /// The topic.
    pub topic: TopicId,
    /// Its partition, counted from 0.
    pub index: u16,
}

impl Partition {
    /// A number that orders partitions as the struct does.
    #[must_use]
    pub const fn code(self) -> u32 {
        (self.topic.0 as u32) << 16 | self.index as u32
    }

    /// The partition with this number.
    #[must_use]
    pub const fn of_code(code: u32) -> Partition {
        Partition {
            topic: TopicId((code >> 16) as u16),
            index: code as u16,
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.index)
    }
}

/// The class of a message, fact or record, by which faults and traces select: the hash of its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId {
    hash: u64,
    name: &'static str,
}

impl ClassId {
    /// The class called `name`.
    #[must_use]
    pub const fn new(name: &'static str) -> ClassId {
        ClassId {
            hash: name_hash(name),
            name,
        }
    }

    /// The hash that enters fingerprints.
    #[must_use]
    pub const fn hash(self) -> u64 {
        self.hash
    }

    /// The name, for people and for fault plans.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for ClassId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A named place in a step: coverage mark, crash point and yield point at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PointId {
    hash: u64,
    name: &'static str,
}

impl PointId {
    /// The point called `name`, for example `log.leader-changed`.
    #[must_use]
    pub const fn new(name: &'static str) -> PointId {
        PointId {
            hash: name_hash(name),
            name,
        }
    }

    /// The hash that enters fingerprints and by which plans select.
    #[must_use]
    pub const fn hash(self) -> u64 {
        self.hash
    }

    /// The name, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for PointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
