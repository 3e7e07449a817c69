//! `[matrix]`: variants by rule. Every combination of some values, or a list of combinations; each is a cell, and
//! a cell is a variant whose name says what it sets.
//!
//! *Does not* combine cells with variants that are written out: both are laid over the scenario as written.

use crate::error::{ScenarioError, SourceText, suggest};
use crate::spec::document::{self, Node};
use crate::spec::variant::{Variant, by_path};
use crate::spec::written::WrittenMatrix;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use stormglass_core::units::{parse_rate, parse_size, parse_span};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A comparison of more cells is a table that nobody reads.
const CELLS_MAX: usize = 100;

/// The longest name that a variant may have.
const NAME_MAX: usize = 64;

/// One setting of a cell, and its value there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coordinate {
    /// The path of the setting.
    pub path: String,
    /// The value as written, without quotes.
    pub value: String,
}

impl Coordinate {
    /// The value as a number, by which cells are put in order: nanoseconds of a time, bytes of a size or of a
    /// second, millionths of an event a second. None if it is none of these.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        let text = &self.value;
        let plain = || text.replace('_', "").parse().ok();
        let span = || parse_span(text).ok().map(|span| span.0 as f64);
        let size = || parse_size(text).ok().map(|size| size.0 as f64);
        let rate = || parse_rate(text).ok().map(|rate| rate.0 as f64);
        let bandwidth = || {
            let size = text.strip_suffix("/s")?;
            parse_size(size).ok().map(|size| size.0 as f64)
        };
        plain()
            .or_else(span)
            .or_else(size)
            .or_else(rate)
            .or_else(bandwidth)
            .filter(|number: &f64| number.is_finite())
    }
}

/// One setting that differs between cells: its values in order, each once.
struct Dimension<'i> {
    path: Spanned<String>,
    values: Vec<Node<'i>>,
}

/// A cell: for each dimension the position of its value.
type Places = Vec<usize>;

/// Takes the matrix out of the document and gives back its cells as variants, in the order of the file: the
/// setting that stands first changes last.
///
/// # Errors
/// If it is none, or a cell has the name of a variant.
pub(crate) fn take<'i>(
    source: &SourceText,
    root: &mut DeTable<'i>,
    variants: &[Variant<'i>],
) -> Result<Vec<Variant<'i>>, ScenarioError> {
    let Some(key) = root.get_key_value("matrix").map(|(key, _)| key.span()) else {
        return Ok(Vec::new());
    };
    let Some(node) = root.remove("matrix") else {
        return Ok(Vec::new());
    };
    let mut table = document::table(source, node, "matrix")?;
    let (every, list) = (table.remove("every"), table.remove("list"));
    let rest = Spanned::new(key.clone(), DeValue::Table(table));
    let settings: WrittenMatrix = document::typed(source, rest, key.clone())?;
    let ((), ()) = (settings.every, settings.list);
    let (dimensions, cells) = match (every, list) {
        (Some(every), None) => combined(source, key.clone(), every)?,
        (None, Some(list)) => listed(source, list)?,
        (Some(_), Some(list)) => {
            return Err(source.error(
                list.span(),
                "a matrix has every combination or a list of them, not both",
                "leave one of the two out, or write a [[variant]] for what is beside the matrix",
            ));
        }
        (None, None) => {
            return Err(source.error(
                key,
                "a matrix sets nothing",
                "add `every = { \"broker.main.producer.linger\" = [\"0ms\", \"5ms\", \"20ms\"] }`",
            ));
        }
    };
    let names = names(&dimensions, &cells);
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    for (name, other) in names.iter().zip(&cells) {
        if variants.iter().any(|variant| variant.name == *name) {
            let value = &dimensions[0].values[other[0]];
            return Err(source.error(
                value.span(),
                format!("a variant and a cell of the matrix are both called `{name}`"),
                "rename the variant, or leave it out: the cell is the same question",
            ));
        }
    }
    for cell in settings.exits.keys() {
        if !names.contains(cell.get_ref()) {
            let hint = suggest(cell.get_ref(), "cells", known.iter().copied());
            let message = format!("no cell is called `{}`", cell.get_ref());
            return Err(source.error(cell.span(), message, hint));
        }
    }
    let exits: BTreeMap<&str, u8> = settings
        .exits
        .iter()
        .map(|(cell, exit)| (cell.get_ref().as_str(), *exit))
        .collect();
    let variants = names.iter().zip(cells).map(|(name, cell)| Variant {
        name: name.clone(),
        exit: exits.get(name.as_str()).copied().or(settings.exit),
        set: set(&dimensions, &cell),
        cell: coordinates(&dimensions, &cell),
    });
    Ok(variants.collect())
}

