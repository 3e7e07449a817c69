//! Objectives that are given beside the file, on the command line. They are judged like the file's own.

use crate::error::{ScenarioError, SourceText};
use crate::load::ScenarioFile;
use crate::spec::references::unknown_fault;
use crate::spec::slo::{self, Slo, SloError};

/// Adds the objectives `texts` to every case of a file; one that the file has too counts once. `option` is
/// what a mistake is said to stand in, such as `--slo`.
///
/// # Errors
/// At the first mistake, with its place inside the expression.
pub fn add(file: &mut ScenarioFile, option: &str, texts: &[String]) -> Result<(), ScenarioError> {
    for text in texts {
        let at = |mistake: SloError| {
            let source = SourceText {
                file: option.to_owned(),
                text: text.clone(),
            };
            source.error(mistake.span, mistake.message, mistake.hint)
        };
        let slo = slo::parse(text).map_err(at)?;
        let same = |other: &Slo| other.to_string() == slo.to_string();
        for case in &mut file.cases {
            if let Some(mistake) = unknown_fault(&slo, &case.scenario) {
                return Err(at(mistake));
            }
            for scenario in [&mut case.scenario, &mut case.written] {
                if !scenario.expect.slo.iter().any(same) {
                    scenario.expect.slo.push(slo.clone());
                }
            }
        }
    }
    Ok(())
}
