use super::config::{LeaseClock, LeaseConfig, LeaseFlaw};
use super::{Authority, Holder, HolderPlan, points};
use crate::actor::Effect;
use crate::history::Fact;
use crate::id::{GroupId, NodeId};
use crate::message::lease::{AcquireLease, LeaseGranted};
use crate::message::{Message, Refusal, Reply, Request};
use crate::test_disk::Desk;
use crate::test_rig::Rig;
use crate::time::{Span, Wall};

const GROUP: GroupId = GroupId(3);
const A: u16 = 5;
const B: u16 = 6;
const LEASE: Span = Span::secs(2);
const GUARD: Span = Span::millis(50);

fn config(clock: LeaseClock) -> LeaseConfig {
    LeaseConfig {
        duration: LEASE,
        clock,
        renew: false,
        retry_interval: Span::millis(20),
        request_timeout: Span::secs(1),
        flaws: Vec::new(),
    }
}

/// An authority on a node with a disk.
struct Office {
    config: LeaseConfig,
    desk: Desk<Authority>,
}

impl Office {
    fn new(config: LeaseConfig) -> Office {
        Office {
            desk: Desk::boot(Authority::new(&config)),
            config,
        }
    }

    /// The token that `from` is granted, none if it is refused.
    fn token(&mut self, from: u16, renews: Option<u32>) -> Option<u32> {
        self.desk.peer = NodeId(from);
        self.desk.others.clear();
        let ask = AcquireLease {
            group: GROUP,
            renews,
        };
        match self.desk.answer(Request::AcquireLease(ask)) {
            Reply::LeaseGranted(granted) => Some(granted.token),
            Reply::Refused(Refusal::LeaseHeld) => None,
            other => panic!("{other:?} is no answer of an authority"),
        }
    }

    fn wait(&mut self, span: Span) {
        self.desk.rig.wait(span);
    }

    fn reboot(&mut self) {
        self.desk.rig.reboot();
        self.desk.power_loss(Authority::new(&self.config));
    }
}

#[test]
fn a_lease_has_one_holder_until_it_is_over_and_the_next_one_a_greater_token() {
    let mut office = Office::new(config(LeaseClock::Monotonic));
    assert_eq!(office.token(A, None), Some(1));
    assert_eq!(office.token(B, None), None);
    office.wait(LEASE.saturating_sub(Span::nanos(1)));
    assert_eq!(office.token(B, None), None);
    office.wait(Span::nanos(1));
    assert_eq!(office.token(B, None), Some(2));
    let told = &office.desk.others;
    let expired = Fact::LeaseExpired {
        group: GROUP,
        holder: NodeId(A),
        token: 1,
    };
    let granted = Fact::LeaseGranted {
        group: GROUP,
        holder: NodeId(B),
        token: 2,
        lasts: LEASE,
    };
    assert!(told.contains(&Effect::Observe(expired)), "{told:?}");
    assert!(told.contains(&Effect::Observe(granted)), "{told:?}");
    assert!(told.contains(&Effect::Point(points::HANDED_OVER)));
}

#[test]
fn the_holder_alone_may_renew_and_keeps_its_token() {
    let mut office = Office::new(config(LeaseClock::Monotonic));
    assert_eq!(office.token(A, None), Some(1));
    office.wait(LEASE / 2);
    assert_eq!(office.token(B, Some(1)), None);
    assert_eq!(office.token(A, Some(1)), Some(1));
    office.wait(LEASE / 2 + Span::millis(1));
    assert_eq!(office.token(B, None), None);
}

#[test]
fn an_authority_that_ends_leases_by_its_wall_clock_ends_them_early_when_it_is_set_ahead() {
    let mut office = Office::new(config(LeaseClock::Wall));
    assert_eq!(office.token(A, None), Some(1));
    office.desk.rig.wall_ahead = LEASE.0 as i64;
    assert_eq!(office.token(B, None), Some(2));
    let mut office = Office::new(config(LeaseClock::Monotonic));
    assert_eq!(office.token(A, None), Some(1));
    office.desk.rig.wall_ahead = LEASE.0 as i64;
    assert_eq!(office.token(B, None), None);
}

