//! Objectives that are given beside the file, on the command line. They are judged like the file's own.

use crate::error::{ScenarioError, SourceText};
use crate::load::ScenarioFile;
use crate::spec::references::misplaced;
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
            if let Some(mistake) = misplaced(&slo, &case.scenario) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::load::load_text;

    #[test]
    fn a_planned_fault_that_is_not_there_is_pointed_at_inside_the_expression() {
        let text = include_str!("../../ci/src/command/init.toml").to_owned();
        let mut file = load_text("a.toml", text, &Catalog::new().names()).unwrap();
        let before = file.base().scenario.expect.slo.len();
        let wrong = ["recovery < 10s during 'leader'".to_owned()];
        let error = add(&mut file, "--slo", &wrong).unwrap_err();
        assert_eq!((error.line, error.column), (1, 23));
        assert!(
            error
                .message
                .contains("no planned fault is called 'leader'")
        );
        let given = ["lost  =  0".to_owned(), "backlog < 1e5".to_owned()];
        add(&mut file, "--slo", &given).unwrap();
        for case in &file.cases {
            let slo = &case.scenario.expect.slo;
            assert_eq!(slo.len(), before + 1, "the file has the first already");
        }
    }
}
