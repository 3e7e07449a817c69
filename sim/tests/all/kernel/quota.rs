//! Claims about a rate that messages are held to.

use super::rig::{Script, fault};
use stormglass_core::fault::FaultKind;
use stormglass_core::time::Span;

const MS: fn(u64) -> Span = Span::millis;

fn quota(class: &str, per_second: u32) -> FaultKind {
    FaultKind::Quota {
        class: class.to_owned(),
        per_second,
    }
}

/// When the answers came.
fn answers(kind: FaultKind) -> Vec<String> {
    let left = Script {
        count: 20,
        faults: vec![fault(MS(52), MS(100), kind)],
        ..Script::default()
    }
    .run();
    let answers = left.client.into_iter();
    answers.filter(|line| line.contains("answer")).collect()
}

#[test]
fn messages_above_the_rate_wait_for_their_turn_and_none_is_lost() {
    let free = answers(quota("nothing-of-this", 1));
    let held = answers(quota("metadata", 50));
    assert_eq!((free.len(), held.len()), (20, 20));
    // One each 10 ms is sent and one each 20 ms passes: the first is in time, those behind it are later and later.
    let place = |number: u64| {
        let ends = format!("answer {number}");
        let find = |lines: &[String]| {
            let line = lines.iter().find(|line| line.ends_with(&ends)).cloned();
            line.expect("every request is answered")
        };
        (find(&free), find(&held))
    };
    let (before, after) = place(7);
    assert_eq!(before, after, "the first is within the rate");
    let (before, after) = place(10);
    assert_ne!(before, after, "the fourth has to wait");
}

#[test]
fn whoever_waits_when_the_rate_ends_goes_at_once() {
    // One message a second: the second would wait for a second, and waits until the fault ends.
    let held = answers(quota("metadata", 1));
    assert_eq!(held.len(), 20);
    let late = held.iter().filter(|line| line.starts_with("154ms")).count();
    assert!(late > 5, "{held:?}");
}
