//! One case, one seed: a World is run to its end, everything is read, and the checks judge.

use crate::assemble::Assembly;
use crate::coverage::Coverage;
use crate::spec::slo::Metric;
use crate::sweep::{Broken, PartPanic};
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;
use stormglass_core::check::{End, Panel, catalog};
use stormglass_core::fault::FaultPlan;
use stormglass_core::history::{Fact, FactKind, Kinds, Observation};
use stormglass_core::id::NodeId;
use stormglass_core::metrics::{Baseline, Phases, Recorder};
use stormglass_core::outcome::{ClockTrack, Cost, Fingerprint, Limit, Outcome, ResolvedFault};
use stormglass_core::promise::{Fit, judge};
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use stormglass_sim::drive::{Heartbeat, Hosted, Lost, bare, hosted, on_fresh_thread};
use stormglass_sim::service::ServiceFactory;
use stormglass_sim::world::{Blocks, FaultRecord, Step, Stop, World};

/// A run and what it leaves besides its outcome.
#[derive(Debug)]
pub struct Ran {
    /// The run, judged.
    pub outcome: Outcome,
    /// The fingerprint after each block of steps.
    pub blocks: Blocks,
    /// Why the plan lies outside the envelope, if it does.
    pub outside: Option<String>,
    /// The most modelled bytes that each disk held at once, added up: data of the modelled system, which
    /// the harness holds for it and which its retention bounds.
    pub disk_bytes: u64,
}

/// Who turns the crank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Driver {
    /// A plain loop, unless the scenario hosts users' programs.
    #[default]
    Auto,
    /// Inside madsim, whatever the scenario needs.
    Hosted,
}

/// A program that comes no further for so long has hung, unless the environment says otherwise.
const PATIENCE: Duration = Duration::from_secs(20);

/// The variable that says so, in whole seconds of real time.
const PATIENCE_VARIABLE: &str = "STORMGLASS_PATIENCE";

/// It decides only when a run that makes no progress is given up, never how a run goes.
fn patience() -> Duration {
    let said = std::env::var(PATIENCE_VARIABLE).ok();
    let seconds = said.and_then(|text| text.parse().ok());
    seconds.map_or(PATIENCE, |seconds: u64| Duration::from_secs(seconds.max(1)))
}

/// Runs a seed with the faults that it draws.
///
/// # Panics
/// With the user's part as payload ([`PartPanic`]) if a program of the user breaks or hangs.
#[must_use]
pub fn run(assembly: &Arc<Assembly>, seed: u64, driver: Driver) -> Ran {
    run_plan(assembly, seed, assembly.plan(Seed(seed)), driver)
}

/// Runs a seed under an explicit plan.
///
/// # Panics
/// As [`run`] does.
#[must_use]
pub fn run_plan(assembly: &Arc<Assembly>, seed: u64, plan: FaultPlan, driver: Driver) -> Ran {
    if driver == Driver::Auto && assembly.programs().is_empty() {
        return judged(assembly, seed, plan, &Session::bare);
    }
    let heartbeat = Arc::new(Heartbeat::default());
    let (shared, beats) = (Arc::clone(assembly), Arc::clone(&heartbeat));
    // A panic is carried over whole: its payload says whether it was a user's part.
    let body = move || {
        catch_unwind(AssertUnwindSafe(|| {
            judged(&shared, seed, plan, &|session| {
                session.hosted(shared.programs(), &beats)
            })
        }))
    };
    match on_fresh_thread(Seed(seed), &heartbeat, patience(), body) {
        Ok(Ok(ran)) => ran,
        Ok(Err(payload)) => resume_unwind(payload),
        Err(Lost::Hung(node)) => {
            let part = node.map_or_else(
                || "the run".to_owned(),
                |node| assembly.layout().node_name(node),
            );
            let message =
                String::from("has the turn and never gives it back: it loops without awaiting");
            resume_unwind(Box::new(PartPanic {
                part,
                message,
                how: Broken::Hung,
            }))
        }
        Err(lost) => panic!("{lost}"),
    }
}