#[test]
fn an_authority_that_boots_waits_a_lease_and_uses_no_token_twice() {
    let mut office = Office::new(config(LeaseClock::Monotonic));
    assert_eq!(office.token(A, None), Some(1));
    office.reboot();
    assert_eq!(office.token(B, None), None);
    // 500 ppm of two seconds are a millisecond.
    office.wait(LEASE);
    assert_eq!(office.token(B, None), None);
    office.wait(Span::millis(1));
    assert_eq!(office.token(B, None), Some(2));
}

#[test]
fn planted_flaws_hand_out_a_held_lease_and_an_old_token() {
    let flawed = |flaw| LeaseConfig {
        flaws: vec![flaw],
        ..config(LeaseClock::Monotonic)
    };
    let mut office = Office::new(flawed(LeaseFlaw::GrantWhileHeld));
    assert_eq!(
        (office.token(A, None), office.token(B, None)),
        (Some(1), Some(2))
    );
    let mut office = Office::new(flawed(LeaseFlaw::ForgetTokens));
    assert_eq!(office.token(A, None), Some(1));
    office.reboot();
    office.wait(LEASE * 2);
    assert_eq!(office.token(B, None), Some(1));
}

/// A holder that was granted a lease `answered` after it asked.
fn holder(clock: LeaseClock, rig: &mut Rig, answered: Span) -> Holder {
    let plan = HolderPlan::new(&config(clock), NodeId(1), GROUP, GUARD);
    let mut holder = Holder::new(plan, 9);
    let effects = rig.with(|cx| holder.pump(cx));
    let call = effects.iter().find_map(|effect| {
        let Effect::Send {
            message: Message::Request { call, .. },
            ..
        } = effect
        else {
            return None;
        };
        Some(*call)
    });
    rig.wait(answered);
    let reply = Reply::LeaseGranted(LeaseGranted {
        token: 7,
        expires: Wall(rig.now.0 as i64) + LEASE,
    });
    rig.with(|cx| {
        let call = call.expect("a holder of nothing asks at once");
        assert_eq!(holder.on_reply(cx, call, reply), None);
    });
    holder
}

fn token(holder: &Holder, rig: &mut Rig) -> Option<u32> {
    let mut token = None;
    rig.with(|cx| token = holder.token(cx));
    token
}

#[test]
fn a_monotonic_holder_counts_from_its_question_and_allows_for_500_ppm_and_its_last_write() {
    let mut rig = Rig::new(NodeId(A));
    let answered = Span::millis(300);
    let holder = holder(LeaseClock::Monotonic, &mut rig, answered);
    rig.wall_ahead = -1_000_000_000;
    // 500 ppm of two seconds are a millisecond.
    let kept = answered + Span::millis(1) + GUARD + Span::nanos(1);
    rig.wait(LEASE.saturating_sub(kept));
    assert_eq!(token(&holder, &mut rig), Some(7));
    rig.wait(Span::nanos(1));
    assert_eq!(token(&holder, &mut rig), None);
}

#[test]
fn a_holder_by_the_wall_clock_believes_whoever_sets_it() {
    let mut rig = Rig::new(NodeId(A));
    let holder = holder(LeaseClock::Wall, &mut rig, Span::millis(1));
    rig.wait(LEASE.saturating_sub(GUARD));
    assert_eq!(token(&holder, &mut rig), None);
    rig.wall_ahead = -1_000_000_000;
    assert_eq!(token(&holder, &mut rig), Some(7));
}

#[test]
fn a_holder_that_is_told_of_a_successor_stops_whatever_its_clock_says() {
    let mut rig = Rig::new(NodeId(A));
    let mut holder = holder(LeaseClock::Wall, &mut rig, Span::millis(1));
    rig.with(|cx| holder.deposed(cx));
    assert_eq!(token(&holder, &mut rig), None);
}
