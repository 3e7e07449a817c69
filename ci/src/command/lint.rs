//! `stormglass lint`: what designs may lose, double or stall, without running anything.

use super::list::named;
use crate::args::LintArgs;
use crate::error::Failure;
use crate::say;
use stormglass_reports::model::value::counted;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::lint::{Finding, Level, Rule, lint as find};
use stormglass_scenarios::load::load;

/// Runs the command: 0 if no design may break what its scenario promises or asks for, 1 otherwise.
pub fn lint(catalog: &Catalog, args: &LintArgs) -> Result<u8, Failure> {
    for rule in &args.allow {
        if !Rule::ALL.iter().any(|known| known.name() == rule) {
            let known: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
            return Err(Failure::usage(
                format!("there is no rule `{rule}`"),
                format!("the rules are {}", known.join(", ")),
            ));
        }
    }
    let names = catalog.names();
    let (mut cases, mut warnings, mut notes) = (0_u64, 0_u64, 0_u64);
    for path in named(&args.scenarios)? {
        let file = load(&path, &names)?;
        let mut told: Vec<Finding> = Vec::new();
        for case in &file.cases {
            cases += 1;
            for finding in find(&file, case) {
                // A variant shares most of what the file says; what was said of it is not said again.
                let is_allowed = args.allow.iter().any(|name| name == finding.rule.name());
                if is_allowed || told.contains(&finding) {
                    continue;
                }
                match finding.level {
                    Level::Warning => warnings += 1,
                    Level::Note => notes += 1,
                }
                say(&shown(&finding, case.variant.as_deref()))?;
                told.push(finding);
            }
        }
    }
    say(&format!(
        "{}: {}, {}",
        counted(cases, "case"),
        counted(warnings, "warning"),
        counted(notes, "note")
    ))?;
    Ok(u8::from(warnings > 0))
}

fn shown(finding: &Finding, variant: Option<&str>) -> String {
    let of = variant.map_or_else(String::new, |name| format!(" (variant {name})"));
    format!(
        "{}[{}]{of}: {}\n  leads to: {}\n",
        finding.level.name(),
        finding.rule.name(),
        finding.at,
        finding.rule.leads_to()
    )
}