/// Runs a session to its end, after its fault-free twin if recovery is to be held against one.
fn judged(
    assembly: &Assembly,
    seed: u64,
    plan: FaultPlan,
    drive: &dyn Fn(Session) -> Session,
) -> Ran {
    let twin = needs_twin(assembly, &plan).then(|| {
        let session = Session::new(assembly, seed, FaultPlan::default(), &[]);
        drive(session).finish(None).outcome.metrics.baseline
    });
    drive(Session::new(assembly, seed, plan, &assembly.checks())).finish(twin.as_ref())
}

/// Where an objective speaks of recovery it is measured against the fault-free run of the same seed (B4).
/// Where it is only shown, the run's own seconds before its first fault do.
fn needs_twin(assembly: &Assembly, plan: &FaultPlan) -> bool {
    let slos = &assembly.case().scenario.expect.slo;
    !plan.faults.is_empty() && slos.iter().any(|slo| slo.metric == Metric::Recovery)
}

/// The phases of a run, for its measurement.
pub(crate) fn phases(assembly: &Assembly) -> Phases {
    let phases = &assembly.case().phases;
    Phases {
        chaos: phases.chaos_starts(),
        calm: phases.calm_starts(),
        drain: phases.drain_starts(),
        end: phases.ends(),
    }
}

/// Steps of a seed in full, for a trace or for finding where two runs part.
#[must_use]
pub fn steps(assembly: &Assembly, seed: u64, wanted: Range<u64>) -> Vec<Step> {
    let plan = assembly.plan(Seed(seed));
    let mut world = assembly.world(Seed(seed), plan, Kinds::default(), Some(wanted.clone()));
    while let Some(next) = world.next_deadline().filter(|_| world.steps() < wanted.end) {
        world.advance(next);
        while world.poll_observation().is_some() {}
    }
    world.trace().steps().to_vec()
}

/// The first step at which two runs of a seed part, given the hashes after their blocks.
#[must_use]
pub fn first_difference(assembly: &Assembly, seed: u64, first: &Blocks, second: &Blocks) -> String {
    let wanted = first.first_difference(second);
    let wanted = wanted.start..wanted.end + 1;
    let (a, b) = (
        steps(assembly, seed, wanted.clone()),
        steps(assembly, seed, wanted.clone()),
    );
    match a.iter().zip(&b).find(|(a, b)| a != b) {
        Some((a, b)) => format!(
            "seed {seed}: step {} at {} on node {}: {} and then {}",
            a.number, a.time, a.node, a.input, b.input
        ),
        None => format!(
            "seed {seed}: the fingerprints part between steps {} and {}, and agree when run again",
            wanted.start, wanted.end
        ),
    }
}

/// A run under way with all that listens to it.
struct Session {
    seed: u64,
    world: World,
    until: Time,
    listeners: Listeners,
    outside: Option<String>,
    audit_at: Time,
}

struct Listeners {
    panel: Panel,
    recorder: Recorder,
    coverage: Coverage,
    audited: bool,
}

impl Listeners {
    /// Gives back whether the run goes on.
    fn hear(&mut self, world: &World, seen: &Observation) -> bool {
        if let Fact::Point(point) = &seen.fact {
            self.coverage.passes(seen.node, *point);
            return true;
        }
        if let Fact::FaultStarted(fault) = &seen.fact {
            self.coverage.begins(*fault, world.struck(*fault));
        }
        if let Fact::FaultEnded(fault) = &seen.fact {
            self.coverage.ends(*fault);
        }
        self.panel.observe(seen);
        self.recorder.observe(seen);
        self.audited |= seen.fact == Fact::AuditDone;
        !self.audited
    }
}

