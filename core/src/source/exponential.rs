//! Exponentially distributed numbers of mean 1 without floating point at run time.
//!
//! `−ln(u)` of a 64-bit fraction is its leading zeros times `ln 2` plus the logarithm of the rest, read
//! from a table built once with libm. So the tail is exact down to 2⁻⁶⁴ (a gap of 44 means), where a table
//! of quantiles would be cut.

/// Steps of the table; the error of linear interpolation is below 1.2e-7.
const STEPS: usize = 1_024;

/// 1.0 in the fixed-point numbers of this module.
pub const ONE: u64 = 1 << 32;

/// The inverse of the exponential distribution.
#[derive(Clone, Debug)]
pub struct Exponential {
    /// `−ln((1024 + i) / 2048)` in units of 2⁻³², falling from `ln 2` to 0.
    table: [u64; STEPS + 1],
    ln_2: u64,
}

impl Default for Exponential {
    fn default() -> Exponential {
        Exponential::new()
    }
}

impl Exponential {
    /// Builds the table.
    #[must_use]
    pub fn new() -> Exponential {
        let fixed = |value: f64| (value * ONE as f64 + 0.5) as u64;
        let mut table = [0; STEPS + 1];
        for (i, value) in table.iter_mut().enumerate() {
            *value = fixed(-libm::log((STEPS + i) as f64 / (2 * STEPS) as f64));
        }
        Exponential {
            table,
            ln_2: fixed(core::f64::consts::LN_2),
        }
    }

    /// The value for a uniformly drawn `word`, in units of 2⁻³².
    #[must_use]
    pub fn at(&self, word: u64) -> u64 {
        let word = word | 1;
        let zeros = word.leading_zeros();
        let mantissa = word << zeros;
        let step = (mantissa >> 53) as usize & (STEPS - 1);
        let place = mantissa >> 21 & 0xFFFF_FFFF;
        let fall = ((self.table[step] - self.table[step + 1]) * place) >> 32;
        u64::from(zeros) * self.ln_2 + self.table[step] - fall
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn mean_and_share_above(words: impl Iterator<Item = u64>, bound: u64) -> (u64, u64) {
        let table = Exponential::new();
        let (mut sum, mut above, mut n) = (0_u128, 0, 0);
        for word in words {
            let value = table.at(word);
            sum += u128::from(value);
            above += u64::from(value > bound);
            n += 1;
        }
        ((sum * 1_000_000 / n / u128::from(ONE)) as u64, above)
    }

    #[test]
    fn the_mean_is_one_and_the_tail_is_not_cut() {
        let mut stream = Seed(1).stream("test");
        let words = (0..1_000_000).map(move |_| stream.word());
        // e⁻¹⁰ of a million draws are 45 above ten means; the standard deviation is 6.7.
        let (mean, above) = mean_and_share_above(words, 10 * ONE);
        assert!(mean.abs_diff(1_000_000) < 4_000, "mean {mean} millionths");
        assert!((25..66).contains(&above), "{above} above ten means");
    }

    #[test]
    fn it_falls_without_jumps_as_the_word_grows() {
        let table = Exponential::new();
        let mut last = u64::MAX;
        for word in (0..65_536_u64).map(|i| i << 48 | 0x8000_0000) {
            let value = table.at(word);
            assert!(value < last, "{value} after {last}");
            last = value;
        }
        assert!(table.at(u64::MAX) < 4, "−ln(1) is {}", table.at(u64::MAX));
        assert!(table.at(0) > 44 * ONE);
    }
}
