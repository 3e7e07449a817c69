//! Leases and the writes under them.

use super::{Level, Linter, Rule};
use stormglass_core::lease::config::LeaseClock;

impl Linter<'_> {
    pub(super) fn leases(&mut self) {
        let written = &self.case.written;
        for (name, processor) in &written.processors {
            let lease = processor.lease.as_deref();
            let lease = lease.and_then(|path| written.leases.get(path.strip_prefix("lease.")?));
            let Some((lease, (sink_name, sink))) = lease.zip(self.sink(processor)) else {
                continue;
            };
            if sink.refuses_lower_tokens {
                continue;
            }
            let (level, message) = match lease.clock {
                LeaseClock::Wall => (
                    Level::Warning,
                    format!(
                        "processor.{name} holds a lease that ends by wall clocks, and sink.{sink_name} takes writes of \
                         whoever comes: with a clock that is behind, two write"
                    ),
                ),
                LeaseClock::Monotonic => (
                    Level::Note,
                    format!(
                        "sink.{sink_name} takes writes of whoever comes: one that is under way for longer than the \
                         request_timeout of processor.{name} arrives after its lease"
                    ),
                ),
            };
            self.add(
                Rule::LeaseFence,
                level,
                &format!("sink.{sink_name}.refuses_lower_tokens"),
                message,
                "choose refuses_lower_tokens = true, so that the sink knows the latest holder",
            );
        }
    }
}