/// `every`: the dimensions, and all combinations of their values.
fn combined<'i>(
    source: &SourceText,
    around: Range<usize>,
    every: Node<'i>,
) -> Result<(Vec<Dimension<'i>>, Vec<Places>), ScenarioError> {
    let mut dimensions = Vec::new();
    for (path, node) in by_path(document::table(source, every, "every")?) {
        let span = node.span();
        let DeValue::Array(items) = node.into_inner() else {
            return Err(source.error(
                span,
                format!("`{}` has one value here, and no list", path.get_ref()),
                "write its values in square brackets, such as [\"0ms\", \"5ms\"]",
            ));
        };
        let values: Vec<Node<'i>> = items.into_iter().collect();
        if values.is_empty() {
            let message = format!("`{}` has no values", path.get_ref());
            return Err(source.error(span, message, "give it at least one value, or leave it out"));
        }
        let mut seen = BTreeSet::new();
        for value in &values {
            if !seen.insert(words(value)) {
                let message = format!("`{}` has the value {} twice", path.get_ref(), words(value));
                return Err(source.error(value.span(), message, "leave one of them out"));
            }
        }
        dimensions.push(Dimension { path, values });
    }
    if dimensions.is_empty() {
        let hint = "add a setting and its values, or leave the matrix out";
        return Err(source.error(around, "a matrix sets nothing", hint));
    }
    let sizes = dimensions.iter().map(|dimension| dimension.values.len());
    let count = sizes.clone().fold(1, usize::saturating_mul);
    few(source, dimensions[0].path.span(), count)?;
    let mut cells: Vec<Places> = vec![Vec::new()];
    for size in sizes {
        let longer = |cell: &Places| {
            let cell = cell.clone();
            (0..size).map(move |place| [cell.clone(), vec![place]].concat())
        };
        cells = cells.iter().flat_map(longer).collect();
    }
    Ok((dimensions, cells))
}

/// `list`: the combinations as written, and of the values of each setting the different ones.
fn listed<'i>(
    source: &SourceText,
    list: Node<'i>,
) -> Result<(Vec<Dimension<'i>>, Vec<Places>), ScenarioError> {
    let span = list.span();
    let DeValue::Array(items) = list.into_inner() else {
        return Err(source.error(
            span,
            "the list of a matrix is no list",
            "write [[matrix.list]] above each combination, or tables in square brackets",
        ));
    };
    few(source, span.clone(), items.len())?;
    let mut dimensions: Vec<Dimension<'i>> = Vec::new();
    let mut cells: Vec<Places> = Vec::new();
    for node in items {
        let span = node.span();
        let settings = by_path(document::table(source, node, "combination")?);
        if dimensions.is_empty() {
            dimensions = settings
                .iter()
                .map(|(path, _)| Dimension {
                    path: path.clone(),
                    values: Vec::new(),
                })
                .collect();
        }
        let cell = place(source, span.clone(), &mut dimensions, settings)?;
        if cells.contains(&cell) {
            let message = "the matrix has this combination twice";
            return Err(source.error(span, message, "leave one of them out"));
        }
        cells.push(cell);
    }
    if dimensions.is_empty() {
        let hint = "add a combination such as { \"broker.main.producer.linger\" = \"5ms\" }";
        return Err(source.error(span, "a matrix sets nothing", hint));
    }
    Ok((dimensions, cells))
}

