//! Targets as people write them: `leader of broker.main`, `link source.orders.0 > leader of broker.main`.

use stormglass_core::fault::{Target, zone_letters};

/// What `parse` reads of the parts that a scenario can have, without anchors.
pub(crate) fn pattern() -> String {
    let part = r"\s*(?:source|broker|processor|sink|service|lease)\.[a-z][a-z0-9_-]*\s*";
    let node = part.replace(r"\s*", "");
    let one = format!(r"one of {part}(?: #[0-9]+)?|{node}\.[0-9]+|zone [a-z]{{1,2}}");
    let end = format!(r"\s*(?:(?:leader|controller|coordinator|all) of {part}|{one})\s*");
    let ends = format!("(?:{end}(?: and {end})*)");
    format!(r"{ends}|\s*link {ends} > {ends}")
}

/// More zones than any hardware has.
const ZONES: u16 = 26 * 27;

/// Reads a target. The flag says that the node among several is left to the seed.
///
/// # Errors
/// A sentence that says what was expected.
pub fn parse(text: &str) -> Result<(Target, bool), String> {
    let text = text.trim();
    if let Some(ends) = text.strip_prefix("link ") {
        let Some((from, to)) = ends.split_once(" > ") else {
            return Err(format!(
                "expected two ends such as \"link source.orders.0 > broker.main.0\", found {text:?}"
            ));
        };
        if from.trim_start().starts_with("link ") || to.trim_start().starts_with("link ") {
            return Err(String::from("an end of a link is no link"));
        }
        let (from, from_draws) = parse(from)?;
        let (to, to_draws) = parse(to)?;
        return Ok((
            Target::Link(Box::new(from), Box::new(to)),
            from_draws || to_draws,
        ));
    }
    if text.contains(" and ") {
        return set(text);
    }
    if let Some(letters) = text.strip_prefix("zone ") {
        let letters = letters.trim();
        let zone = (0..ZONES).find(|zone| zone_letters(*zone) == letters);
        return zone.map(|zone| (Target::Zone(zone), false)).ok_or_else(|| {
            format!("expected the letter of a zone such as \"zone b\", found {letters:?}")
        });
    }
    for (words, make) in [
        ("leader of ", Target::Leader as fn(String) -> Target),
        ("controller of ", Target::Controller),
        ("coordinator of ", Target::Coordinator),
        ("all of ", Target::All),
    ] {
        if let Some(part) = text.strip_prefix(words) {
            return Ok((make(part_name(part)?), false));
        }
    }
    if let Some(rest) = text.strip_prefix("one of ") {
        return match rest.split_once(" #") {
            None => Ok((Target::OneOf(part_name(rest)?, 0), true)),
            Some((part, index)) => {
                let index = index.parse().map_err(|_| {
                    format!("expected the number of a node after #, found {index:?}")
                })?;
                Ok((Target::OneOf(part_name(part)?, index), false))
            }
        };
    }
    let is_node = text
        .rsplit_once('.')
        .is_some_and(|(part, index)| part_name(part).is_ok() && index.parse::<u16>().is_ok());
    if is_node {
        return Ok((Target::Node(text.to_owned()), false));
    }
    Err(format!(
        "expected a target such as \"leader of broker.main\", \"one of processor.totals\", \
         \"all of broker.main\", \"broker.main.0\", \"zone b\", \"broker.main.0 and sink.rows.0\" or \
         \"link source.orders.0 > broker.main.0\", found {text:?}"
    ))
}

/// Several ends, with an `and` between any two.
fn set(text: &str) -> Result<(Target, bool), String> {
    let mut ends = Vec::new();
    let mut draws = false;
    for part in text.split(" and ") {
        if part.trim_start().starts_with("link ") {
            return Err(String::from(
                "several nodes are struck at once, but no links",
            ));
        }
        let (end, draws_node) = parse(part)?;
        ends.push(end);
        draws |= draws_node;
    }
    Ok((Target::Set(ends), draws))
}

/// A part's name: its section and its own name.
fn part_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.split_once('.') {
        Some((section, name))
            if !section.is_empty() && !name.is_empty() && !name.contains(['.', ' ', '>', '#']) =>
        {
            Ok(text.to_owned())
        }
        Some(_) | None => Err(format!(
            "expected the name of a part such as \"broker.main\", found {text:?}"
        )),
    }
}

/// The parts that a target names, without the numbers of nodes. A zone names none.
#[must_use]
pub fn parts(target: &Target) -> Vec<String> {
    match target {
        Target::Node(name) => {
            let part = name
                .rsplit_once('.')
                .map_or(name.as_str(), |(part, _)| part);
            vec![part.to_owned()]
        }
        Target::Leader(part)
        | Target::Controller(part)
        | Target::Coordinator(part)
        | Target::OneOf(part, _)
        | Target::All(part) => vec![part.clone()],
        Target::Zone(_) => Vec::new(),
        Target::Set(ends) => ends.iter().flat_map(parts).collect(),
        Target::Link(from, to) => {
            let mut both = parts(from);
            both.extend(parts(to));
            both
        }
    }
}

/// The zones that a target names.
#[must_use]
pub fn zones(target: &Target) -> Vec<u16> {
    match target {
        Target::Zone(zone) => vec![*zone],
        Target::Set(ends) => ends.iter().flat_map(zones).collect(),
        Target::Link(from, to) => [zones(from), zones(to)].concat(),
        Target::Node(_)
        | Target::Leader(_)
        | Target::Controller(_)
        | Target::Coordinator(_)
        | Target::OneOf(..)
        | Target::All(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_printed_as_it_is_written() {
        for text in [
            "leader of broker.main",
            "controller of broker.main",
            "coordinator of processor.totals",
            "one of broker.main #2",
            "all of broker.main",
            "broker.main.0",
            "link source.orders.0 > leader of broker.main",
            "zone b",
            "zone aa",
            "broker.main.0 and leader of broker.main and zone c",
            "link broker.main.0 and broker.main.1 > broker.main.2",
        ] {
            let (target, draws) = parse(text).unwrap();
            assert_eq!(target.to_string(), text);
            assert!(!draws);
        }
        assert_eq!(
            parse("one of broker.main"),
            Ok((Target::OneOf("broker.main".to_owned(), 0), true))
        );
    }

    #[test]
    fn what_is_no_target_is_explained() {
        for text in [
            "",
            "broker",
            "leader of",
            "leader of main",
            "one of broker.main #x",
            "link broker.main.0",
            "zone",
            "zone 1",
            "zone B",
            "broker.main.0 and",
            "link link a.b > c.d > e.f",
        ] {
            assert!(parse(text).unwrap_err().contains("expected") || text.starts_with("link link"));
        }
    }
}
