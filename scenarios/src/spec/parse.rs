//! From the tree of a file, with a variant overlaid or not, to the typed scenario: the one typed parse.

use crate::error::{ScenarioError, SourceText, suggest};
use crate::spec::document::{Node, Spans, table, typed};
use crate::spec::expect::{ExpectSpec, PointSpec};
use crate::spec::faults::{FaultsSpec, Moment, PlannedFault, parse_written};
use crate::spec::planned::PlannedKind;
use crate::spec::written::{WrittenExpect, WrittenFaults, WrittenPoint};
use crate::spec::{BrokerSpec, Scenario, slo, target};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::Range;
use stormglass_core::time::Span;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The sections of a file.
pub(crate) const SECTIONS: &[&str] = &[
    "name",
    "run",
    "source",
    "broker",
    "processor",
    "sink",
    "service",
    "lease",
    "clocks",
    "profile",
    "faults",
    "expect",
    "variant",
    "matrix",
];

/// The text, and where everything in it stands.
pub(crate) struct Reader<'a> {
    pub source: &'a SourceText,
    pub spans: &'a Spans,
}

impl Reader<'_> {
    /// A mistake in the value at `path`.
    pub fn error(
        &self,
        path: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> ScenarioError {
        self.source.error(self.spans.value(path), message, hint)
    }
}

/// Reads the whole document.
///
/// # Errors
/// At the first thing that is not known or not of its type.
pub(crate) fn scenario(
    source: &SourceText,
    question: &str,
    mut root: DeTable<'_>,
) -> Result<(Scenario, Spans), ScenarioError> {
    let spans = Spans::of(&root);
    let reader = Reader {
        source,
        spans: &spans,
    };
    if let Some((key, _)) = root
        .iter()
        .find(|(key, _)| !SECTIONS.contains(&key.get_ref().as_ref()))
    {
        return Err(source.error(
            key.span(),
            format!("unknown key `{}`", key.get_ref()),
            suggest(key.get_ref(), "sections", SECTIONS.iter().copied()),
        ));
    }
    let Some(name) = root.remove("name") else {
        return Err(source.error(
            0..0,
            "missing key `name`",
            "begin with the question as a comment and then `name = \"…\"`",
        ));
    };
    let name_span = name.span();
    let name: String = typed(source, name, name_span.clone())?;
    check_name(source, &name, name_span)?;
    let scenario = Scenario {
        name,
        question: question.to_owned(),
        run: reader.section(&mut root, "run")?.unwrap_or_default(),
        sources: reader.parts(&mut root, "source", Reader::plain)?,
        brokers: reader.parts(&mut root, "broker", Reader::broker)?,
        processors: reader.parts(&mut root, "processor", Reader::plain)?,
        sinks: reader.parts(&mut root, "sink", Reader::plain)?,
        services: reader.parts(&mut root, "service", Reader::plain)?,
        leases: reader.parts(&mut root, "lease", Reader::plain)?,
        clocks: reader.section(&mut root, "clocks")?.unwrap_or_default(),
        profile: reader.section(&mut root, "profile")?.unwrap_or_default(),
        faults: reader.faults(root.remove("faults"))?,
        expect: reader.expect(root.remove("expect"))?,
    };
    Ok((scenario, spans))
}

/// Refuses names that could not stand in a path or a file name.
pub(crate) fn check_name(
    source: &SourceText,
    name: &str,
    span: Range<usize>,
) -> Result<(), ScenarioError> {
    let good = name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
    if good {
        return Ok(());
    }
    Err(source.error(
        span,
        format!("{name:?} is no name"),
        "a name begins with a small letter and has at most 64 small letters, digits, - and _",
    ))
}

/// `{ kind = …, a = … }` as `{ kind: { a = … } }`, so that the settings are read as those of the kind.
fn by_kind<'i>(
    source: &SourceText,
    node: Node<'i>,
    what: &str,
    around: Range<usize>,
) -> Result<Node<'i>, ScenarioError> {
    let span = node.span();
    let mut settings = table(source, node, what)?;
    let Some(kind) = settings.remove("kind") else {
        return Err(source.error(
            around,
            "missing key `kind`",
            format!("add `kind = \"…\"` to this {what}"),
        ));
    };
    let kind_span = kind.span();
    let kind: String = typed(source, kind, kind_span.clone())?;
    let mut tagged = DeTable::new();
    tagged.insert(
        Spanned::new(kind_span, kind.into()),
        Spanned::new(span.clone(), DeValue::Table(settings)),
    );
    Ok(Spanned::new(span, DeValue::Table(tagged)))
}

