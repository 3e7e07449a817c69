//! `[[variant]]`: the scenario again with some settings laid over it.

use crate::error::{ScenarioError, SourceText};
use crate::spec::document::{self, Node};
use crate::spec::matrix::Coordinate;
use crate::spec::parse;
use crate::spec::written::WrittenVariant;
use std::collections::BTreeSet;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What one variant lays over the document.
pub(crate) struct Variant<'i> {
    /// Its name.
    pub name: String,
    /// The exit code that it is known to give.
    pub exit: Option<u8>,
    /// Values by the path of the setting.
    pub set: Vec<(Spanned<String>, Node<'i>)>,
    /// Where it stands in the matrix; empty if it was written out.
    pub cell: Vec<Coordinate>,
}

/// Takes the variants out of the document.
///
/// # Errors
/// At the first that is none.
pub(crate) fn take<'i>(
    source: &SourceText,
    root: &mut DeTable<'i>,
) -> Result<Vec<Variant<'i>>, ScenarioError> {
    let Some(node) = root.remove("variant") else {
        return Ok(Vec::new());
    };
    let span = node.span();
    let DeValue::Array(items) = node.into_inner() else {
        return Err(source.error(
            span,
            "variants are a list",
            "write [[variant]] with two square brackets above each",
        ));
    };
    let mut seen = BTreeSet::new();
    let mut variants = Vec::new();
    for node in items {
        let span = node.span();
        let mut table = document::table(source, node, "variant")?;
        let set = table.remove("set");
        let rest = Spanned::new(span.clone(), DeValue::Table(table));
        let settings: WrittenVariant = document::typed(source, rest, span.clone())?;
        let () = settings.set;
        parse::check_name(source, settings.name.get_ref(), settings.name.span())?;
        if !seen.insert(settings.name.get_ref().clone()) {
            return Err(source.error(
                settings.name.span(),
                format!("two variants are called `{}`", settings.name.get_ref()),
                "give each a name of its own",
            ));
        }
        let set = match set {
            Some(node) => by_path(document::table(source, node, "set")?),
            None => Vec::new(),
        };
        if set.is_empty() {
            return Err(source.error(
                span,
                "a variant sets nothing",
                "add `set = { \"broker.main.producer.acks\" = \"1\" }`",
            ));
        }
        variants.push(Variant {
            name: settings.name.into_inner(),
            exit: settings.exit,
            set,
            cell: Vec::new(),
        });
    }
    Ok(variants)
}

/// The entries of a table, in the order in which they were written.
pub(crate) fn by_path<'i>(table: DeTable<'i>) -> Vec<(Spanned<String>, Node<'i>)> {
    let entries = table.into_iter().map(|(key, value)| {
        let span = key.span();
        (Spanned::new(span, key.into_inner().into_owned()), value)
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}
