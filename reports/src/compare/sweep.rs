//! A matrix of settings: which configuration is which cell of it, so that one setting can be drawn as a curve and
//! two as a map.

use super::model::Side;
use serde::Serialize;

/// One setting of a cell, and its value there.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinate {
    /// The path of the setting.
    pub setting: String,
    /// The value as written.
    pub value: String,
    /// The value as a number of its unit, if it is one.
    pub number: Option<f64>,
}

/// A setting that is swept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Swept {
    /// Its path.
    pub setting: String,
    /// Its values: ascending, or as written if one is no number.
    pub values: Vec<SweptValue>,
}

/// A value of a swept setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweptValue {
    /// As written.
    pub text: String,
    /// As a number of its unit, if it is one.
    pub number: Option<f64>,
}

/// A configuration in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The configuration, by its position.
    pub side: usize,
    /// The position of its value in each swept setting.
    pub at: Vec<usize>,
}

/// One or two settings that are swept, and the configurations in their places.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sweep {
    /// The settings; the first is drawn from left to right.
    pub axes: Vec<Swept>,
    /// The cells that were run.
    pub cells: Vec<Cell>,
}

impl Swept {
    /// The last word of its path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.setting.rsplit('.').next().unwrap_or(&self.setting)
    }

    /// Whether every value is a number, so that distances between them mean something.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        self.values.iter().all(|value| value.number.is_some())
    }

    fn place(&self, value: &str) -> Option<usize> {
        self.values.iter().position(|known| known.text == value)
    }
}

impl Sweep {
    /// The sweep that the configurations are; none if fewer than two are cells, or if more than two settings have
    /// several values. A setting that has one value everywhere is no axis.
    #[must_use]
    pub fn of(sides: &[Side]) -> Option<Self> {
        let cells: Vec<(usize, &Side)> = sides
            .iter()
            .enumerate()
            .filter(|(_, side)| !side.cell.is_empty())
            .collect();
        let (_, first) = cells.first()?;
        let swept = first.cell.iter().map(|coordinate| {
            let of_cell = |side: &Side| {
                let mut cell = side.cell.iter();
                cell.find(|other| other.setting == coordinate.setting)
                    .cloned()
            };
            let values = cells.iter().filter_map(|(_, side)| of_cell(side));
            axis(&coordinate.setting, values)
        });
        let axes: Vec<Swept> = swept.filter(|axis| axis.values.len() > 1).collect();
        if !(1..=2).contains(&axes.len()) {
            return None;
        }
        let cells = cells.iter().filter_map(|(side, configuration)| {
            let at = axes.iter().map(|axis| {
                let mut cell = configuration.cell.iter();
                let value = cell.find(|value| value.setting == axis.setting)?;
                axis.place(&value.value)
            });
            let at = at.collect::<Option<_>>()?;
            Some(Cell { side: *side, at })
        });
        let cells = cells.collect();
        Some(Self { axes, cells })
    }

    /// What a cell is called beside its axes: its values alone, such as `20ms · 3`; none of what is no cell.
    #[must_use]
    pub fn name_of(&self, side: usize) -> Option<String> {
        let cell = self.cells.iter().find(|cell| cell.side == side)?;
        let values = cell.at.iter().zip(&self.axes);
        let values = values.map(|(at, axis)| axis.values[*at].text.as_str());
        Some(values.collect::<Vec<_>>().join(" · "))
    }

    /// The configuration in a place; none if it was not run.
    #[must_use]
    pub fn side_at(&self, at: &[usize]) -> Option<usize> {
        self.cells
            .iter()
            .find(|cell| cell.at == at)
            .map(|cell| cell.side)
    }
}

fn axis(setting: &str, values: impl Iterator<Item = Coordinate>) -> Swept {
    let mut swept = Swept {
        setting: setting.to_owned(),
        values: Vec::new(),
    };
    for Coordinate { value, number, .. } in values {
        if swept.place(&value).is_none() {
            swept.values.push(SweptValue {
                text: value,
                number,
            });
        }
    }
    if swept.is_numeric() {
        swept.values.sort_by(|a, b| {
            let number = |value: &SweptValue| value.number.unwrap_or(0.0);
            number(a).total_cmp(&number(b))
        });
    }
    swept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(cell: &[(&str, &str, Option<f64>)]) -> Side {
        let cell = cell.iter().map(|(setting, value, number)| Coordinate {
            setting: (*setting).to_owned(),
            value: (*value).to_owned(),
            number: *number,
        });
        Side {
            cell: cell.collect(),
            ..Side::default()
        }
    }

    fn texts(axis: &Swept) -> Vec<&str> {
        axis.values
            .iter()
            .map(|value| value.text.as_str())
            .collect()
    }

    #[test]
    fn numbers_are_put_in_order_and_words_stay_as_they_were_written() {
        let sides = [
            side(&[]),
            side(&[("b.linger", "20ms", Some(20.0)), ("b.acks", "all", None)]),
            side(&[("b.linger", "5ms", Some(5.0)), ("b.acks", "all", None)]),
            side(&[("b.linger", "5ms", Some(5.0)), ("b.acks", "1", Some(1.0))]),
        ];
        let sweep = Sweep::of(&sides).unwrap();
        assert_eq!(texts(&sweep.axes[0]), ["5ms", "20ms"]);
        assert_eq!(texts(&sweep.axes[1]), ["all", "1"]);
        assert_eq!(
            [[0, 0], [1, 0], [0, 1], [1, 1]].map(|at| sweep.side_at(&at)),
            [Some(2), Some(1), Some(3), None],
            "a list may leave cells out"
        );
    }

    #[test]
    fn a_setting_with_one_value_is_no_axis_and_three_with_several_are_not_drawn() {
        let one = |a: &'static str, b: &'static str, c: &'static str| {
            side(&[("a", a, None), ("b", b, None), ("c", c, None)])
        };
        let sweep = Sweep::of(&[one("x", "1", "k"), one("x", "2", "k")]).unwrap();
        assert_eq!(sweep.axes.len(), 1);
        assert_eq!(sweep.axes[0].setting, "b");
        let sides = [one("x", "1", "k"), one("y", "1", "l"), one("y", "2", "l")];
        assert_eq!(Sweep::of(&sides), None);
        assert_eq!(Sweep::of(&[side(&[]), side(&[])]), None);
    }
}
