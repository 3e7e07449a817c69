//! A scenario's TOML as a tree that remembers where everything stands, so that mistakes found after a
//! variant was overlaid still point at the line that was written.

use crate::error::{ScenarioError, SourceText, nearest, suggest};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// A value and where it stands.
pub(crate) type Node<'i> = Spanned<DeValue<'i>>;

/// Where every key of a document stands: byte ranges by dotted path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    keys: BTreeMap<String, Range<usize>>,
    values: BTreeMap<String, Range<usize>>,
}

impl Spans {
    /// The range of the value at `path`, or of the nearest table around it: a setting that is left to its
    /// default stands nowhere.
    #[must_use]
    pub fn value(&self, path: &str) -> Range<usize> {
        let mut path = path;
        loop {
            if let Some(span) = self.values.get(path) {
                return span.clone();
            }
            match path.rfind('.') {
                Some(dot) => path = &path[..dot],
                None => return 0..0,
            }
        }
    }

    /// The range of the key at `path`, or of what is nearest around it.
    #[must_use]
    pub fn key(&self, path: &str) -> Range<usize> {
        self.keys
            .get(path)
            .cloned()
            .unwrap_or_else(|| self.value(path))
    }

    /// Whether the document says something at `path`.
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        self.values.contains_key(path)
    }

    /// Collects the ranges of a whole document.
    pub(crate) fn of(table: &DeTable<'_>) -> Spans {
        let mut spans = Spans::default();
        spans.collect("", table);
        spans
    }

    fn collect(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (key, node) in table {
            let path = join(prefix, key.get_ref());
            self.keys.insert(path.clone(), key.span());
            self.node(path, node, key.span());
        }
    }

    fn node(&mut self, path: String, node: &Node<'_>, key: Range<usize>) {
        match node.get_ref() {
            // A table written with a header has no text of its own: its key is where to point.
            DeValue::Table(table) => {
                self.collect(&path, table);
                self.values.insert(path, key);
            }
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.node(format!("{path}.{index}"), item, item.span());
                }
                self.values.insert(path, node.span());
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {
                self.values.insert(path, node.span());
            }
        }
    }
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() {
        key.to_owned()
    } else {
        format!("{prefix}.{key}")
    }
}

/// Parses the text of a file.
///
/// # Errors
/// If it is not TOML.
pub(crate) fn parse(source: &SourceText) -> Result<DeTable<'_>, ScenarioError> {
    DeTable::parse(&source.text)
        .map(Spanned::into_inner)
        .map_err(|error| explain(source, &error, 0..0))
}

/// The one typed parse of a value.
///
/// # Errors
/// If the value is not a `T`; `around` is where to point if the parser does not say.
pub(crate) fn typed<T: DeserializeOwned>(
    source: &SourceText,
    node: Node<'_>,
    around: Range<usize>,
) -> Result<T, ScenarioError> {
    T::deserialize(ValueDeserializer::from(node)).map_err(|error| explain(source, &error, around))
}

/// The table in `node`.
///
/// # Errors
/// If it is something else.
pub(crate) fn table<'i>(
    source: &SourceText,
    node: Node<'i>,
    what: &str,
) -> Result<DeTable<'i>, ScenarioError> {
    let span = node.span();
    match node.into_inner() {
        DeValue::Table(table) => Ok(table),
        other @ (DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)) => Err(source.error(
            span,
            format!(
                "expected a table for {what}, found {}",
                article(other.type_str())
            ),
            format!("write {what} as a section in square brackets or as {{ key = value }}"),
        )),
    }
}

fn article(type_name: &str) -> String {
    match type_name.chars().next() {
        Some('a' | 'e' | 'i' | 'o' | 'u') => format!("an {type_name}"),
        Some(_) | None => format!("a {type_name}"),
    }
}

/// Says in our words what the TOML parser or a typed parse objects to.
pub(crate) fn explain(
    source: &SourceText,
    error: &toml::de::Error,
    around: Range<usize>,
) -> ScenarioError {
    let span = error.span().unwrap_or(around);
    let (message, hint) = words(error.message());
    source.error(span, message, hint)
}

