//! The same units for the schema of scenario files: regular expressions of what the parsers beside this file
//! read, made from their tables of units.
//!
//! *Limits*: an expression cannot see that a number is too large; everything else it decides as the parser does.

use super::{RATE_UNITS, Rate, SIZE_UNITS, Size, TIME_UNITS, Time};
use crate::time::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// Digits with at most one dot, and underscores anywhere.
const NUMBER: &str = r"_*(?:[0-9][0-9_]*\.?[0-9_]*|\._*[0-9][0-9_]*)";

fn any<T>(units: &[(&str, T)]) -> String {
    let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
    format!("(?:{})", names.join("|"))
}

/// What `parse_span` reads, without anchors.
#[must_use]
pub fn span() -> String {
    format!(r"\s*{NUMBER}\s*{}\s*", any(TIME_UNITS))
}

/// What `parse_size` reads, without anchors.
#[must_use]
pub fn size() -> String {
    format!(r"\s*{NUMBER}\s*{}\s*", any(SIZE_UNITS))
}

/// What `parse_rate` reads, without anchors.
#[must_use]
pub fn rate() -> String {
    format!(r"\s*{NUMBER}\s*/\s*{}\s*", any(RATE_UNITS))
}

/// The schema of a text that matches `pattern` as a whole.
#[must_use]
pub fn text(pattern: &str, examples: &[&str]) -> Schema {
    json_schema!({ "type": "string", "pattern": format!("^(?:{pattern})$"), "examples": examples })
}

macro_rules! by_pattern {
    ($type:ty, $name:literal, $pattern:expr, $examples:expr) => {
        impl JsonSchema for $type {
            // Written out at each setting: editors that stop at a reference would lose the setting's own words.
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                text(&$pattern, &$examples)
            }
        }
    };
}

by_pattern!(Span, "Span", span(), ["250ms", "1.5s", "10min"]);
by_pattern!(Time, "Time", span(), ["10s"]);
by_pattern!(Size, "Size", size(), ["16KiB", "1MB"]);
by_pattern!(Rate, "Rate", rate(), ["2000/s", "5/min"]);
