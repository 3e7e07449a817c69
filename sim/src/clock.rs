//! A node's clocks, in integers: offset, rate and steps against true time, which only the World knows.

use stormglass_core::time::{Mono, Span, Time, Wall};

const BILLION: i128 = 1_000_000_000;
/// Rates up to this (clocks up to twice as fast) are reckoned in 64 bits: 10⁹ × 10⁹ fits.
const FAST: u64 = 1_000_000_000;

/// The monotonic and the wall clock of one node.
#[derive(Clone, Copy, Debug)]
pub struct NodeClock {
    anchor: Time,
    mono: Mono,
    wall: Wall,
    /// How much faster than true time, in parts per billion.
    rate: i64,
    /// How much faster the wall clock runs than the monotonic one, in parts per billion: somebody moves it.
    slew: i64,
    /// What keeps the wall clock still.
    frozen: u32,
    /// By how much the wall clock lags because it stood still.
    lag: i64,
    /// What keeps the monotonic clock still, as a suspended machine's.
    stopped: u32,
}

impl NodeClock {
    /// Clocks that agree with true time at its start but for `offset` of the wall clock and `drift`
    /// (parts per million) of both.
    #[must_use]
    pub const fn new(offset: i64, drift: i32) -> NodeClock {
        NodeClock {
            anchor: Time::ZERO,
            mono: Mono(0),
            wall: Wall(offset),
            rate: drift as i64 * 1_000,
            slew: 0,
            frozen: 0,
            lag: 0,
            stopped: 0,
        }
    }

    fn elapsed(&self, now: Time) -> i64 {
        self.elapsed_at(now, self.rate)
    }

    fn elapsed_at(&self, now: Time, rate: i64) -> i64 {
        assert!(
            now >= self.anchor,
            "a clock was read at {now}, before its anchor {}",
            self.anchor
        );
        let span = now.0 - self.anchor.0;
        if rate == 0 {
            return span as i64;
        }
        if rate.unsigned_abs() > FAST {
            return (i128::from(span) * (BILLION + i128::from(rate)) / BILLION) as i64;
        }
        // Every step reads both clocks, and a division in 128 bits costs more than the rest of the reading.
        let billion = FAST as i64;
        let (seconds, rest) = ((span / FAST) as i64, (span % FAST) as i64);
        span as i64 + seconds * rate + (rest * rate).div_euclid(billion)
    }

    /// The monotonic clock at `now`.
    #[must_use]
    pub fn monotonic(&self, now: Time) -> Mono {
        if self.stopped > 0 || self.rate == 0 {
            let span = if self.stopped > 0 {
                0
            } else {
                now.0 - self.anchor.0
            };
            return Mono(self.mono.0 + span);
        }
        Mono(self.mono.0 + self.elapsed(now) as u64)
    }

    /// The wall clock at `now`. It runs on while the monotonic one stands still.
    #[must_use]
    pub fn wall(&self, now: Time) -> Wall {
        if self.frozen > 0 {
            return self.wall;
        }
        Wall(self.wall.0 + self.elapsed_at(now, self.rate + self.slew))
    }

    /// How far the wall clock is ahead of true time, in nanoseconds.
    #[must_use]
    pub fn offset(&self, now: Time) -> i64 {
        self.wall(now).0.saturating_sub_unsigned(now.0)
    }

    /// The first true instant at which the monotonic clock reads at least `at`; never while it stands still.
    #[must_use]
    pub fn true_time_of(&self, at: Mono) -> Time {
        if self.stopped > 0 {
            return Time::NEVER;
        }
        let local = i128::from(at.0.saturating_sub(self.mono.0));
        if self.rate == 0 {
            return self.anchor + Span(local as u64);
        }
        let denominator = BILLION + i128::from(self.rate);
        let span = (local * BILLION + denominator - 1) / denominator;
        self.anchor + Span(u64::try_from(span).unwrap_or(u64::MAX))
    }

    fn re_anchor(&mut self, now: Time) {
        let (mono, wall) = (self.monotonic(now), self.wall(now));
        if self.frozen > 0 {
            self.lag += self.elapsed_at(now, self.rate + self.slew);
        }
        (self.anchor, self.mono, self.wall) = (now, mono, wall);
    }

    /// A boot starts the monotonic clock at 0; the wall clock goes on.
    pub fn boot(&mut self, now: Time) {
        self.re_anchor(now);
        self.mono = Mono(0);
        self.stopped = 0;
    }

    /// The wall clock jumps.
    pub const fn step(&mut self, by: i64) {
        self.wall.0 += by;
    }

