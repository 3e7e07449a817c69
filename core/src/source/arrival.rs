//! When events are owed.
//!
//! Every process is a unit process in rescaled time: the expected number of events so far, Λ, grows by
//! exactly 1 (constant) or by an exponential draw (Poisson) for each event, and the due time is where the
//! integral of the rate reaches it. No candidate is ever thrown away, so event i always uses draw i. Λ is
//! kept in units of 2⁻³² events; the sum is exact, so rates do not drift.

use crate::source::config::Arrival;
use crate::source::exponential::{Exponential, ONE};
use crate::time::{Span, Time};
use crate::units::Rate;

/// Nanoseconds of a second times the millionths of a [`Rate`].
const SCALE: u128 = 1_000_000_000_000_000;

/// Gives the due times of one source in order.
#[derive(Clone, Debug)]
pub struct ArrivalClock {
    shape: Shape,
    /// Λ at the last event.
    passed: u128,
}

#[derive(Clone, Debug)]
enum Shape {
    Constant(Rate),
    Poisson(Rate),
    Bursts(Bursts),
    Ramp(Ramp),
}

impl ArrivalClock {
    /// The clock of a generated stream, none for a recorded one, whose rows have their times.
    #[must_use]
    pub fn new(arrival: &Arrival) -> Option<ArrivalClock> {
        let shape = match arrival {
            Arrival::Constant(rate) => Shape::Constant(*rate),
            Arrival::Poisson(rate) => Shape::Poisson(*rate),
            Arrival::Bursts {
                base,
                peak,
                every,
                lasts,
            } => Shape::Bursts(Bursts::new(*base, *peak, *every, *lasts)),
            Arrival::Ramp { from, to, over } => Shape::Ramp(Ramp {
                from: *from,
                to: *to,
                over: *over,
                last: 0,
            }),
            Arrival::Trace(_) | Arrival::Events(_) => return None,
        };
        Some(ArrivalClock { shape, passed: 0 })
    }

    /// The next due time, none if the rate is zero for ever after.
    pub fn next(&mut self, word: u64, gaps: &Exponential) -> Option<Time> {
        let gap = match self.shape {
            Shape::Constant(_) => ONE,
            Shape::Poisson(_) | Shape::Bursts(_) | Shape::Ramp(_) => gaps.at(word),
        };
        self.passed += u128::from(gap);
        let nanos = match &mut self.shape {
            Shape::Constant(rate) | Shape::Poisson(rate) => time_of(*rate, self.passed),
            Shape::Bursts(bursts) => bursts.reach(self.passed),
            Shape::Ramp(ramp) => ramp.reach(self.passed),
        }?;
        Some(Time(nanos))
    }
}

/// After how many nanoseconds a constant rate has made `expected` events, none if never.
fn time_of(rate: Rate, expected: u128) -> Option<u64> {
    let nanos = ((expected * SCALE) >> 32).checked_div(u128::from(rate.0))?;
    u64::try_from(nanos).ok()
}

/// How many events a constant rate makes in `nanos`.
fn count_of(rate: Rate, nanos: u64) -> u128 {
    ((u128::from(rate.0) * u128::from(nanos)) << 32) / SCALE
}

/// Two rates that alternate: the first burst begins after one whole period of the base rate.
#[derive(Clone, Debug)]
struct Bursts {
    base: Rate,
    peak: Rate,
    calm: u64,
    burst: u64,
    /// The stretch of constant rate under consideration.
    start: u64,
    length: u64,
    in_burst: bool,
    /// Λ at `start`.
    before: u128,
}

impl Bursts {
    fn new(base: Rate, peak: Rate, every: Span, lasts: Span) -> Bursts {
        let every = every.0.max(1);
        let burst = lasts.0.min(every);
        Bursts {
            base,
            peak,
            calm: every - burst,
            burst,
            start: 0,
            length: every,
            in_burst: false,
            before: 0,
        }
    }

    fn reach(&mut self, expected: u128) -> Option<u64> {
        let period = count_of(self.base, self.calm) + count_of(self.peak, self.burst);
        if period == 0 && self.base.0 == 0 {
            return None;
        }
        loop {
            let rate = if self.in_burst { self.peak } else { self.base };
            let count = count_of(rate, self.length);
            if expected <= self.before + count {
                return self
                    .start
                    .checked_add(time_of(rate, expected - self.before)?);
            }
            self.before += count;
            self.start = self.start.checked_add(self.length)?;
            self.in_burst = !self.in_burst;
            self.length = if self.in_burst { self.burst } else { self.calm };
        }
    }
}

/// A rate that changes evenly and then stays.
#[derive(Clone, Debug)]
struct Ramp {
    from: Rate,
    to: Rate,
    over: Span,
    /// The last time given out: the next one is not before it.
    last: u64,
}

impl Ramp {
    /// Λ at `nanos`, which is not after the end of the ramp. It never falls: t²/2T, rounded down, grows by
    /// at most 1 a nanosecond, and the rate lost with it is at most the rate gained.
    fn count(&self, nanos: u64) -> u128 {
        let bent = u128::from(nanos) * u128::from(nanos) / (2 * u128::from(self.over.0.max(1)));
        let straight = u128::from(self.from.0) * u128::from(nanos);
        let area = if self.to >= self.from {
            straight + u128::from(self.to.0 - self.from.0) * bent
        } else {
            straight.saturating_sub(u128::from(self.from.0 - self.to.0) * bent)
        };
        (area << 32) / SCALE
    }

