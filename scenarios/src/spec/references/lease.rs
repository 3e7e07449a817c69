//! Who writes under which lease.

use super::Checked;
use crate::error::suggest;
use crate::spec::parse::Reader;
use crate::spec::{BrokerSpec, Scenario};
use stormglass_core::processor::config::DeliveryMode;

/// Judges the lease of a processor that reads from `broker`.
pub(super) fn check(
    reader: &Reader<'_>,
    scenario: &Scenario,
    processor: &str,
    broker: &str,
) -> Checked {
    let config = &scenario.processors[processor];
    let Some(written) = &config.lease else {
        return Ok(());
    };
    let at = |key: &str| format!("processor.{processor}.{key}");
    let Some(name) = written.strip_prefix("lease.") else {
        return Err(reader.error(
            &at("lease"),
            format!("a processor writes under a lease, and {written:?} is none"),
            "write \"lease.<name>\"",
        ));
    };
    let Some(lease) = scenario.leases.get(name) else {
        let known = scenario.leases.keys().map(String::as_str);
        return Err(reader.error(
            &at("lease"),
            format!("no lease is called `{name}`"),
            suggest(name, "leases", known),
        ));
    };
    if matches!(scenario.brokers[broker], BrokerSpec::Log(_)) {
        return Err(reader.error(
            &at("lease"),
            format!("`{broker}` is a log, whose group says who may write"),
            "read from a queue or fan-out broker, or use exactly-once, which fences by generation",
        ));
    }
    if config.delivery != DeliveryMode::AtLeastOnce {
        return Err(reader.error(
            &at("delivery"),
            "a processor under a lease gives back what it may not write, which needs at-least-once",
            "use at-least-once, or remove the lease",
        ));
    }
    // The holder sends its last write so long before the end, and has to have some of the lease left.
    if config.request_timeout >= lease.duration {
        return Err(reader.error(
            &at("request_timeout"),
            format!(
                "`request_timeout` ({}) is not shorter than `lease.{name}.duration` ({})",
                config.request_timeout, lease.duration
            ),
            "a holder stops that long before the end of its lease: lengthen the lease, or wait less",
        ));
    }
    Ok(())
}

/// Every lease has a processor.
pub(super) fn check_used(reader: &Reader<'_>, scenario: &Scenario) -> Checked {
    for name in scenario.leases.keys() {
        let written = format!("lease.{name}");
        let mut processors = scenario.processors.values();
        if !processors.any(|config| config.lease.as_ref() == Some(&written)) {
            return Err(reader.source.error(
                reader.spans.key(&written),
                format!("nobody writes under lease `{name}`"),
                format!("write a processor's `lease` = \"{written}\", or remove the lease"),
            ));
        }
    }
    Ok(())
}