impl Session {
    fn new(assembly: &Assembly, seed: u64, plan: FaultPlan, checks: &[&'static str]) -> Session {
        let topology = assembly.topology();
        let plan = Arc::new(plan);
        let checkers = checks
            .iter()
            .filter_map(|name| catalog::make(name, &topology, &plan, assembly.references()))
            .collect();
        let outside = match judge(&plan, &topology) {
            Fit::Inside => None,
            Fit::Outside { why, .. } => Some(why),
        };
        let panel = Panel::new(Arc::clone(&topology), Arc::clone(&plan), checkers);
        let recorder = Recorder::new(&topology, &plan, phases(assembly));
        let wanted = panel.wants().union(Recorder::wants()).union(Kinds::of(&[
            FactKind::Point,
            FactKind::FaultStarted,
            FactKind::FaultEnded,
            FactKind::AuditDone,
        ]));
        let world = assembly.world(Seed(seed), FaultPlan::clone(&plan), wanted, None);
        Session {
            seed,
            world,
            until: assembly.audit_at() + assembly.audit_patience(),
            listeners: Listeners {
                panel,
                recorder,
                coverage: Coverage::new(&topology, &plan),
                audited: false,
            },
            outside,
            audit_at: assembly.audit_at(),
        }
    }

    fn bare(mut self) -> Session {
        let listeners = &mut self.listeners;
        bare(&mut self.world, self.until, &mut |world, seen| {
            listeners.hear(world, &seen)
        });
        self
    }

    fn hosted(self, programs: Vec<(NodeId, ServiceFactory)>, heartbeat: &Heartbeat) -> Session {
        let Session {
            seed,
            world,
            until,
            mut listeners,
            outside,
            audit_at,
        } = self;
        let hosted = hosted(world, programs, until, heartbeat, &mut |world, seen| {
            listeners.hear(world, &seen)
        });
        let Hosted { world, failure } = match hosted {
            Ok(hosted) => hosted,
            Err(error) => panic!("the load let a world pass that cannot be hosted: {error}"),
        };
        if let Some(failure) = failure {
            let message = format!(
                "{} (at {}, boot {})",
                failure.message,
                Span(failure.time.0),
                failure.incarnation
            );
            resume_unwind(Box::new(PartPanic {
                part: failure.name,
                message,
                how: Broken::Panicked,
            }));
        }
        Session {
            seed,
            world,
            until,
            listeners,
            outside,
            audit_at,
        }
    }

    fn finish(self, twin: Option<&Baseline>) -> Ran {
        let Session {
            seed,
            world,
            listeners,
            outside,
            audit_at,
            ..
        } = self;
        let limit = world.stopped().map(|stop| match stop {
            Stop::Steps => Limit::Steps(world.steps()),
            Stop::Livelock(nodes) => Limit::Livelock(nodes.clone()),
            Stop::DiskBytes => Limit::Memory(world.disk_bytes()),
        });
        let end = End {
            // What happens during the audit is no part of the run.
            time: world.now().min(audit_at),
            cut: limit.as_ref().map(ToString::to_string),
            audited: listeners.audited,
            outside: outside.clone(),
        };
        let outcome = Outcome {
            seed,
            fingerprint: Fingerprint(world.fingerprint()),
            steps: world.steps(),
            ended: end.time,
            judgements: listeners.panel.finish(&end),
            faults: world.fault_log().into_iter().map(resolved).collect(),
            clocks: clocks(&world),
            points: listeners.coverage.points(),
            reached: listeners.coverage.reached(),
            metrics: listeners.recorder.finish(twin),
            cost: Cost {
                // The audit's node is the harness's.
                nodes: world.cost().nodes - 1,
                ..world.cost()
            },
            limit,
        };
        let (blocks, disk_bytes) = (world.trace().blocks().clone(), world.disk_bytes_max());
        Ran {
            outcome,
            blocks,
            outside,
            disk_bytes,
        }
    }
}

/// The notes of the World, by node.
fn clocks(world: &World) -> Vec<ClockTrack> {
    let mut tracks: BTreeMap<NodeId, Vec<(Time, i64)>> = BTreeMap::new();
    for note in world.clock_notes() {
        let points = tracks.entry(note.node).or_default();
        if points.last() != Some(&(note.at, note.offset)) {
            points.push((note.at, note.offset));
        }
    }
    let tracks = tracks.into_iter().map(|(node, points)| ClockTrack {
        node: world.name(node).to_owned(),
        points,
    });
    tracks.collect()
}

fn resolved(record: FaultRecord) -> ResolvedFault {
    ResolvedFault {
        fault: record.fault,
        nodes: record.resolved,
        started: record.started,
        ended: record.ended,
        effects: record.effects,
    }
}
