//! Random histories: hundreds of seeds of crashes, power losses, cuts, lost and reordered messages.

use super::group::{CALM, Group, Weather};
use crate::time::SECOND;

const STORM: Weather = Weather {
    loss: 80_000,
    delay_max: SECOND / 4,
    disk_failure: 2_000,
    forget_vote: false,
};

/// Forty to eighty troubles a run, then calm; every member must then agree.
fn storm(seed: u64, nodes: u16, voters: u16, weather: Weather) -> Group {
    let mut group = Group::new(seed, nodes, voters, weather);
    for _ in 0..group.rng.between(40, 80) {
        let until = group.now + group.rng.between(SECOND / 100, 3 * SECOND);
        group.run_until(until);
        let victim = group.rng.below(u64::from(nodes)) as u16;
        let other = group.rng.below(u64::from(nodes)) as u16;
        match group.rng.below(12) {
            0 => group.crash(victim, false),
            1 | 2 => group.crash(victim, true),
            3 => group.cut.push((victim, other)),
            4 | 5 => group.cut.clear(),
            6 => (0..nodes).for_each(|index| group.crash(index, true)),
            7 | 8 => (0..nodes).for_each(|index| group.start(index)),
            _ => (0..10).for_each(|_| group.propose()),
        }
    }
    group.weather = Weather {
        forget_vote: weather.forget_vote,
        ..CALM
    };
    group.cut.clear();
    (0..nodes).for_each(|index| group.start(index));
    group.run_until(group.now + 30 * SECOND);
    group
}

fn assert_sound(seed: u64, mut group: Group) {
    group.check_logs();
    assert_eq!(group.broken, None, "seed {seed}");
    let before = group.committed.len();
    group.propose();
    group.run_until(group.now + 5 * SECOND);
    assert_eq!(
        group.committed.len(),
        before + 1,
        "seed {seed}: a healed group commits what it is given"
    );
    for index in 0..group.len() {
        let commit = group.raft(index).map(|raft| raft.commit_index());
        assert_eq!(
            commit,
            Some(before as u64 + 1),
            "seed {seed}: member {index} learns it"
        );
    }
}

#[test]
fn three_voters_stay_safe_and_agree_after_the_storm() {
    for seed in 0..120 {
        assert_sound(seed, storm(seed, 3, 3, STORM));
    }
}

#[test]
fn five_voters_stay_safe_and_agree_after_the_storm() {
    for seed in 1_000..1_080 {
        assert_sound(seed, storm(seed, 5, 5, STORM));
    }
}

#[test]
fn learners_receive_everything_and_elect_nobody() {
    for seed in 2_000..2_060 {
        assert_sound(seed, storm(seed, 5, 3, STORM));
    }
}

#[test]
fn a_member_alone_leads_and_recovers_what_it_committed() {
    for seed in 3_000..3_030 {
        assert_sound(seed, storm(seed, 1, 1, STORM));
    }
}

#[test]
fn members_that_forget_their_votes_are_caught() {
    let flawed = Weather {
        forget_vote: true,
        ..STORM
    };
    let caught = (0..60)
        .filter(|seed| storm(*seed, 3, 3, flawed).broken.is_some())
        .count();
    assert!(caught >= 10, "only {caught} of 60 seeds show the flaw");
}

#[test]
fn a_group_elects_a_leader_within_one_round_of_timeouts() {
    for seed in 0..50 {
        let mut group = Group::new(seed, 3, 3, CALM);
        group.run_until(5 * SECOND);
        assert!(group.leader().is_some(), "seed {seed}");
    }
}

#[test]
fn a_leader_cut_off_from_the_majority_steps_down_and_does_not_return_with_a_higher_term() {
    for seed in 0..30 {
        let mut group = Group::new(seed, 3, 3, CALM);
        group.run_until(5 * SECOND);
        let old = group.leader().unwrap();
        let others: Vec<u16> = (0..3).filter(|index| *index != old).collect();
        group.cut = others.iter().map(|other| (old, *other)).collect();
        group.run_until(20 * SECOND);
        assert!(!group.raft(old).unwrap().is_leader(), "seed {seed}");
        let new = group.leader().unwrap();
        let term = group.raft(new).unwrap().term();
        assert!(group.raft(old).unwrap().term() < term, "seed {seed}");
        group.cut.clear();
        group.run_until(40 * SECOND);
        assert_eq!(group.leader(), Some(new), "seed {seed}: pre-vote holds");
        assert_eq!(group.raft(old).unwrap().term(), term, "seed {seed}");
    }
}
