//! `results.sarif`: SARIF 2.1.0, one result a finding, at the line of the scenario that asks for it.

use crate::findings::{self, Finding, Level};
use crate::summary::Summary;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Where the format is described.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// Results kept; code hosts take no more of one run.
const RESULTS: usize = 1_000;

/// The file, indented and ending in a newline.
#[must_use]
pub fn render(summary: &Summary) -> String {
    let findings = findings::of(summary);
    let mut rules: BTreeMap<&str, &str> = BTreeMap::new();
    for finding in &findings {
        rules.entry(&finding.rule).or_insert(&finding.about);
    }
    let place = |rule: &str| rules.keys().position(|known| *known == rule).unwrap_or(0);
    let results = findings.iter().take(RESULTS);
    let results: Vec<Value> = results
        .map(|finding| result(finding, place(&finding.rule), summary))
        .collect();
    let rules: Vec<Value> = rules
        .iter()
        .map(|(rule, about)| {
            let about = if about.is_empty() { rule } else { about };
            json!({ "id": rule, "shortDescription": { "text": about } })
        })
        .collect();
    let sarif = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "stormglass",
                "version": summary.identity.tool_version,
                "rules": rules,
            } },
            "automationDetails": { "id": format!("stormglass/{}/", summary.title()) },
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": {
                "exitCode": summary.exit.code,
                "fingerprint": summary.fingerprint,
                "seeds": summary.seeds.total(),
            },
        }],
    });
    let mut text = serde_json::to_string_pretty(&sarif).expect("text keys and no failing writer");
    text.push('\n');
    text
}

fn result(finding: &Finding, rule: usize, summary: &Summary) -> Value {
    let level = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    };
    let mut result = json!({
        "ruleId": finding.rule,
        "ruleIndex": rule,
        "level": level,
        "message": { "text": format!("{}\n{}", finding.title, finding.message) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&summary.identity.file) },
            "region": { "startLine": finding.line },
        } }],
        "partialFingerprints": { "stormglassSignature/v1": finding.fingerprint(summary) },
        "occurrenceCount": finding.count.max(1),
    });
    if let Some(why) = &finding.known {
        result["suppressions"] = json!([{ "kind": "external", "justification": why }]);
    }
    result
}

/// A path as a relative reference of RFC 3986: what it does not know is written in hexadecimal.
fn uri(path: &str) -> String {
    let mut text = String::new();
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(byte));
            }
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_reference() {
        assert_eq!(uri("scenarios/a b.toml"), "scenarios/a%20b.toml");
        assert_eq!(uri(r"a\ü:<x>"), "a/%C3%BC%3A%3Cx%3E");
    }
}