    fn reach(&mut self, expected: u128) -> Option<u64> {
        let end = self.count(self.over.0);
        if expected > end {
            return self.over.0.checked_add(time_of(self.to, expected - end)?);
        }
        // Gallops from the last event to an upper bound, then halves: a gap is much shorter than the ramp.
        let (mut low, mut step) = (self.last, 1_024);
        let mut high = low.saturating_add(step).min(self.over.0);
        while self.count(high) < expected {
            low = high;
            step *= 2;
            high = low.saturating_add(step).min(self.over.0);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if self.count(middle) < expected {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.last = low;
        Some(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;
    use crate::time::SECOND;

    fn times(arrival: &Arrival, until: u64) -> Vec<u64> {
        let gaps = Exponential::new();
        let mut clock = ArrivalClock::new(arrival).unwrap();
        let mut stream = Seed(11).stream("test");
        std::iter::from_fn(|| clock.next(stream.word(), &gaps))
            .map(|time| time.0)
            .take_while(|time| *time < until)
            .collect()
    }

    fn counted(times: &[u64], from: u64, to: u64) -> u64 {
        times
            .iter()
            .filter(|time| (from..to).contains(*time))
            .count() as u64
    }

    #[test]
    fn a_constant_rate_does_not_drift_although_its_interval_is_no_whole_number() {
        let times = times(&Arrival::Constant(Rate::per_second(3)), 1_000 * SECOND);
        assert_eq!(times[0], 333_333_333);
        assert_eq!(times[2], SECOND);
        assert_eq!(times[2_996], 999 * SECOND);
    }

    #[test]
    fn poisson_gaps_have_the_mean_and_the_p99_of_an_exponential() {
        let times = times(&Arrival::Poisson(Rate::per_second(2_000)), 100 * SECOND);
        assert!(times.len().abs_diff(200_000) < 1_800, "{}", times.len());
        let mut gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        // −ln(0.01) = 4.605 means of 500 us.
        let p99 = gaps[gaps.len() * 99 / 100];
        assert!(p99.abs_diff(2_302_585) < 40_000, "p99 {p99}");
        assert!(gaps[gaps.len() / 2].abs_diff(346_574) < 5_000);
    }

    #[test]
    fn bursts_have_the_peak_rate_and_nothing_else_has() {
        let arrival = Arrival::Bursts {
            base: Rate::per_second(100),
            peak: Rate::per_second(2_000),
            every: Span::secs(10),
            lasts: Span::secs(2),
        };
        let times = times(&arrival, 100 * SECOND);
        assert!(counted(&times, 0, 10 * SECOND).abs_diff(1_000) < 130);
        for period in 1..10 {
            let start = period * 10 * SECOND;
            let burst = counted(&times, start, start + 2 * SECOND);
            let calm = counted(&times, start + 2 * SECOND, start + 10 * SECOND);
            assert!(burst.abs_diff(4_000) < 260, "{burst} in burst {period}");
            assert!(calm.abs_diff(800) < 115, "{calm} after burst {period}");
        }
    }

    #[test]
    fn bursts_may_be_silent_between() {
        let arrival = Arrival::Bursts {
            base: Rate(0),
            peak: Rate::per_second(10),
            every: Span::secs(10),
            lasts: Span::secs(1),
        };
        let times = times(&arrival, 100 * SECOND);
        assert!(!times.is_empty());
        assert!(times.iter().all(|time| time % (10 * SECOND) <= SECOND));
    }

    #[test]
    fn a_ramp_grows_evenly_and_then_stays() {
        for (from, to) in [(0, 1_000), (1_000, 0), (500, 1_000)] {
            let arrival = Arrival::Ramp {
                from: Rate::per_second(from),
                to: Rate::per_second(to),
                over: Span::secs(100),
            };
            let times = times(&arrival, 200 * SECOND);
            assert!(times.is_sorted());
            for quarter in 0..4 {
                let start = quarter * 25;
                // The integral of the rate over 25 s is the rate in the middle times 25.
                let middle = start as i64 * 2 + 25;
                let rate = from as i64 * 200 + (to as i64 - from as i64) * middle;
                let expected = (rate / 8) as u64;
                let seen = counted(&times, start * SECOND, (start + 25) * SECOND);
                let slack = 4 * expected.isqrt() + 10;
                assert!(seen.abs_diff(expected) < slack, "{seen} of {expected}");
            }
            let after = counted(&times, 100 * SECOND, 200 * SECOND);
            assert!(after.abs_diff(to * 100) <= 4 * (to * 100).isqrt());
        }
    }

    #[test]
    fn a_rate_of_zero_owes_nothing() {
        assert!(times(&Arrival::Poisson(Rate(0)), SECOND).is_empty());
        let silent = Arrival::Bursts {
            base: Rate(0),
            peak: Rate(0),
            every: Span::secs(1),
            lasts: Span::secs(1),
        };
        assert!(times(&silent, SECOND).is_empty());
    }
}
