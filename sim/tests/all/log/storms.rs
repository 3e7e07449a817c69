//! One broker node at a time in trouble, drawn at random: inside the envelope of acks=all with three
//! replicas, so nothing acknowledged may be lost and the replicas must agree in the end.

use super::rig::{Script, broker, fault};
use super::sound;
use stormglass_core::actor::Control;
use stormglass_core::fault::{Fault, FaultKind};
use stormglass_core::rng::Seed;
use stormglass_core::time::Span;

fn storm(seed: u64) -> Vec<Fault> {
    let mut draw = Seed(seed).stream("test/storm");
    let mut faults = Vec::new();
    let mut at = Span::secs(5);
    for _ in 0..5 {
        let kind = match draw.below(9) {
            0 => FaultKind::Crash,
            1 => FaultKind::PowerLoss {
                torn: draw.chance(500_000),
            },
            2 => FaultKind::Partition,
            3 => FaultKind::Oneway,
            4 => FaultKind::Pause {
                clock_stops: draw.chance(500_000),
            },
            5 => FaultKind::DiskFull,
            6 => FaultKind::Loss { parts: 100_000 },
            7 => FaultKind::SlowDisk { factor: 100 },
            _ => FaultKind::Control(Control::ForceElection),
        };
        let lasts = Span::millis(draw.between(100, 3_000));
        let target = broker(draw.below(3) as u16);
        faults.push(fault(at, lasts, kind, target));
        // The node has come back into the in-sync sets before the next is struck.
        at = at + lasts + Span::secs(4);
    }
    faults
}

#[test]
fn one_node_in_trouble_at_a_time_loses_and_doubles_nothing() {
    for seed in 0..24 {
        let left = Script {
            seed,
            partitions: 3,
            events: 6_000,
            faults: storm(seed),
            ..Script::default()
        }
        .run();
        let acknowledged = left.acknowledged().len();
        assert_eq!(
            acknowledged,
            6_000,
            "seed {seed}: {:?}\n{:#?}",
            left.plan,
            left.world.inspect()
        );
        sound(&left);
    }
}
