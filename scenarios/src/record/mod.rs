//! A second run of a seed with everything recorded that its report shows (A16): gauges over time, and where the
//! run failed the moments around its failure with what caused each, and in which order everybody saw the log.
//!
//! The same World as before is driven again, so nothing here can change what a run does. *Leaves out*: hosted
//! programs, whose history only their own driver hears.

mod cause;
mod gauges;
mod order;
mod story;
mod words;

pub use gauges::{Gauge, GaugeLine};
pub use order::{Order, OrderCell, OrderRow, Place};
pub use story::{Kind, MOMENTS, Moment, Story};

use crate::assemble::Assembly;
use gauges::Gauges;
use order::OrderKeeper;
use stormglass_core::check::Violation;
use stormglass_core::fault::FaultPlan;
use stormglass_core::history::{Fact, Kinds, Observation};
use stormglass_core::rng::Seed;
use stormglass_core::time::Time;
use stormglass_sim::world::World;
use story::StoryKeeper;

/// What was recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// By kind and name.
    pub gauges: Vec<GaugeLine>,
    /// What led to the failure, if the run has one.
    pub story: Option<Story>,
    /// The fingerprint of this run: that of the run it repeats, or the seed does not repeat.
    pub fingerprint: u64,
}

/// Runs a seed again under its plan; `violation` is what the story is about. None where programs are hosted.
#[must_use]
pub fn record(assembly: &Assembly, seed: u64, violation: Option<&Violation>) -> Option<Recorded> {
    if !assembly.programs().is_empty() {
        return None;
    }
    let plan = assembly.plan(Seed(seed));
    let mut gauges = Gauges::new(assembly);
    let mut story = violation.map(|violation| StoryKeeper::new(assembly, &plan, violation));
    let fingerprint = drive(assembly, seed, &plan, &mut |world, turn| match turn {
        Turn::Before(next) => gauges.sample(world, next),
        Turn::Seen(seen) => {
            gauges.see(&seen);
            if let Some(story) = &mut story {
                story.see(world, &seen);
            }
        }
    });
    let mut story = story.map(StoryKeeper::finish);
    if let Some(story) = &mut story
        && let Some(place) = story.place
    {
        let mut keeper = OrderKeeper::new(assembly, place, story);
        drive(assembly, seed, &plan, &mut |_, turn| {
            if let Turn::Seen(seen) = turn {
                keeper.see(&seen);
            }
        });
        story.order = Some(keeper.finish());
    }
    Some(Recorded {
        gauges: gauges.finish(),
        story,
        fingerprint,
    })
}

/// What a listener is told.
enum Turn {
    /// Nothing more happens before this instant.
    Before(Time),
    /// Something was seen.
    Seen(Observation),
}

/// The loop of the driver for worlds of actors, with a look at the World between instants. Gives back the
/// fingerprint of the run.
fn drive(
    assembly: &Assembly,
    seed: u64,
    plan: &FaultPlan,
    listen: &mut dyn FnMut(&mut World, Turn),
) -> u64 {
    let mut world = assembly.world(Seed(seed), plan.clone(), Kinds::all(), None);
    let until = assembly.audit_at() + assembly.audit_patience();
    while let Some(next) = world.next_deadline().filter(|next| *next <= until) {
        listen(&mut world, Turn::Before(next));
        world.advance(next);
        while let Some(seen) = world.poll_observation() {
            let is_over = seen.fact == Fact::AuditDone;
            listen(&mut world, Turn::Seen(seen));
            if is_over {
                return world.fingerprint();
            }
        }
    }
    world.fingerprint()
}
