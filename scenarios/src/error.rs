//! The user's mistake, pointed at: file, line, column, the offending line with a caret, and a hint.
//! Every way of reading a scenario or a trace ends in this one type; the command line makes it exit code 2.

use std::fmt;
use std::ops::Range;

/// Columns of an offending line that are shown at most; longer lines are cut around the caret.
const SHOWN: usize = 100;

/// What is wrong with a file, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ScenarioError {
    /// The file as it was named on the command line.
    pub file: String,
    /// The line, counted from 1; 0 if the mistake is the file itself.
    pub line: usize,
    /// The column in characters, counted from 1; 0 if the mistake is the file itself.
    pub column: usize,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// The offending line and a caret below it; empty if the mistake is the file itself.
    pub excerpt: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.message)?;
        } else {
            write!(
                f,
                "{}:{}:{}: {}",
                self.file, self.line, self.column, self.message
            )?;
        }
        if !self.excerpt.is_empty() {
            write!(f, "\n{}", self.excerpt)?;
        }
        if !self.hint.is_empty() {
            write!(f, "\n  hint: {}", self.hint)?;
        }
        Ok(())
    }
}

impl ScenarioError {
    /// A mistake that is the whole file, such as one that cannot be read.
    #[must_use]
    pub fn of_file(file: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        ScenarioError {
            file: file.to_owned(),
            line: 0,
            column: 0,
            message: message.into(),
            hint: hint.into(),
            excerpt: String::new(),
        }
    }
}

/// A file's text, which mistakes point into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    /// The file as it was named.
    pub file: String,
    /// Its text.
    pub text: String,
}

impl SourceText {
    /// A mistake at a range of bytes. A range outside the text points at its end.
    #[must_use]
    pub fn error(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> ScenarioError {
        let start = self.boundary(span.start);
        let end = self.boundary(span.end.max(span.start));
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = self.text[..start].matches('\n').count() + 1;
        let column = self.text[line_start..start].chars().count() + 1;
        let content = self.text[line_start..].lines().next().unwrap_or("");
        let width = self.text[start..end]
            .lines()
            .next()
            .map_or(0, |marked| marked.chars().count());
        ScenarioError {
            file: self.file.clone(),
            line,
            column,
            message: message.into(),
            hint: hint.into(),
            excerpt: excerpt(line, content, column, width),
        }
    }

    /// The last character boundary at or before `at`.
    fn boundary(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

/// The line behind its number and carets under `width` characters from `column`.
#[must_use]
pub(crate) fn excerpt(line: usize, content: &str, column: usize, width: usize) -> String {
    let skipped = (column - 1).saturating_sub(SHOWN / 2);
    let shown: String = content
        .chars()
        .skip(skipped)
        .take(SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let at = column - 1 - skipped;
    let room = shown.chars().count().saturating_sub(at).max(1);
    let number = line.to_string();
    format!(
        "  {number} | {shown}\n  {:gutter$} | {:at$}{}",
        "",
        "",
        "^".repeat(width.clamp(1, room)),
        gutter = number.len(),
    )
}

/// The known name nearest to `name`, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|candidate| {
            let distance =
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase().replace('-', "_"));
            (distance, candidate)
        })
        .min()
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .map(|(_, candidate)| candidate)
}

/// "did you mean …?" if a known name is near, a list of them otherwise.
#[must_use]
pub fn suggest<'a>(name: &str, what: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("no {what} is known here"),
        None => format!("{what} known here: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_points_into_the_line_in_characters() {
        let source = SourceText {
            file: "a.toml".to_owned(),
            text: "# é\nkey = \"é\" x\n".to_owned(),
        };
        let at = source.text.find('x').unwrap();
        let error = source.error(at..at + 1, "stray", "remove it");
        assert_eq!((error.line, error.column), (2, 11));
        assert_eq!(
            error.to_string(),
            "a.toml:2:11: stray\n  2 | key = \"é\" x\n    |           ^\n  hint: remove it"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let source = SourceText {
            file: "a.toml".to_owned(),
            text: "x".repeat(100_000),
        };
        let error = source.error(50_000..100_000, "long", "");
        assert!(error.excerpt.len() < 400, "{}", error.excerpt.len());
        assert_eq!(error.column, 50_001);
    }

    #[test]
    fn a_range_past_the_end_points_at_the_end() {
        let source = SourceText {
            file: "a.toml".to_owned(),
            text: String::new(),
        };
        assert_eq!(source.error(7..9, "empty", "").line, 1);
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        assert_eq!(nearest("nodez", ["nodes", "topics"]), Some("nodes"));
        assert_eq!(
            nearest("min-insync-replicas", ["min_insync_replicas"]),
            Some("min_insync_replicas")
        );
        assert_eq!(nearest("banana", ["nodes", "topics"]), None);
    }
}