/// The items of a list.
fn list<'i>(
    source: &SourceText,
    node: Node<'i>,
    what: &str,
) -> Result<Vec<Node<'i>>, ScenarioError> {
    let span = node.span();
    match node.into_inner() {
        DeValue::Array(items) => Ok(items.into_iter().collect()),
        other @ (DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Table(_)) => Err(source.error(
            span,
            format!("expected a list of {what}, found {}", other.type_str()),
            format!("write {what} in square brackets"),
        )),
    }
}

impl Reader<'_> {
    fn section<T: DeserializeOwned>(
        &self,
        root: &mut DeTable<'_>,
        name: &str,
    ) -> Result<Option<T>, ScenarioError> {
        root.remove(name)
            .map(|node| typed(self.source, node, self.spans.key(name)))
            .transpose()
    }

    /// A section of parts by name.
    fn parts<T>(
        &self,
        root: &mut DeTable<'_>,
        section: &str,
        read: fn(&Self, Node<'_>, Range<usize>) -> Result<T, ScenarioError>,
    ) -> Result<BTreeMap<String, T>, ScenarioError> {
        let Some(node) = root.remove(section) else {
            return Ok(BTreeMap::new());
        };
        let mut parts = BTreeMap::new();
        for (key, node) in table(self.source, node, section)? {
            let span = key.span();
            check_name(self.source, key.get_ref(), span.clone())?;
            if !matches!(node.get_ref(), DeValue::Table(_)) {
                return Err(self.source.error(
                    span,
                    format!("`{section}.{}` is not a table", key.get_ref()),
                    format!(
                        "each {section} has a name: write [{section}.<name>] above its settings"
                    ),
                ));
            }
            parts.insert(key.into_inner().into_owned(), read(self, node, span)?);
        }
        Ok(parts)
    }

    fn plain<T: DeserializeOwned>(
        &self,
        node: Node<'_>,
        around: Range<usize>,
    ) -> Result<T, ScenarioError> {
        typed(self.source, node, around)
    }

    fn broker(&self, node: Node<'_>, around: Range<usize>) -> Result<BrokerSpec, ScenarioError> {
        let tagged = by_kind(self.source, node, "broker", around.clone())?;
        typed(self.source, tagged, around)
    }

    fn faults(&self, node: Option<Node<'_>>) -> Result<FaultsSpec, ScenarioError> {
        let Some(node) = node else {
            return Ok(FaultsSpec::default());
        };
        let span = node.span();
        let mut settings = table(self.source, node, "faults")?;
        let planned = match settings.remove("planned") {
            Some(node) => list(self.source, node, "planned faults")?,
            None => Vec::new(),
        };
        let settings = Spanned::new(span, DeValue::Table(settings));
        let settings: WrittenFaults = typed(self.source, settings, self.spans.key("faults"))?;
        let () = settings.planned;
        let usual = FaultsSpec::default();
        let templates = match settings.templates {
            None => usual.templates,
            Some(share) if (0.0..=1.0).contains(&share) => (share * 1e6).round() as u32,
            Some(_) => {
                return Err(self.error(
                    "faults.templates",
                    "a share lies between 0 and 1",
                    "write a number such as 0.4",
                ));
            }
        };
        Ok(FaultsSpec {
            swarm: settings.swarm,
            max: settings.max.unwrap_or(usual.max),
            envelope: settings.envelope,
            withstands: settings.withstands,
            templates,
            planned: planned
                .into_iter()
                .map(|node| self.planned(node))
                .collect::<Result<_, _>>()?,
        })
    }

    fn planned(&self, node: Node<'_>) -> Result<PlannedFault, ScenarioError> {
        let span = node.span();
        let mut settings = table(self.source, node, "planned fault")?;
        let mut take = |key: &str, example: &str| -> Result<Spanned<String>, ScenarioError> {
            let Some(node) = settings.remove(key) else {
                return Err(self.source.error(
                    span.clone(),
                    format!("missing key `{key}`"),
                    format!("add `{key} = {example}` to this planned fault"),
                ));
            };
            let at = node.span();
            typed(self.source, node, at.clone()).map(|text| Spanned::new(at, text))
        };
        let name = take("name", "\"isolated leader\"")?;
        let at = take("at", "\"10s\"")?;
        let lasts = take("lasts", "\"1.5 x broker.main.broker_session_timeout\"")?;
        let target = take("target", "\"leader of broker.main\"")?;
        if name.get_ref().is_empty() || name.get_ref().contains('\'') {
            return Err(self.source.error(
                name.span(),
                "a planned fault needs a name without single quotes",
                "objectives name it in single quotes",
            ));
        }
        let moment = |text: Spanned<String>| -> Result<Moment, ScenarioError> {
            let span = text.span();
            parse_written(text.get_ref())
                .map(|written| Moment {
                    written,
                    span: Span::ZERO,
                })
                .map_err(|message| {
                    let hint = "write a length such as \"10s\", or a multiple of a setting such as \
                                \"1.5 x broker.main.broker_session_timeout\"";
                    self.source.error(span, message, hint)
                })
        };
        let (target, draws_node) = target::parse(target.get_ref()).map_err(|message| {
            self.source.error(
                target.span(),
                message,
                "targets are nodes, roles of a part, or links between two of them",
            )
        })?;
        let rest = Spanned::new(span.clone(), DeValue::Table(settings));
        let tagged = by_kind(self.source, rest, "planned fault", span.clone())?;
        Ok(PlannedFault {
            name: name.into_inner(),
            at: moment(at)?,
            lasts: moment(lasts)?,
            kind: typed::<PlannedKind>(self.source, tagged, span)?,
            target,
            draws_node,
        })
    }

    fn expect(&self, node: Option<Node<'_>>) -> Result<ExpectSpec, ScenarioError> {
        let Some(node) = node else {
            return Ok(ExpectSpec::default());
        };
        let span = node.span();
        let mut settings = table(self.source, node, "expect")?;
        let points = match settings.remove("points") {
            Some(node) => list(self.source, node, "points")?,
            None => Vec::new(),
        };
        let settings = Spanned::new(span, DeValue::Table(settings));
        let settings: WrittenExpect = typed(self.source, settings, self.spans.key("expect"))?;
        let () = settings.points;
        Ok(ExpectSpec {
            checks: settings.checks,
            points: points
                .into_iter()
                .map(|node| self.point(node))
                .collect::<Result<_, _>>()?,
            slo: settings
                .slo
                .into_iter()
                .map(|text| self.slo(&text))
                .collect::<Result<_, _>>()?,
            slo_envelope: settings.slo_envelope,
            found_by: settings.found_by,
            found_within: settings.found_within,
            exit: settings.exit,
        })
    }

    fn point(&self, node: Node<'_>) -> Result<PointSpec, ScenarioError> {
        let span = node.span();
        let written: WrittenPoint = if let DeValue::String(name) = node.get_ref() {
            WrittenPoint::named(name)
        } else {
            typed(self.source, node, span.clone())?
        };
        written.read().ok_or_else(|| {
            self.source.error(
                span,
                "a share of seeds lies above 0 and is at most 1",
                "write a number such as 0.01",
            )
        })
    }

    fn slo(&self, text: &Spanned<String>) -> Result<slo::Slo, ScenarioError> {
        let span = text.span();
        let literal = self.source.text.get(span.clone()).unwrap_or("");
        // The expression begins behind the quotes of its literal.
        let start = span.start + literal.find(text.get_ref().as_str()).unwrap_or(1);
        let mut slo = slo::parse(text.get_ref()).map_err(|mistake| {
            let at = start + mistake.span.start..start + mistake.span.end;
            self.source.error(at, mistake.message, mistake.hint)
        })?;
        slo.line = self
            .source
            .text
            .get(..span.start)
            .unwrap_or("")
            .matches('\n')
            .count()
            + 1;
        Ok(slo)
    }
}
