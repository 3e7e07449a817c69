//! Operators that remember nothing.

use super::Operator;
use crate::event::Event;

/// Passes every event on.
#[derive(Debug)]
pub(super) struct Identity;

/// Doubles the value; it wraps.
#[derive(Debug)]
pub(super) struct Double;

/// Keeps events with an even value.
#[derive(Debug)]
pub(super) struct EvenOnly;

macro_rules! stateless {
    ($name:ident, $event:ident, $out:ident => $body:expr) => {
        impl Operator for $name {
            fn apply(&mut self, $event: &Event, $out: &mut Vec<Event>) {
                $body
            }

            fn snapshot(&self) -> Vec<(u64, i64)> {
                Vec::new()
            }

            fn restore(&mut self, _: &[(u64, i64)]) {}

            fn is_stateful(&self) -> bool {
                false
            }
        }
    };
}

stateless!(Identity, event, out => out.push(*event));

stateless!(Double, event, out => out.push(Event {
    value: event.value.wrapping_mul(2),
    ..*event
}));

stateless!(EvenOnly, event, out => if event.value & 1 == 0 {
    out.push(*event);
});
