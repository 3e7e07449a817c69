//! The format of scenario files as a JSON schema (draft 2020-12), for editors: they complete keys and values, show
//! what each means and what it is by default, and mark what is unknown or has no unit.
//!
//! It is made from the types that the parser reads into, so that both change together. *Does not say*: bounds of
//! numbers, relations between settings, and whether a name leads somewhere; the load judges these.

use crate::spec::Names;
use crate::spec::written::Document;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The schema, with the names that a catalogue knows. A sort of names that it knows none of is left open.
#[must_use]
pub fn schema(names: &Names) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.transforms = vec![Box::new(AsToml)];
    let mut root = settings.into_generator().into_root_schema_for::<Document>();
    root.insert("title".to_owned(), "Stormglass scenario".into());
    root.insert(
        "description".to_owned(),
        "One question, as a file asks it.".into(),
    );
    let mut root = root.to_value();
    let definitions = root.get_mut("$defs");
    if let Some(definitions) = definitions {
        name_parts(definitions, names);
        name_planned(definitions, names);
    }
    root
}

/// The text of the schema: the same bytes for the same names.
#[must_use]
pub fn text(names: &Names) -> String {
    format!("{:#}\n", schema(names))
}

/// Definitions and places in them where a name of the catalogue stands.
fn name_parts(definitions: &mut Value, names: &Names) {
    for (pointer, known) in [
        ("/ProcessorConfig/properties/operator", &names.operators),
        ("/ServiceSpec/properties/service", &names.services),
        ("/ProfileSpec/properties/name/anyOf/0", &names.profiles),
        ("/WrittenExpect/properties/checks/items", &names.checks),
        ("/Point/anyOf/0", &names.points),
        ("/WrittenPoint/properties/name", &names.points),
    ] {
        one_of(definitions.pointer_mut(pointer), known.as_ref(), &[]);
    }
}

/// The same in planned faults, whose kinds name points and classes of messages.
fn name_planned(definitions: &mut Value, names: &Names) {
    let kinds = definitions.pointer_mut("/PlannedFault/oneOf");
    for kind in kinds.and_then(Value::as_array_mut).into_iter().flatten() {
        // Where a class may be left out, the empty one is every class.
        let is_needed = kind["required"]
            .as_array()
            .is_some_and(|keys| keys.contains(&json!("class")));
        let every: &[&str] = if is_needed { &[] } else { &[""] };
        one_of(
            kind.pointer_mut("/properties/class"),
            names.classes.as_ref(),
            every,
        );
        one_of(
            kind.pointer_mut("/properties/point"),
            names.points.as_ref(),
            &[],
        );
    }
}

fn one_of(place: Option<&mut Value>, known: Option<&BTreeSet<String>>, more: &[&str]) {
    if let (Some(Value::Object(place)), Some(known)) =
        (place, known.filter(|known| !known.is_empty()))
    {
        let names = more.iter().copied().chain(known.iter().map(String::as_str));
        place.insert("enum".to_owned(), names.collect());
    }
}

/// Leaves out what TOML has not: null, and widths of integers, which no editor knows. Descriptions flow, since
/// their lines are as long as those of the code.
#[derive(Clone, Debug)]
struct AsToml;

impl Transform for AsToml {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else {
            return;
        };
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                object.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(forms)) = object.get_mut("anyOf") {
            forms.retain(|form| *form != json!({ "type": "null" }));
            if let [Value::Object(only)] = forms.as_slice() {
                let only = only.clone();
                object.remove("anyOf");
                for (key, value) in only {
                    // What stands at the setting is said of it, and not of its type alone.
                    object.entry(key).or_insert(value);
                }
            }
        }
        if object.get("default").is_some_and(Value::is_null) {
            object.remove("default");
        }
        if let Some(Value::Object(settings)) = object.get_mut("default") {
            settings.retain(|_, value| !value.is_null());
        }
        if object
            .get("type")
            .is_some_and(|name| name == "integer" || name == "number")
        {
            object.remove("format");
        }
        if let Some(Value::String(words)) = object.get_mut("description") {
            *words = words.replace('\n', " ");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::parse::SECTIONS;

    #[test]
    fn the_schema_has_the_sections_that_the_parser_reads() {
        let schema = schema(&Names::default());
        let sections = schema["properties"].as_object().expect("a file has keys");
        let known: BTreeSet<&str> = SECTIONS.iter().copied().collect();
        let described: BTreeSet<&str> = sections.keys().map(String::as_str).collect();
        assert_eq!(described, known);
    }

    #[test]
    fn every_sort_of_name_that_a_catalogue_knows_is_offered_where_it_stands() {
        let one = |name: &str| Some(BTreeSet::from([name.to_owned()]));
        let names = Names {
            operators: one("an-operator"),
            services: one("a-service"),
            profiles: one("a-profile"),
            checks: one("a-check"),
            points: one("a-point"),
            classes: one("a-class"),
        };
        let text = text(&names);
        // Points stand bare, in a table, in crash-at and in yield-at; classes in drop, reset, delay and
        // quota.
        for (name, places) in [
            ("an-operator", 1),
            ("a-service", 1),
            ("a-profile", 1),
            ("a-check", 1),
            ("a-point", 4),
            ("a-class", 4),
        ] {
            assert_eq!(
                text.matches(&format!("\"{name}\"")).count(),
                places,
                "{name}"
            );
        }
    }

    #[test]
    fn the_schema_has_nothing_that_toml_has_not() {
        let text = text(&Names::default());
        assert!(!text.contains("null"), "TOML has no null");
        assert!(
            !text.contains("\"format\""),
            "editors know no widths of integers"
        );
    }
}
