//! Who is followed through a run.

use std::str::FromStr;
use stormglass_core::event::EventId;

/// Events of a key that are followed at most.
pub const MOST_OF_KEY: usize = 20;

/// Who is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// One event.
    Event(EventId),
    /// The first events of a key.
    Key {
        /// The key.
        key: u64,
        /// How many of them.
        most: usize,
    },
}

/// Reads `0:17`, an event by its source and number, or `key=7`.
impl FromStr for Follow {
    type Err = String;

    fn from_str(text: &str) -> Result<Follow, String> {
        let wrong = || format!("{text:?} is neither an event such as 0:17 nor a key such as key=7");
        if let Some(key) = text.strip_prefix("key=") {
            let key = key.parse().map_err(|_| wrong())?;
            return Ok(Follow::Key {
                key,
                most: MOST_OF_KEY,
            });
        }
        let (source, number) = text.split_once(':').ok_or_else(wrong)?;
        let source = source.parse().map_err(|_| wrong())?;
        let number = number.parse().map_err(|_| wrong())?;
        Ok(Follow::Event(EventId { source, number }))
    }
}
