//! Plans at random: any kind of fault, on any part, node, role, zone or link of a scenario.

use crate::assemble::Assembly;
use crate::spec::BrokerSpec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::sync::Arc;
use stormglass_core::actor::Control;
use stormglass_core::fault::{Fault, FaultKind, FaultPlan, Target};
use stormglass_core::id::PointId;
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use stormglass_core::{broker, lease, processor, sink};

/// What there is to strike, and when.
struct Places {
    /// Parts that faults may strike, by full name, and how many nodes they have.
    parts: Vec<(String, u16)>,
    logs: Vec<String>,
    /// Processors that read a log, whose groups have a coordinator.
    groups: Vec<String>,
    classes: Vec<&'static str>,
    points: Vec<&'static str>,
    zones: u16,
    starts: Time,
    ends: Time,
}

impl Places {
    /// Those of a case.
    fn of(assembly: &Assembly) -> Places {
        let case = assembly.case();
        let scenario = &case.scenario;
        let mut parts: Vec<(String, u16)> = Vec::new();
        parts.extend(
            scenario
                .sources
                .keys()
                .map(|name| (format!("source.{name}"), 1)),
        );
        for (name, broker) in &scenario.brokers {
            parts.push((format!("broker.{name}"), broker.nodes()));
        }
        for (name, processor) in &scenario.processors {
            parts.push((format!("processor.{name}"), processor.nodes));
        }
        parts.extend(
            scenario
                .sinks
                .keys()
                .map(|name| (format!("sink.{name}"), 1)),
        );
        parts.extend(
            scenario
                .leases
                .keys()
                .map(|name| (format!("lease.{name}"), 1)),
        );
        let brokers = scenario.brokers.iter();
        let logs: Vec<String> = brokers
            .filter(|(_, broker)| matches!(broker, BrokerSpec::Log(_)))
            .map(|(name, _)| format!("broker.{name}"))
            .collect();
        let reads_log = |from: &str| logs.iter().any(|log| from.starts_with(log.as_str()));
        let processors = scenario.processors.iter();
        let groups = processors
            .filter(|(_, processor)| reads_log(&processor.from))
            .map(|(name, _)| format!("processor.{name}"))
            .collect();
        let points: [&[PointId]; 5] = [
            processor::points::ALL,
            sink::points::ALL,
            broker::log::points::POINTS,
            broker::queue::points::ALL,
            lease::points::ALL,
        ];
        Places {
            parts,
            groups,
            logs,
            classes: vec![
                "publish",
                "fetch",
                "receive",
                "settle",
                "write",
                "commit-offsets",
                "acquire-lease",
            ],
            points: points.concat().into_iter().map(PointId::name).collect(),
            zones: assembly.topology().zones.max(1),
            starts: case.phases.chaos_starts(),
            ends: case.phases.calm_starts(),
        }
    }

    /// A part, a node or a role. What a role is of exists, since a file that names another is refused.
    fn end(&self) -> BoxedStrategy<Target> {
        let part = select(self.parts.clone());
        let mut ends = vec![
            (part.clone(), any::<u16>())
                .prop_map(|((part, nodes), index)| Target::OneOf(part, index % nodes))
                .boxed(),
            (part.clone(), any::<u16>())
                .prop_map(|((part, nodes), index)| {
                    Target::Node(format!("{part}.{}", index % nodes))
                })
                .boxed(),
            part.prop_map(|(part, _)| Target::All(part)).boxed(),
            (0..self.zones).prop_map(Target::Zone).boxed(),
        ];
        if !self.logs.is_empty() {
            let log = select(self.logs.clone());
            ends.push(log.clone().prop_map(Target::Leader).boxed());
            ends.push(log.prop_map(Target::Controller).boxed());
        }
        if !self.groups.is_empty() {
            ends.push(
                select(self.groups.clone())
                    .prop_map(Target::Coordinator)
                    .boxed(),
            );
        }
        proptest::strategy::Union::new(ends).boxed()
    }

    /// An end, or several of them.
    fn ends(&self) -> BoxedStrategy<Target> {
        let set = prop::collection::vec(self.end(), 2..4).prop_map(Target::Set);
        prop_oneof![4 => self.end(), 1 => set].boxed()
    }

