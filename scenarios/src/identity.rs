//! What a scenario's figures depend on, told apart from how its file is written: the settings that a baseline
//! holds on to, and the versions of the models (decisions B12).

use crate::load::Case;
use crate::spec::Scenario;
use crate::spec::print;
use crate::spec::slo::Metric;
use std::collections::BTreeMap;

/// Versions of the models by the name of what they model. A version grows with a change of behaviour after
/// which figures are not worth comparing with those of before; other changes leave it, and a baseline shows
/// what they do.
const VERSIONS: [(&str, u32); 8] = [
    ("fanout", 1),
    ("lease", 1),
    ("log", 1),
    ("processor", 1),
    ("queue", 1),
    ("sink", 1),
    ("source", 1),
    ("world", 1),
];

/// The models that a scenario uses, with their versions, such as `log/1`.
#[must_use]
pub fn models(scenario: &Scenario) -> Vec<String> {
    let uses = |name: &str| match name {
        "lease" => !scenario.leases.is_empty(),
        "processor" => !scenario.processors.is_empty(),
        "sink" => !scenario.sinks.is_empty(),
        "source" => !scenario.sources.is_empty(),
        "world" => true,
        broker => scenario.brokers.values().any(|spec| spec.kind() == broker),
    };
    let used = VERSIONS.iter().filter(|(name, _)| uses(name));
    used.map(|(name, version)| format!("{name}/{version}"))
        .collect()
}

/// Every setting that the figures of a run depend on, defaults spelled out: neither comments, order and
/// spelling of the file, nor what is asked of the runs, nor how many a gate makes.
#[must_use]
pub fn settings(case: &Case) -> BTreeMap<String, String> {
    let mut settings = print::settings(&case.written);
    settings.retain(|key, _| key != "run.seeds" && !key.starts_with("expect."));
    let slos = &case.written.expect.slo;
    if slos.iter().any(|slo| slo.metric == Metric::Recovery) {
        // Then the time to recover is held against a fault-free twin of the run (decisions B4).
        settings.insert("expect.slo.recovery".to_owned(), "\"asked\"".to_owned());
    }
    for (source, trace) in &case.traces {
        let key = format!("source.{source}.arrival.trace.content");
        settings.insert(key, format!("\"{:016x}\"", trace.digest()));
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::load::load_text;

    fn case(text: &str) -> Case {
        let file = load_text("a.toml", text.to_owned(), &Catalog::new().names()).unwrap();
        file.cases[0].clone()
    }

    #[test]
    fn comments_order_spelling_and_what_is_asked_are_no_settings() {
        let text = include_str!("../../ci/src/command/init.toml");
        let other = text
            .replace("# Is every order", "# Has every order")
            .replace(
                "warmup = \"2s\"        # nothing",
                "warmup = \"2000ms\" # nothing",
            )
            .replace("kind = \"log\"\nnodes = 3\n", "nodes = 3\nkind = \"log\"\n")
            .replace("seeds = 32", "seeds = 64")
            .replace("< 500ms during calm", "< 400ms during calm");
        assert_ne!(text, other);
        assert_eq!(settings(&case(text)), settings(&case(&other)));
        let other = text.replace("200/s", "201/s");
        assert_ne!(settings(&case(text)), settings(&case(&other)));
        let other = text.replace("\"lost = 0\"", "\"recovery < 10s\"");
        assert_ne!(settings(&case(text)), settings(&case(&other)));
    }

    #[test]
    fn only_models_in_use_are_named() {
        let text = include_str!("../../ci/src/command/init.toml");
        let models = models(&case(text).scenario);
        assert_eq!(
            models,
            ["log/1", "processor/1", "sink/1", "source/1", "world/1"]
        );
    }
}
