//! `known-failures.toml`: failures that are known, each with its reason and the version until which it may stay
//! (decisions B12). Read as strictly as a scenario; an entry that has expired is a mistake.

use crate::error::{ScenarioError, SourceText};
use crate::spec::document;
use serde::Deserialize;
use std::fmt;
use std::path::Path;
use toml::Spanned;
use toml::de::DeValue;

/// More than this is no list that anybody keeps.
const FILE_MAX: u64 = 1 << 20;

/// A failure that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The case that shows it: a scenario's name, with a variant's after a dot.
    pub case: String,
    /// Its signature, as reports write it.
    pub signature: String,
    /// Why it may stay.
    pub reason: String,
    /// The version from which on it is a mistake again.
    pub until: Version,
    /// A seed that shows it, which is run beside the sweep's.
    pub seed: Option<u64>,
    /// Its line in the file, counted from 1.
    pub line: usize,
}

/// A version such as `1.4` or `1.4.2`; what is left out is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version([u32; 3]);

impl Version {
    /// Reads one to three numbers with dots between; what follows a `-` or `+` is not looked at.
    #[must_use]
    pub fn parse(text: &str) -> Option<Version> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let numbers = text.split(['-', '+']).next()?;
        let mut version = [0; 3];
        let mut parts = numbers.split('.');
        for (place, part) in version.iter_mut().zip(parts.by_ref()) {
            *place = part.parse().ok()?;
        }
        parts.next().is_none().then_some(Version(version))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Version([major, minor, patch]) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    known: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    scenario: Spanned<String>,
    signature: Spanned<String>,
    reason: Spanned<String>,
    until_version: Spanned<String>,
    seed: Option<u64>,
}

/// Reads the file, for a gate of version `now`.
///
/// # Errors
/// At the first mistake; an entry that has expired is one.
pub fn load(path: &Path, now: Version) -> Result<Vec<Known>, ScenarioError> {
    let file = path.display().to_string();
    let hint = "write it as docs/ci.md says, or leave --known-failures out";
    let wrong = |message: String| ScenarioError::of_file(&file, message, hint);
    let length =
        std::fs::metadata(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    if length.len() > FILE_MAX {
        return Err(wrong(format!(
            "{} bytes are no list of failures",
            length.len()
        )));
    }
    let text =
        std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    parse(&SourceText { file, text }, now)
}

/// Reads a text.
///
/// # Errors
/// As [`load`].
pub fn parse(source: &SourceText, now: Version) -> Result<Vec<Known>, ScenarioError> {
    let root = document::parse(source)?;
    let whole = 0..source.text.len();
    let node = Spanned::new(whole.clone(), DeValue::Table(root));
    let file: File = document::typed(source, node, whole)?;
    let mut found: Vec<Known> = Vec::new();
    for entry in file.known {
        let line = source.text[..entry.span().start].matches('\n').count() + 1;
        let entry = entry.into_inner();
        for (what, text) in [
            ("scenario", &entry.scenario),
            ("signature", &entry.signature),
            ("reason", &entry.reason),
        ] {
            if text.get_ref().trim().is_empty() {
                let hint = "say which failure it is, and why it may stay";
                return Err(source.error(text.span(), format!("an empty {what}"), hint));
            }
        }
        let until = entry.until_version;
        let Some(version) = Version::parse(until.get_ref()) else {
            let hint = "write one to three numbers, such as until_version = \"0.4.0\"";
            return Err(source.error(
                until.span(),
                format!("{:?} is no version", until.get_ref()),
                hint,
            ));
        };
        if version <= now {
            let message = format!("it was to be mended by {version}, and this is {now}");
            let hint = "mend it and take the entry out, or decide anew until when it may stay";
            return Err(source.error(until.span(), message, hint));
        }
        let known = Known {
            case: entry.scenario.into_inner(),
            reason: entry.reason.into_inner(),
            until: version,
            seed: entry.seed,
            line,
            signature: entry.signature.get_ref().clone(),
        };
        let is_again =
            |other: &Known| (&other.case, &other.signature) == (&known.case, &known.signature);
        if found.iter().any(is_again) {
            let hint = "keep one of the two";
            return Err(source.error(entry.signature.span(), "it stands here twice", hint));
        }
        found.push(known);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "[[known]]\nscenario = \"orders\"\nsignature = \"no-loss · lost\"\n\
                         reason = \"ticket 7\"\nuntil_version = \"0.4\"\nseed = 17\n";

    fn read(text: &str, now: &str) -> Result<Vec<Known>, ScenarioError> {
        let source = SourceText {
            file: "known-failures.toml".to_owned(),
            text: text.to_owned(),
        };
        parse(&source, Version::parse(now).unwrap())
    }

    #[test]
    fn an_entry_is_read_until_its_version() {
        let found = read(WHOLE, "0.3.9").unwrap();
        assert_eq!((found[0].seed, found[0].line), (Some(17), 1));
        assert_eq!(found[0].until.to_string(), "0.4.0");
        let error = read(WHOLE, "0.4.0").unwrap_err();
        assert_eq!(error.line, 5);
        assert!(
            error.message.contains("was to be mended by 0.4.0"),
            "{error}"
        );
    }

    #[test]
    fn mistakes_are_pointed_at() {
        for (from, to, line, said) in [
            ("seed = 17", "sead = 17", 6, "did you mean `seed`"),
            ("\"ticket 7\"", "\" \"", 4, "an empty reason"),
            ("\"0.4\"", "\"soon\"", 5, "is no version"),
            ("reason = \"ticket 7\"\n", "", 1, "missing"),
        ] {
            let error = read(&WHOLE.replace(from, to), "0.1").unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
            assert_eq!(error.line, line, "{error}");
        }
        let twice = read(&WHOLE.repeat(2), "0.1").unwrap_err();
        assert!(twice.message.contains("twice"), "{twice}");
    }

    #[test]
    fn versions_are_ordered_by_number() {
        let read = |text| Version::parse(text);
        assert!(read("0.10.0") > read("0.9") && read("v1") == read("1.0.0-rc1"));
        assert_eq!((read("1.x"), read("1.2.3.4"), read("")), (None, None, None));
    }
}
