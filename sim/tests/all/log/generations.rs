//! Older generations of a log's protocol lose what the present one keeps, under the same plan.

use super::rig::{Script, broker, fault};
use super::sound;
use stormglass_core::actor::Control;
use stormglass_core::broker::log::config::Truncation;
use stormglass_core::fault::{FaultKind, Target};
use stormglass_core::time::Span;

/// Leadership moves from node 0 to 1 and on to 2, which cannot fetch from 1 in between.
fn two_elections(truncation: Truncation, seed: u64) -> Script {
    let elected = |at: Span| {
        let kind = FaultKind::Control(Control::ForceElection);
        let controller = Target::Controller("broker.main".to_owned());
        fault(at, Span::millis(1), kind, controller)
    };
    let held_back = FaultKind::Delay {
        class: "fetch".to_owned(),
        by: Span::secs(1),
    };
    let link = Target::Link(Box::new(broker(2)), Box::new(broker(1)));
    let mut script = Script {
        seed,
        // Rare enough that the last batch is seldom followed by one that brings the news of its commit.
        every: Span::millis(20),
        events: 1_000,
        faults: vec![
            fault(Span::secs(8), Span::millis(100), held_back, link),
            elected(Span::secs(8)),
            elected(Span::secs(8) + Span::millis(40)),
        ],
        ..Script::default()
    };
    script.config.follower_truncation = truncation;
    script
}

#[test]
fn a_follower_of_the_old_generation_cuts_what_it_has_not_heard_to_be_committed_and_leads_without_it()
 {
    let loses = |seed: &u64| {
        let left = two_elections(Truncation::HighWatermark, *seed).run();
        !left.lost().is_empty()
    };
    // Which of the followers leads next, and what it has heard, is luck.
    assert!((1..=8).filter(loses).count() > 0);
    (1..=8).for_each(|seed| sound(&two_elections(Truncation::Epoch, seed).run()));
}
