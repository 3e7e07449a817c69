//! What a publisher does when its buffer is full.

use super::*;
use crate::source::config::{BufferConfig, WhenFull};
use crate::units::{Rate, Size};

/// Room for two batches of one event.
fn stage(when_full: WhenFull) -> Stage {
    let buffer = BufferConfig {
        memory: Some(Size(250)),
        when_full,
    };
    Stage::ready(to_log(&config()).with_buffer(&buffer))
}

fn shed(stage: &Stage) -> Vec<u64> {
    let shed = stage.facts.iter().filter_map(|fact| match fact {
        Fact::Shed(events) => Some(events[0].id.number),
        _ => None,
    });
    shed.collect()
}

fn owed(stage: &Stage) -> usize {
    let is_owed = |fact: &&Fact| matches!(fact, Fact::Owed(_));
    stage.facts.iter().filter(is_owed).count()
}

#[test]
fn what_does_not_fit_is_shed_unsent_and_stays_owed() {
    let mut stage = stage(WhenFull::Shed);
    for _ in 0..5 {
        stage.push();
    }
    assert_eq!((shed(&stage), owed(&stage)), (vec![2, 3, 4], 5));
    assert_eq!((stage.published().len(), stage.publisher.waiting()), (2, 0));
    stage.answer(0, None);
    stage.push();
    assert_eq!(stage.published().last().unwrap().1, 5);
    assert_eq!(shed(&stage).len(), 3);
}

/// Whatever is answered when, an event is shed or sent, never both.
#[test]
fn nothing_is_shed_that_was_ever_sent() {
    let mut stage = stage(WhenFull::Shed);
    let mut sent = std::collections::BTreeSet::new();
    for round in 0..200_u64 {
        stage.push();
        sent.extend(stage.published().iter().map(|(_, number, _)| *number));
        if crate::rng::mix(round).is_multiple_of(3)
            && let Some((_, number, _)) = stage.published().first().copied()
        {
            let refusal = crate::rng::mix(round)
                .is_multiple_of(2)
                .then_some(Refusal::NotEnoughReplicas);
            stage.answer(number, refusal);
        }
        stage.wait(Span::millis(crate::rng::mix(round) % 300));
    }
    let shed = shed(&stage);
    assert!(
        shed.len() > 20 && sent.len() > 20,
        "{} shed, {} sent",
        shed.len(),
        sent.len()
    );
    assert!(shed.iter().all(|number| !sent.contains(number)));
}

#[test]
fn a_buffer_without_a_bound_takes_everything_and_its_time_runs() {
    let mut stage = stage(WhenFull::Buffer);
    for _ in 0..8 {
        stage.push();
    }
    assert_eq!(stage.publisher.waiting(), 0);
    assert_eq!(stage.flow, [Flow::Waited; 6]);
    stage.wait(Span::secs(120));
    let gave_up: Vec<u64> = stage.gave_up().iter().map(|(number, _)| *number).collect();
    assert_eq!(gave_up, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_throttle_lets_batches_in_at_its_rate_above_its_mark_and_none_when_full() {
    let buffer = BufferConfig {
        memory: Some(Size(450)),
        when_full: WhenFull::Throttle {
            above: 500,
            rate: Rate::per_second(10),
        },
    };
    let mut stage = Stage::ready(to_log(&config()).with_buffer(&buffer));
    for _ in 0..6 {
        stage.push();
    }
    // Two lie below half of the buffer, the third is the first above it, the others wait for their turn.
    assert_eq!(stage.publisher.waiting(), 3);
    stage.wait(Span::millis(99));
    assert_eq!(stage.publisher.waiting(), 3);
    stage.wait(Span::millis(1));
    assert_eq!(stage.publisher.waiting(), 2, "one in a tenth of a second");
    stage.wait(Span::secs(1));
    assert_eq!(stage.publisher.waiting(), 2, "the buffer is full");
    for number in 0..4 {
        stage.answer(number, None);
    }
    assert_eq!(stage.publisher.waiting(), 0, "below the mark nothing waits");
}