/// A message of serde or of the TOML parser as message and hint.
fn words(text: &str) -> (String, String) {
    let text = text.trim().trim_end_matches('\n');
    let quoted = |text: &str| -> Vec<String> {
        text.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    if let Some(rest) = text.strip_prefix("unknown field ") {
        let names = quoted(rest);
        if let Some((name, known)) = names.split_first() {
            let hint = suggest(name, "keys", known.iter().map(String::as_str));
            return (format!("unknown key `{name}`"), hint);
        }
    }
    if let Some(rest) = text.strip_prefix("unknown variant ") {
        let names = quoted(rest);
        if let Some((name, known)) = names.split_first() {
            let hint = suggest(name, "values", known.iter().map(String::as_str));
            return (format!("unknown value `{name}`"), hint);
        }
    }
    if let Some(rest) = text.strip_prefix("unexpected keys in table: ")
        && let Some((names, known)) = rest.split_once(", available keys:")
    {
        let name = names.split(", ").next().unwrap_or(names);
        let known = known
            .split(", ")
            .map(str::trim)
            .filter(|key| !key.is_empty());
        let hint = suggest(name, "keys", known);
        return (format!("unknown key `{name}`"), hint);
    }
    if let Some(rest) = text.strip_prefix("missing field ") {
        let name = rest.trim_matches('`');
        return (
            format!("missing key `{name}`"),
            format!("add `{name} = …` to this table"),
        );
    }
    if text.starts_with("invalid type: ") || text.starts_with("invalid value: ") {
        let hint = text.split_once(", expected ").map_or(
            String::from("see docs/scenarios.md for what this key takes"),
            |(_, expected)| format!("write {}", humane(expected)),
        );
        let message = text
            .split_once(", expected ")
            .map_or(text.to_owned(), |(found, expected)| {
                format!("{found}, expected {}", humane(expected))
            });
        return (message, hint);
    }
    if text.contains("needs a unit") || text.contains("unknown unit") || text.contains("such as \"")
    {
        let example = if text.contains("a rate") {
            "\"2000/s\""
        } else if text.contains("a size") {
            "\"16KiB\""
        } else if text.contains("a bandwidth") {
            "\"125MB/s\""
        } else {
            "\"250ms\""
        };
        return (
            text.to_owned(),
            format!("write a number and its unit, for example {example}"),
        );
    }
    let hint = if text.contains("duplicate") {
        "a key or table may stand only once; remove or rename one of them"
    } else if text.contains("too large") || text.contains("overflow") {
        "choose a smaller number"
    } else if text.contains("exactly 1 element") {
        "choose exactly one of the forms that docs/scenarios.md lists for this key"
    } else if text.contains("wanted string or table") {
        "write one of the forms that docs/scenarios.md lists for this key"
    } else if text.contains("lies between") {
        "choose a number inside these bounds"
    } else if text.contains("recursion") {
        "a scenario needs no nesting this deep"
    } else {
        "the text before this place is not complete TOML: look for a missing quote, bracket, `=` or value"
    };
    (text.to_owned(), hint.to_owned())
}

/// A Rust type's name as what a person writes.
fn humane(expected: &str) -> String {
    let integers = [
        ("u8", u64::from(u8::MAX)),
        ("u16", u64::from(u16::MAX)),
        ("u32", u64::from(u32::MAX)),
        ("u64", i64::MAX as u64),
        ("usize", i64::MAX as u64),
    ];
    if let Some((_, most)) = integers.iter().find(|(name, _)| *name == expected) {
        return format!("a whole number from 0 to {most}");
    }
    match expected {
        "i64" | "i32" => String::from("a whole number"),
        "f64" => String::from("a number such as 1.1"),
        "a string" => String::from("a text in double quotes"),
        "a boolean" => String::from("true or false"),
        "a sequence" => String::from("a list in square brackets"),
        "a map" => String::from("a table"),
        other => other
            .strip_prefix("struct ")
            .map_or(other.to_owned(), |_| String::from("a table of settings")),
    }
}

/// Sections whose second level are names that a variant may not invent.
const PARTS: &[&str] = &["source", "broker", "processor", "sink", "service", "lease"];

/// What a variant may set; the fault plans of all variants are drawn alike, so that runs can be compared
/// pair by pair (A14).
pub(crate) const OPEN: &[&str] = &[
    "run",
    "source",
    "broker",
    "processor",
    "sink",
    "service",
    "lease",
    "clocks",
    "profile",
    "expect",
];
const CLOSED_RUN: &[&str] = &["warmup", "chaos", "time_scale", "seeds"];

/// Lays one `"path" = value` of a variant over the document.
///
/// # Errors
/// If the path leads nowhere.
pub(crate) fn overlay<'i>(
    source: &SourceText,
    document: &mut DeTable<'i>,
    path: &Spanned<String>,
    value: Node<'i>,
) -> Result<(), ScenarioError> {
    let span = path.span();
    let names: Vec<&str> = path.get_ref().split('.').collect();
    let bad = |message: String, hint: String| Err(source.error(span.clone(), message, hint));
    let root = names[0];
    if !OPEN.contains(&root) {
        return bad(
            format!("a variant cannot set `{root}`"),
            match root {
                "faults" => String::from(
                    "all variants meet the same faults; write another scenario for other faults",
                ),
                _ => suggest(root, "sections", OPEN.iter().copied()),
            },
        );
    }
    if names.len() < 2 || names.iter().any(|name| name.is_empty()) {
        return bad(
            format!("`{}` names no setting", path.get_ref()),
            String::from("write the path of a setting, such as \"broker.main.producer.acks\""),
        );
    }
    if root == "run" && CLOSED_RUN.contains(&names[1]) {
        return bad(
            format!("a variant cannot set `run.{}`", names[1]),
            String::from("variants are compared seed by seed, so they share phases and scale"),
        );
    }
    if PARTS.contains(&root) {
        let parts: Vec<&str> = match document.get(root).map(Spanned::get_ref) {
            Some(DeValue::Table(parts)) => parts.keys().map(|key| key.get_ref().as_ref()).collect(),
            Some(_) | None => Vec::new(),
        };
        if !parts.contains(&names[1]) {
            let hint = match nearest(names[1], parts.iter().copied()) {
                Some(near) => format!("did you mean `{root}.{near}`?"),
                None => format!(
                    "a variant changes parts; {root}s here: {}",
                    parts.join(", ")
                ),
            };
            return bad(format!("no {root} is called `{}`", names[1]), hint);
        }
    }
    let mut at = document;
    for (depth, name) in names[..names.len() - 1].iter().enumerate() {
        if !at.contains_key(*name) {
            let key = Spanned::new(span.clone(), (*name).to_owned().into());
            at.insert(
                key,
                Spanned::new(span.clone(), DeValue::Table(DeTable::new())),
            );
        }
        let Some(node) = at.get_mut(*name) else {
            return bad(format!("`{name}` leads nowhere"), String::new());
        };
        match node.get_mut() {
            DeValue::Table(table) => at = table,
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => {
                return bad(
                    format!("`{}` is a value, not a table", names[..=depth].join(".")),
                    format!("set `{}` as a whole", names[..=depth].join(".")),
                );
            }
        }
    }
    let last = names[names.len() - 1];
    at.remove(last);
    at.insert(Spanned::new(span, last.to_owned().into()), value);
    Ok(())
}
