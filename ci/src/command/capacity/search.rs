//! The highest rate that meets every objective: a bracket by doubling or halving, then bisection.
//!
//! Model: what meets a rate meets all lower ones. Where that is not so the search still ends, and says so.

use stormglass_core::units::Rate;

/// Steps from the first rate before the search gives up.
pub const STEPS: u32 = 10;
/// No simulated source is faster.
const HIGHEST: Rate = Rate::per_second(10_000_000);

/// What a search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The highest rate that meets the objectives, and the lowest found that does not.
    Between(Rate, Rate),
    /// The highest rate allowed meets them.
    AtLeast(Rate),
    /// The lowest rate tried does not meet them.
    Nowhere(Rate),
}

/// Where the search looks.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The first rate.
    pub start: Rate,
    /// No lower one is tried.
    pub low: Option<Rate>,
    /// No higher one is tried.
    pub high: Option<Rate>,
}

/// A rate of four digits: what a search of 1 % needs, and a table shows.
fn rounded(rate: u64) -> u64 {
    let digits = rate.checked_ilog10().unwrap_or(0);
    let unit = 10_u64.pow(digits.saturating_sub(3));
    rate / unit * unit
}

/// Searches; `meets` judges one rate.
pub fn search<E>(
    bounds: Bounds,
    meets: &mut dyn FnMut(Rate) -> Result<bool, E>,
) -> Result<Found, E> {
    let top = bounds.high.unwrap_or(HIGHEST).min(HIGHEST);
    let bottom = bounds.low.unwrap_or(Rate(1));
    let mut low = bounds.low.unwrap_or(bounds.start).clamp(bottom, top);
    let mut high = None;
    let mut halvings = 0;
    while !meets(low)? {
        let next = Rate((low.0 / 2).max(bottom.0));
        if halvings == STEPS || next == low {
            return Ok(Found::Nowhere(low));
        }
        (high, low, halvings) = (Some(low), next, halvings + 1);
    }
    let mut high = match high {
        Some(high) => high,
        None => loop {
            if low == top {
                return Ok(Found::AtLeast(top));
            }
            let next = Rate(low.0.saturating_mul(2)).min(top);
            if !meets(next)? {
                break next;
            }
            low = next;
        },
    };
    while (high.0 - low.0) > low.0 / 100 {
        let middle = rounded(low.0 + (high.0 - low.0) / 2);
        let middle = Rate(if middle > low.0 { middle } else { low.0 + 1 });
        if middle >= high {
            break;
        }
        if meets(middle)? {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(Found::Between(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(start: u64, low: Option<u64>, high: Option<u64>, limit: u64) -> (Found, u32) {
        let mut probes = 0;
        let bounds = Bounds {
            start: Rate::per_second(start),
            low: low.map(Rate::per_second),
            high: high.map(Rate::per_second),
        };
        let found = search::<()>(bounds, &mut |rate| {
            probes += 1;
            Ok(rate <= Rate::per_second(limit))
        });
        (found.unwrap(), probes)
    }

    #[test]
    fn a_bracket_of_one_per_cent_holds_the_limit_wherever_the_search_begins() {
        for start in [10, 100, 1_000, 3_333, 50_000] {
            let (found, probes) = found(start, None, None, 3_137);
            let Found::Between(low, high) = found else {
                panic!("{found:?}");
            };
            assert!(low <= Rate::per_second(3_137) && high > Rate::per_second(3_137));
            assert!(high.0 - low.0 <= low.0 / 100, "{low} {high}");
            assert!(probes < 24, "{probes}");
        }
    }

    #[test]
    fn bounds_are_not_left() {
        let at = Rate::per_second;
        assert_eq!(found(100, None, Some(500), 900).0, Found::AtLeast(at(500)));
        assert_eq!(found(100, Some(200), None, 150).0, Found::Nowhere(at(200)));
        let (between, _) = found(100, Some(200), Some(900), 700);
        assert!(matches!(between, Found::Between(low, high) if low <= at(700) && at(700) < high));
    }
}
