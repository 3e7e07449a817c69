//! Bounds of a source's buffer.

use super::{Checked, Judge, rate};
use crate::spec::{BrokerSpec, Place, Scenario, place};
use stormglass_core::source::config::{SourceConfig, WhenFull};

pub(super) fn buffer(judge: &Judge<'_>, config: &SourceConfig, scenario: &Scenario) -> Checked {
    let buffer = &config.buffer;
    if let Some(memory) = buffer.memory {
        judge.within("buffer.memory", memory.0, 1, 1 << 40)?;
    }
    let broker = match place(&config.to) {
        Some(Place::Topic { broker, .. }) => scenario.brokers.get(broker),
        Some(Place::Sink(_)) | None => None,
    };
    // Towards a log the producer settings have a bound already.
    let is_bounded = buffer.memory.is_some() || matches!(broker, Some(BrokerSpec::Log(_)));
    match buffer.when_full {
        WhenFull::Block => Ok(()),
        WhenFull::Buffer => judge.need(
            buffer.memory.is_none(),
            "buffer.memory",
            String::from("`when_full = \"buffer\"` has no bound, and `memory` is one"),
            "leave one of them out",
        ),
        WhenFull::Shed => bounded(judge, is_bounded),
        WhenFull::Throttle { above, rate: pace } => {
            bounded(judge, is_bounded)?;
            judge.need(
                above < 1_000,
                "buffer.when_full.throttle.above",
                String::from("a throttle above the whole buffer never begins"),
                "choose a share below 1, such as 0.5",
            )?;
            rate(judge, "buffer.when_full.throttle.rate", pace)
        }
    }
}

fn bounded(judge: &Judge<'_>, is_bounded: bool) -> Checked {
    judge.need(
        is_bounded,
        "buffer.when_full",
        String::from("a buffer without a bound is never full"),
        "give it one, for example memory = \"1MB\"",
    )
}