/// Where a combination stands, noting values that are new.
fn place<'i>(
    source: &SourceText,
    around: Range<usize>,
    dimensions: &mut [Dimension<'i>],
    settings: Vec<(Spanned<String>, Node<'i>)>,
) -> Result<Places, ScenarioError> {
    let mut settings: Vec<Option<(Spanned<String>, Node<'i>)>> =
        settings.into_iter().map(Some).collect();
    let mut places = Places::new();
    for dimension in dimensions.iter_mut() {
        let found = settings.iter_mut().find_map(|setting| {
            setting.take_if(|(path, _)| path.get_ref() == dimension.path.get_ref())
        });
        let Some((_, value)) = found else {
            return Err(source.error(
                around,
                format!("this combination does not set `{}`", dimension.path.get_ref()),
                "each sets the same settings as the first; write a [[variant]] for what differs otherwise",
            ));
        };
        let known = dimension.values.iter();
        let at = known
            .clone()
            .position(|known| words(known) == words(&value));
        places.push(at.unwrap_or(dimension.values.len()));
        if at.is_none() {
            dimension.values.push(value);
        }
    }
    if let Some((path, _)) = settings.into_iter().flatten().next() {
        return Err(source.error(
            path.span(),
            format!("the first combination does not set `{}`", path.get_ref()),
            "each sets the same settings as the first; write a [[variant]] for what differs otherwise",
        ));
    }
    Ok(places)
}

fn few(source: &SourceText, span: Range<usize>, count: usize) -> Result<(), ScenarioError> {
    if count <= CELLS_MAX {
        return Ok(());
    }
    Err(source.error(
        span,
        format!("a matrix of {count} cells, where at most {CELLS_MAX} can be compared"),
        "take fewer values, or list the combinations that matter",
    ))
}

/// A value for people: texts without quotes, numbers without underscores.
fn words(value: &Node<'_>) -> String {
    match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(items) => {
            let items: Vec<String> = items.iter().map(words).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(table) => {
            let entries = table.iter();
            let entries =
                entries.map(|(key, value)| format!("{} = {}", key.get_ref(), words(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

fn set<'i>(dimensions: &[Dimension<'i>], cell: &Places) -> Vec<(Spanned<String>, Node<'i>)> {
    let pairs = dimensions.iter().zip(cell);
    pairs
        .map(|(dimension, place)| (dimension.path.clone(), dimension.values[*place].clone()))
        .collect()
}

fn coordinates(dimensions: &[Dimension<'_>], cell: &Places) -> Vec<Coordinate> {
    let set = set(dimensions, cell).into_iter();
    set.map(|(path, value)| Coordinate {
        path: path.into_inner(),
        value: words(&value),
    })
    .collect()
}

/// The names of the cells, such as `linger-5ms-nodes-3`. Where one would be too long, or two the same, all cells are
/// numbered instead.
fn names(dimensions: &[Dimension<'_>], cells: &[Places]) -> Vec<String> {
    let heads = heads(dimensions);
    let parts: Vec<Vec<String>> = dimensions
        .iter()
        .zip(heads)
        .map(|(dimension, head)| of_values(&head, &dimension.values))
        .collect();
    let named = cells.iter().map(|cell| {
        let parts = cell.iter().zip(&parts);
        let parts: Vec<&str> = parts.map(|(place, parts)| parts[*place].as_str()).collect();
        parts.join("-")
    });
    let named: Vec<String> = named.collect();
    let different: BTreeSet<&String> = named.iter().collect();
    if different.len() == named.len() && named.iter().all(|name| name.len() <= NAME_MAX) {
        return named;
    }
    (1..=cells.len())
        .map(|number| format!("cell-{number}"))
        .collect()
}

/// The last words of each path, as many as tell it from the others.
fn heads(dimensions: &[Dimension<'_>]) -> Vec<String> {
    let paths: Vec<Vec<&str>> = dimensions
        .iter()
        .map(|dimension| dimension.path.get_ref().split('.').collect())
        .collect();
    let tail = |path: &[&str], words: usize| path[path.len().saturating_sub(words)..].join("-");
    let head = |path: &Vec<&str>| {
        let is_alone = |words: &usize| {
            let same = paths.iter();
            same.filter(|other| tail(other, *words) == tail(path, *words))
                .count()
                == 1
        };
        let words = (1..path.len()).find(is_alone).unwrap_or(path.len());
        plain(&tail(path, words))
    };
    paths.iter().map(head).collect()
}

/// Head and value as part of a name; by their position, if values are no words or would read the same.
fn of_values(head: &str, values: &[Node<'_>]) -> Vec<String> {
    let texts: Vec<String> = values.iter().map(|value| plain(&words(value))).collect();
    let different: BTreeSet<&String> = texts.iter().collect();
    let is_plain =
        |value: &Node<'_>| !matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
    if different.len() == texts.len() && values.iter().all(is_plain) {
        return texts.iter().map(|text| format!("{head}-{text}")).collect();
    }
    (1..=values.len())
        .map(|number| format!("{head}-{number}"))
        .collect()
}

/// Small letters, digits, `-` and `_` alone: what a name may have.
fn plain(text: &str) -> String {
    let text: String = text
        .to_lowercase()
        .chars()
        .map(|c| match c {
            'a'..='z' | '0'..='9' | '-' | '_' => c,
            '.' => '_',
            _ => '-',
        })
        .collect();
    text.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests;
