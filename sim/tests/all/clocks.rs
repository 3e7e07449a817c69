//! What faults and a time service make of wall clocks, read from the notes that the World keeps of them.

use crate::support::{fault, node, plan};
use std::cell::RefCell;
use std::rc::Rc;
use stormglass_core::actor::{Actor, Context, Input, Inspection};
use stormglass_core::fault::{Fault, FaultKind};
use stormglass_core::id::TimerId;
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use stormglass_sim::drive::bare;
use stormglass_sim::world::{Software, TimeService, World};

const SECOND: i64 = 1_000_000_000;
const MS: i64 = 1_000_000;

/// Reads its clocks every second.
struct Watch(Rc<RefCell<Vec<(u64, i64)>>>);

impl Actor for Watch {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        if let Input::Start | Input::Timer(_) = input {
            cx.arm(TimerId(1), Span::secs(1));
            let seen = (cx.monotonic().0, cx.wall().0);
            self.0.borrow_mut().push(seen);
        }
    }

    fn inspect(&self) -> Inspection {
        Inspection::new()
    }
}

/// What a run leaves: true seconds and offset of the wall clock in nanoseconds, and the clocks as the node read them.
struct Left {
    notes: Vec<(f64, i64)>,
    read: Vec<(u64, i64)>,
}

/// A node under faults, for 400 s; all is healed after 300 s.
fn run(service: Option<TimeService>, faults: Vec<Fault>) -> Left {
    let read = Rc::new(RefCell::new(Vec::new()));
    let diary = Rc::clone(&read);
    let software = Software::Actor(Box::new(move || Box::new(Watch(Rc::clone(&diary)))));
    let heal_at = Time(Span::secs(300).0);
    let mut plan = plan(Seed(1), vec![node("n", 0, software)], faults, heal_at);
    plan.time_service = service;
    let mut world = World::new(plan);
    bare(&mut world, Time(Span::secs(400).0), &mut |_, _| true);
    let notes = world.clock_notes();
    let notes = notes
        .iter()
        .map(|note| (Span(note.at.0).as_secs_f64(), note.offset));
    Left {
        notes: notes.collect(),
        read: read.take(),
    }
}

fn at(from: u64, lasts: u64, kind: FaultKind) -> Vec<Fault> {
    vec![fault("n", Span::secs(from), Span::secs(lasts), kind)]
}

const NTP: TimeService = TimeService {
    interval: Span::secs(64),
    step_threshold: Span::millis(128),
    slew_parts: 500,
};

#[test]
fn a_clock_without_faults_leaves_no_notes() {
    assert_eq!(run(None, Vec::new()).notes, []);
    assert_eq!(run(Some(NTP), Vec::new()).notes, []);
}

#[test]
fn a_slew_is_gradual_and_taken_back_when_the_fault_ends() {
    let by = -10 * MS;
    let slew = FaultKind::ClockSlew { by, parts: 500 };
    // 10 ms at 500 ppm take 20 s.
    let notes = run(None, at(10, 50, slew.clone())).notes;
    let expected = [
        (10.0, 0),
        (10.0, 0),
        (30.0, by),
        (30.0, by),
        (60.0, by),
        (60.0, 0),
    ];
    assert_eq!(notes[..6], expected);
    // One that is over after 10 s has come half the way.
    let notes = run(None, at(10, 10, slew)).notes;
    assert!(notes.contains(&(20.0, by / 2)), "{notes:?}");
    assert_eq!(notes.last().map(|note| note.1), Some(0));
}

#[test]
fn a_repeated_second_sets_the_clock_back_by_one() {
    let notes = run(None, at(10, 50, FaultKind::LeapSecond)).notes;
    let expected = [(10.0, 0), (10.0, -SECOND), (60.0, -SECOND), (60.0, 0)];
    assert_eq!(notes[..4], expected);
}

#[test]
fn a_frozen_clock_shows_one_time_while_the_monotonic_clock_runs() {
    let left = run(None, at(10, 50, FaultKind::ClockFreeze));
    assert!(
        left.notes.contains(&(60.0, -50 * SECOND)),
        "{:?}",
        left.notes
    );
    assert_eq!(left.notes.last().map(|note| note.1), Some(0));
    let frozen: Vec<(u64, i64)> = left.read[11..60].to_vec();
    assert!(
        frozen.iter().all(|(_, wall)| *wall == 10 * SECOND),
        "{frozen:?}"
    );
    assert!(frozen.is_sorted_by(|a, b| a.0 < b.0));
}

#[test]
fn a_time_service_sets_a_clock_that_is_far_off_and_moves_one_that_is_not() {
    let step = |by| at(10, 280, FaultKind::ClockStep { by });
    let far = run(Some(NTP), step(-SECOND)).notes;
    let expected = [(10.0, 0), (10.0, -SECOND), (64.0, -SECOND), (64.0, 0)];
    assert_eq!(far[..4], expected);
    // The end of the fault takes nothing back: the service did.
    assert!(far[4..].iter().all(|(_, offset)| *offset == 0), "{far:?}");
    // 64 s at 500 ppm are 32 ms.
    let near = run(Some(NTP), step(-100 * MS)).notes;
    for (second, offset) in [
        (64.0, -100),
        (128.0, -68),
        (192.0, -36),
        (256.0, -4),
        (264.0, 0),
    ] {
        assert!(
            near.contains(&(second, offset * MS)),
            "{second} s: {near:?}"
        );
    }
}

#[test]
fn a_time_service_is_right_when_everything_is_healed() {
    // A second at 290 s, after the last look before the heal at 256 s.
    let late = run(Some(NTP), at(290, 5, FaultKind::ClockStep { by: SECOND })).notes;
    assert_eq!(late[late.len() - 2], (300.0, 0));
    assert_eq!(late.last(), Some(&(400.0, 0)));
}

#[test]
fn a_clock_that_a_pause_stopped_goes_on_when_that_pause_is_over_whatever_else_holds_the_node() {
    let mut faults = at(10, 10, FaultKind::Pause { clock_stops: true });
    faults.extend(at(15, 25, FaultKind::Pause { clock_stops: false }));
    let read = run(None, faults).read;
    // Ten seconds are missing on the monotonic clock, not thirty.
    let after = read.iter().find(|(_, wall)| *wall >= 40 * SECOND);
    assert_eq!(after.map(|(mono, _)| *mono / SECOND as u64), Some(30));
}