    /// Both clocks run `parts` per million faster than before (slower if negative).
    pub fn change_rate(&mut self, now: Time, parts: i32) {
        self.re_anchor(now);
        self.rate += parts as i64 * 1_000;
    }

    /// The wall clock runs `billionths` faster than before against the monotonic one (slower if negative).
    pub fn slew(&mut self, now: Time, billionths: i64) {
        self.re_anchor(now);
        self.slew += billionths;
    }

    /// The wall clock stands still, until as many have let it [go on](NodeClock::thaw).
    pub fn freeze(&mut self, now: Time) {
        self.re_anchor(now);
        self.frozen += 1;
    }

    /// One that kept the wall clock still does no longer; when none does it goes on, where it would be had it
    /// never stood still if `catches_up`, else where it stood.
    pub fn thaw(&mut self, now: Time, catches_up: bool) {
        assert!(self.frozen > 0, "a clock that runs was thawed");
        self.re_anchor(now);
        self.frozen -= 1;
        if self.frozen == 0 {
            let lag = std::mem::take(&mut self.lag);
            self.wall.0 += if catches_up { lag } else { 0 };
        }
    }

    /// The monotonic clock stands still, until as many have let it go on.
    pub fn stop(&mut self, now: Time) {
        self.re_anchor(now);
        self.stopped += 1;
    }

    /// One that kept the monotonic clock still does no longer.
    pub fn go_on(&mut self, now: Time) {
        self.re_anchor(now);
        self.stopped = self.stopped.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_step_moves_the_wall_clock_alone() {
        let mut clock = NodeClock::new(0, 0);
        clock.step(-5_000);
        assert_eq!(clock.monotonic(Time(10_000)), Mono(10_000));
        assert_eq!(clock.wall(Time(10_000)), Wall(5_000));
    }

    #[test]
    fn a_stopped_monotonic_clock_goes_on_where_it_stood() {
        let mut clock = NodeClock::new(0, 0);
        clock.stop(Time(100));
        assert_eq!(clock.monotonic(Time(400)), Mono(100));
        clock.go_on(Time(400));
        assert_eq!(clock.monotonic(Time(450)), Mono(150));
        assert_eq!(clock.wall(Time(450)), Wall(450));
    }

    #[test]
    fn a_slew_moves_the_wall_clock_alone_and_gradually() {
        let mut clock = NodeClock::new(0, 0);
        clock.slew(Time(0), -500_000);
        assert_eq!(clock.offset(Time(1_000_000_000)), -500_000);
        clock.slew(Time(1_000_000_000), 500_000);
        assert_eq!(clock.offset(Time(2_000_000_000)), -500_000);
        assert_eq!(clock.monotonic(Time(2_000_000_000)), Mono(2_000_000_000));
    }

    #[test]
    fn a_frozen_wall_clock_stands_while_the_monotonic_one_runs_and_shows_the_right_time_again() {
        let mut clock = NodeClock::new(7, 0);
        clock.freeze(Time(100));
        assert_eq!(clock.wall(Time(500)), Wall(107));
        assert_eq!(clock.monotonic(Time(500)), Mono(500));
        clock.step(20);
        clock.thaw(Time(500), true);
        assert_eq!(clock.offset(Time(600)), 27);
        clock.freeze(Time(600));
        clock.thaw(Time(650), false);
        assert_eq!(clock.offset(Time(700)), 27 - 50);
    }

    proptest! {
        #[test]
        fn a_clock_shows_the_whole_nanoseconds_that_its_rate_gives(
            drift in -900_000_i32..3_000_000, now in 0_u64..1_000_000_000_000_000,
        ) {
            let rate = BILLION + i128::from(drift) * 1_000;
            let expected = (i128::from(now) * rate).div_euclid(BILLION);
            let clock = NodeClock::new(0, drift);
            prop_assert_eq!(i128::from(clock.wall(Time(now)).0), expected);
            prop_assert_eq!(i128::from(clock.monotonic(Time(now)).0), expected);
        }

        #[test]
        fn a_timer_runs_out_at_the_first_instant_that_reads_its_deadline(
            drift in -500_000_i32..500_000, at in 0_u64..1_000_000_000_000,
        ) {
            let clock = NodeClock::new(0, drift);
            let due = clock.true_time_of(Mono(at));
            prop_assert!(clock.monotonic(due) >= Mono(at));
            prop_assert!(due == Time::ZERO || clock.monotonic(Time(due.0 - 1)) < Mono(at));
        }
    }
}
