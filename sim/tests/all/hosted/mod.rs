//! Claims about hosted runs: they are the same as bare ones, and a program lives and dies with its node.

#[cfg(madsim)]
mod clients;
#[cfg(madsim)]
mod failures;
#[cfg(madsim)]
mod program;
#[cfg(madsim)]
mod rig;

use crate::support::keepers;
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use stormglass_sim::drive::{Heartbeat, bare, host_in_use, hosted};

#[test]
fn the_flag_that_turns_madsim_on_is_not_lost() {
    assert_eq!(
        (cfg!(madsim), host_in_use()),
        (true, "madsim"),
        "`--cfg madsim` is missing: is RUSTFLAGS exported? see docs/determinism.md"
    );
}

#[test]
fn a_world_of_actors_leaves_the_same_fingerprint_hosted_and_bare() {
    let length = Span::millis(500);
    let (mut steps, mut facts) = (0, 0);
    for seed in (0..100).map(Seed) {
        let mut alone = keepers(seed, length, Span::micros(800));
        let mut told = Vec::new();
        bare(&mut alone, Time(length.0), &mut |_, observation| {
            told.push(observation);
            true
        });
        let mut told_hosted = Vec::new();
        let host = hosted(
            keepers(seed, length, Span::micros(800)),
            Vec::new(),
            Time(length.0),
            &Heartbeat::default(),
            &mut |_, observation| {
                told_hosted.push(observation);
                true
            },
        )
        .expect("a world of actors needs no programs");
        assert_eq!(
            (alone.fingerprint(), alone.steps(), alone.now()),
            (
                host.world.fingerprint(),
                host.world.steps(),
                host.world.now()
            ),
            "seed {seed:?}"
        );
        assert_eq!(told, told_hosted, "seed {seed:?}");
        steps += alone.steps();
        facts += told.len();
    }
    assert!(
        steps > 100_000 && facts > 1_000,
        "only {steps} steps and {facts} facts were compared"
    );
}
