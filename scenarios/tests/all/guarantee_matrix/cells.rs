//! The three choices that make a cell of the matrix, and the scenario that they stand for.

use std::fmt;
use std::sync::Arc;
use stormglass_core::processor::config::DeliveryMode;
use stormglass_core::sink::config::SinkKind;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::error::ScenarioError;
use stormglass_scenarios::load::load_text;

/// A broker and what its publisher waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broker {
    /// A log that answers when every in-sync replica has a batch; its producer is idempotent.
    LogAll,
    /// A log whose leader answers alone; its producer is not idempotent.
    LogLeader,
    /// A queue with leases.
    Queue,
    /// A fan-out with two subscribers.
    Fanout,
}

impl Broker {
    /// Every broker, in the order of the table.
    pub const ALL: [Broker; 4] = [
        Broker::LogAll,
        Broker::LogLeader,
        Broker::Queue,
        Broker::Fanout,
    ];

    const fn settings(self) -> &'static str {
        match self {
            Broker::LogAll => {
                "kind = \"log\"\nnodes = 3\ntopics.orders = { partitions = 2 }\n\
                 replication_factor = 3\nmin_insync_replicas = 2\n\
                 producer = { linger = \"1s\", retry_backoff = \"4s\", retry_backoff_max = \"4s\" }"
            }
            Broker::LogLeader => {
                "kind = \"log\"\nnodes = 3\ntopics.orders = { partitions = 2 }\n\
                 replication_factor = 3\nmin_insync_replicas = 2\n\
                 producer = { linger = \"1s\", retry_backoff = \"4s\", retry_backoff_max = \"4s\", \
                 acks = \"1\", enable_idempotence = false }"
            }
            Broker::Queue => {
                "kind = \"queue\"\ntopics.orders = {}\npublisher = { linger = \"1s\" }"
            }
            Broker::Fanout => {
                "kind = \"fanout\"\ntopics.orders = {}\npublisher = { linger = \"1s\" }"
            }
        }
    }
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Broker::LogAll => "log, acks=all",
            Broker::LogLeader => "log, acks=1",
            Broker::Queue => "queue",
            Broker::Fanout => "fan-out",
        })
    }
}

/// The delivery modes, in the order of the table.
pub const DELIVERIES: [DeliveryMode; 3] = [
    DeliveryMode::AtMostOnce,
    DeliveryMode::AtLeastOnce,
    DeliveryMode::ExactlyOnce,
];

/// The sinks, in the order of the table.
pub const SINKS: [SinkKind; 3] = [SinkKind::Append, SinkKind::Upsert, SinkKind::Transactional];

/// One configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    pub broker: Broker,
    pub delivery: DeliveryMode,
    pub sink: SinkKind,
}

impl Cell {
    /// Every configuration, in the order of the table.
    pub fn all() -> impl Iterator<Item = Cell> {
        Broker::ALL.into_iter().flat_map(|broker| {
            DELIVERIES.into_iter().flat_map(move |delivery| {
                SINKS.into_iter().map(move |sink| Cell {
                    broker,
                    delivery,
                    sink,
                })
            })
        })
    }

    /// The scenario: a small load, all that a plan may draw, and the four checks whether promised or not.
    pub fn text(self) -> String {
        let (delivery, sink) = (self.delivery_name(), self.sink_name());
        let subscribers: &[&str] = match self.broker {
            Broker::Fanout => &["work", "copy"],
            Broker::LogAll | Broker::LogLeader | Broker::Queue => &["work"],
        };
        let parts: String = subscribers
            .iter()
            .map(|name| {
                format!(
                    "\n[processor.{name}]\noperator = \"count-by-key\"\ndelivery = \"{delivery}\"\n\
                     checkpoint = \"4s\"\nnodes = 2\nfrom = \"broker.main/orders\"\n\
                     to = \"sink.{name}\"\n\n[sink.{name}]\nkind = \"{sink}\"\n"
                )
            })
            .collect();
        format!(
            "# What may and what may not go wrong with {broker}, {delivery} and {sink}?\n\
             name = \"cell\"\n\n[run]\nwarmup = \"1s\"\nchaos = \"6s\"\ntime_scale = 20\n\n\
             [source.orders]\narrival = {{ poisson = \"100/s\" }}\n\
             keys = {{ zipf = 1.2, count = 10_000 }}\nto = \"broker.main/orders\"\n\n\
             [broker.main]\n{settings}\n{parts}\n\
             [faults]\nswarm = [\"crash\", \"pause\", \"partition\", \"reset\", \"delay\"]\nmax = 3\n\n\
             [expect]\nchecks = [\"no-loss\", \"no-duplicates\", \"equivalence\", \"order\"]\n",
            broker = self.broker,
            settings = self.broker.settings(),
        )
    }

    /// The scenario, loaded and ready to run.
    pub fn load(self) -> Result<Arc<Assembly>, ScenarioError> {
        let catalog = Catalog::new();
        let file = load_text("cell.toml", self.text(), &catalog.names())?;
        Assembly::new(&file, file.base(), &catalog).map(Arc::new)
    }

    /// As scenario files write it.
    pub const fn delivery_name(self) -> &'static str {
        match self.delivery {
            DeliveryMode::AtMostOnce => "at-most-once",
            DeliveryMode::AtLeastOnce => "at-least-once",
            DeliveryMode::ExactlyOnce => "exactly-once",
        }
    }

    /// As scenario files write it.
    pub const fn sink_name(self) -> &'static str {
        match self.sink {
            SinkKind::Append => "append",
            SinkKind::Upsert => "upsert",
            SinkKind::Transactional => "transactional",
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (delivery, sink) = (self.delivery_name(), self.sink_name());
        write!(f, "{}, {delivery}, {sink}", self.broker)
    }
}
