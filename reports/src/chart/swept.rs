//! A swept setting as an axis, and what its values are called.

use super::frame::{Axis, rounded};
use crate::compare::sweep::Swept;
use crate::html::words::tame;

/// Values whose largest is so many times the smallest are laid out by their logarithms.
const WIDE: f64 = 20.0;
/// Labels closer than this share of the axis would run into each other.
const APART: f64 = 0.055;

/// A swept setting as a horizontal axis: where each value lies, in their order.
pub struct Layout {
    /// The axis, with a tick for each value.
    pub axis: Axis,
    /// Where the values lie.
    pub places: Vec<f64>,
}

impl Layout {
    /// By number if all values are numbers, by logarithm if they are far apart, else one beside the other.
    pub fn of(swept: &Swept) -> Self {
        let numbers: Vec<f64> = swept
            .values
            .iter()
            .filter_map(|value| value.number)
            .collect();
        let even = || (0..swept.values.len()).map(|place| place as f64).collect();
        let (places, note): (Vec<f64>, &str) = if numbers.len() < swept.values.len() {
            (even(), "")
        } else if is_readable(&numbers) {
            (numbers, "")
        } else if let Some(logarithms) = logarithms(&numbers) {
            (logarithms, ", log")
        } else {
            (even(), ", not to scale")
        };
        let (low, high) = (
            places.iter().copied().fold(f64::INFINITY, f64::min),
            places.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        );
        let room = (high - low) * 0.04;
        let ticks = places.iter().zip(&swept.values);
        let axis = Axis {
            low: low - room,
            high: high + room,
            ticks: ticks
                .map(|(place, value)| (*place, tame(&value.text)))
                .collect(),
            name: format!("{}{note}", tame(&swept.setting)),
            is_time: false,
        };
        Self { axis, places }
    }
}

fn logarithms(numbers: &[f64]) -> Option<Vec<f64>> {
    let (least, most) = (numbers.first()?, numbers.last()?);
    let is_wide = *least > 0.0 && most / least >= WIDE;
    let logarithms = numbers.iter().map(|number| rounded(libm::log10(*number)));
    let logarithms: Vec<f64> = logarithms.collect();
    (is_wide && is_readable(&logarithms)).then_some(logarithms)
}

/// Whether ascending places are far enough from each other for their labels.
fn is_readable(places: &[f64]) -> bool {
    let range = places[places.len() - 1] - places[0];
    places
        .windows(2)
        .all(|pair| pair[1] - pair[0] >= range * APART)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::sweep::SweptValue;

    fn layout(values: &[Option<f64>]) -> Layout {
        Layout::of(&Swept {
            setting: "a.b".to_owned(),
            values: values
                .iter()
                .map(|number| SweptValue {
                    text: "x".to_owned(),
                    number: *number,
                })
                .collect(),
        })
    }

    #[test]
    fn numbers_lie_to_scale_or_by_logarithm_and_words_side_by_side() {
        let places = |values: &[Option<f64>]| layout(values).places;
        assert_eq!(
            places(&[Some(0.0), Some(10.0), Some(20.0)]),
            [0.0, 10.0, 20.0]
        );
        assert_eq!(places(&[Some(1.0), Some(10.0), Some(1e3)]), [0.0, 1.0, 3.0]);
        assert_eq!(places(&[Some(0.0), Some(1.0), Some(1e3)]), [0.0, 1.0, 2.0]);
        assert_eq!(places(&[None, Some(1.0)]), [0.0, 1.0]);
        assert!(
            layout(&[Some(0.0), Some(1.0), Some(1e3)])
                .axis
                .name
                .ends_with("not to scale")
        );
    }
}
