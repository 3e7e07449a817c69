//! Events written one by one: what a shrunk failure keeps of a stream.

use crate::event::Event;
use crate::source::trace::TraceRow;
use crate::time::{Span, Time};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One event of a source that owes just these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListedEvent {
    /// When it is owed, from the start of the run.
    pub at: Span,
    /// What it is about.
    pub key: Key,
    /// What it says.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub value: i64,
    /// What kind of fact it is.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub kind: u16,
    /// Bytes; the source's if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// How far its event time lies behind `at`.
    #[serde(default, skip_serializing_if = "is_no_span")]
    pub lag: Span,
    /// How far its event time lies ahead of `at`, as clocks of devices may.
    #[serde(default, skip_serializing_if = "is_no_span")]
    pub lead: Span,
}

const fn one() -> i64 {
    1
}

// serde hands over references.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_one(value: &i64) -> bool {
    *value == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(value: &u16) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_no_span(span: &Span) -> bool {
    *span == Span::ZERO
}

impl ListedEvent {
    /// The event as a list has it; `size` is the source's.
    #[must_use]
    pub fn of_event(event: &Event, size: u32) -> ListedEvent {
        let row = TraceRow {
            arrival: event.due,
            event_time: event.event_time,
            key: event.key,
            kind: event.kind,
            value: event.value,
            size: event.size,
        };
        ListedEvent::of_row(&row, size)
    }

    fn of_row(row: &TraceRow, size: u32) -> ListedEvent {
        let ahead = row.event_time.saturating_sub_unsigned(row.arrival.0);
        let part = |span: i64| Span(u64::try_from(span).unwrap_or(0));
        ListedEvent {
            at: Span(row.arrival.0),
            key: Key(row.key),
            value: row.value,
            kind: row.kind,
            size: (row.size != size).then_some(row.size),
            lag: part(ahead.saturating_neg()),
            lead: part(ahead),
        }
    }

    /// The event as a source plays it; `size` is the source's.
    #[must_use]
    pub fn row(&self, size: u32) -> TraceRow {
        let at = i64::try_from(self.at.0).unwrap_or(i64::MAX);
        TraceRow {
            arrival: Time(self.at.0),
            event_time: at
                .saturating_sub_unsigned(self.lag.0)
                .saturating_add_unsigned(self.lead.0),
            key: self.key.0,
            kind: self.kind,
            value: self.value,
            size: self.size.unwrap_or(size),
        }
    }
}

/// A key as a file writes it: a number, or `"0x…"` where the hash of a text exceeds what TOML counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(pub u64);

/// Either form of a key.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Number(i64),
    Hash(String),
}

impl Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(self.0) {
            Ok(number) => Written::Number(number),
            Err(_) => Written::Hash(format!("{:#018x}", self.0)),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        let said = "a key is a whole number from 0, or its hash such as \"0x8f3a000000000001\"";
        let written = Written::deserialize(deserializer);
        let key = match written.map_err(|_| serde::de::Error::custom(said))? {
            Written::Number(number) => u64::try_from(number).ok(),
            Written::Hash(text) => text
                .strip_prefix("0x")
                .and_then(|digits| u64::from_str_radix(digits, 16).ok()),
        };
        key.map(Key).ok_or_else(|| serde::de::Error::custom(said))
    }
}

impl JsonSchema for Key {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Key")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": "^0x[0-9a-fA-F]{1,16}$" },
        ]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_listed_event_is_the_row_it_was_made_from(
            (arrival, event_time) in (0..1_u64 << 60, -(1_i64 << 60)..1_i64 << 60),
            (key, kind, value, size) in (any::<u64>(), any::<u16>(), any::<i64>(), 1_u32..5),
        ) {
            let row = TraceRow { arrival: Time(arrival), event_time, key, kind, value, size };
            let listed = ListedEvent::of_row(&row, 3);
            prop_assert_eq!(listed.row(3), row);
        }
    }
}