    fn kind(&self) -> BoxedStrategy<FaultKind> {
        let span = || (1..2_000_u64).prop_map(Span::millis);
        let class = || select(self.classes.clone()).prop_map(str::to_owned);
        let any_class = prop_oneof![class(), Just(String::new())];
        let point = || select(self.points.clone()).prop_map(str::to_owned);
        let signed =
            || (-2_000_000_000..=2_000_000_000_i64).prop_filter("a step of nothing", |by| *by != 0);
        let factor = || 1..100_u32;
        prop_oneof![
            Just(FaultKind::Crash),
            any::<bool>().prop_map(|torn| FaultKind::PowerLoss { torn }),
            any::<bool>().prop_map(|clock_stops| FaultKind::Pause { clock_stops }),
            Just(FaultKind::Partition),
            Just(FaultKind::Oneway),
            (0..=1_000_000_u32).prop_map(|parts| FaultKind::Loss { parts }),
            (0..=1_000_000_u32).prop_map(|parts| FaultKind::Duplicate { parts }),
            (any_class, span()).prop_map(|(class, by)| FaultKind::Delay { class, by }),
            (class(), 1..5_u32).prop_map(|(class, count)| FaultKind::Drop { class, count }),
            (class(), any::<bool>()).prop_map(|(class, after)| FaultKind::Reset { class, after }),
            (class(), 1..100_u32)
                .prop_map(|(class, per_second)| FaultKind::Quota { class, per_second }),
            factor().prop_map(|factor| FaultKind::SlowDisk { factor }),
            Just(FaultKind::DiskFull),
            Just(FaultKind::FailedSync),
            Just(FaultKind::Corrupt),
            factor().prop_map(|factor| FaultKind::SlowNode { factor }),
            factor().prop_map(|factor| FaultKind::SlowLink { factor }),
            signed().prop_map(|by| FaultKind::ClockStep { by }),
            (-100_000..=100_000_i32).prop_map(|parts| FaultKind::ClockDrift { parts }),
            (signed(), 1..=100_000_u32).prop_map(|(by, parts)| FaultKind::ClockSlew { by, parts }),
            Just(FaultKind::LeapSecond),
            Just(FaultKind::ClockFreeze),
            (point(), 1..20_u32).prop_map(|(point, nth)| FaultKind::CrashAt { point, nth }),
            (point(), span()).prop_map(|(point, by)| FaultKind::YieldAt { point, by }),
            Just(FaultKind::Control(Control::ForceElection)),
            Just(FaultKind::Control(Control::ExpandPartitions)),
            (0..100_u64).prop_map(|keep| FaultKind::Control(Control::ForceRetention { keep })),
            Just(FaultKind::Control(Control::Rewind)),
            Just(FaultKind::Control(Control::ExpireProducers)),
        ]
        .boxed()
    }

    /// What only processors can be told, and whom.
    fn told(&self) -> BoxedStrategy<(FaultKind, Target)> {
        let kind = prop_oneof![
            Just(Control::Leave),
            (1..8_u32).prop_map(|one_in| Control::Poison { one_in }),
        ];
        let processors = self.parts.iter();
        let processors: Vec<_> = processors
            .filter(|(part, _)| part.starts_with("processor."))
            .cloned()
            .collect();
        let whom = (select(processors), any::<u16>()).prop_map(|((part, nodes), index)| {
            if index % 3 == 0 {
                Target::All(part)
            } else {
                Target::OneOf(part, index % nodes)
            }
        });
        (kind.prop_map(FaultKind::Control), whom).boxed()
    }

    /// A fault that lies within chaos.
    fn fault(&self) -> BoxedStrategy<Fault> {
        let target = prop_oneof![
            2 => self.ends(),
            1 => (self.ends(), self.ends()).prop_map(|(from, to)| Target::Link(Box::new(from), Box::new(to))),
        ];
        let what = prop_oneof![10 => (self.kind(), target), 1 => self.told()];
        let (starts, chaos) = (self.starts, self.ends.since(self.starts).0);
        let name = prop::option::of("[ -~]{1,20}");
        (name, 0..chaos, 1..=chaos, what, any::<bool>())
            .prop_map(move |(name, after, lasts, (kind, target), planned)| Fault {
                name,
                at: starts + Span(after),
                lasts: Span(lasts.min(chaos - after)),
                kind,
                target,
                planned,
            })
            .boxed()
    }
}

/// Any plan of up to five faults, in order of time: every kind on every target that the scenario has, inside the
/// envelopes of its parts or not. It shrinks to fewer faults and simpler ones.
pub fn any_plan(assembly: &Assembly) -> impl Strategy<Value = FaultPlan> + use<> {
    let places = Places::of(assembly);
    prop::collection::vec(places.fault(), 0..6).prop_map(|mut faults| {
        faults.sort_by_key(|fault| fault.at);
        FaultPlan { faults }
    })
}

/// A plan as the scenario's own swarm draws it, inside the envelopes unless the scenario says otherwise. It shrinks
/// to fewer of the same faults, which are inside still.
pub fn drawn_plan(assembly: &Arc<Assembly>) -> impl Strategy<Value = FaultPlan> + use<> {
    let assembly = Arc::clone(assembly);
    any::<u64>().prop_flat_map(move |seed| {
        let faults = assembly.plan(Seed(seed)).faults;
        let count = faults.len();
        subsequence(faults, 0..=count).prop_map(|faults| FaultPlan { faults })
    })
}
