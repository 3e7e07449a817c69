//! The published schema of `summary.json`: what is written is valid, and what is not of the format is not.

use crate::support;
use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};
use stormglass_reports::model::Identity;
use stormglass_reports::{Collector, Report, Summary, json as file, schema};

struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    fn new() -> Validator {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let place = "schema:summary";
        compiler
            .add_resource(place, schema::schema())
            .expect("it has an address");
        let index = compiler
            .compile(place, &mut schemas)
            .expect("the schema is one");
        Validator { schemas, index }
    }

    fn check(&self, document: &Value) -> Result<(), String> {
        let result = self.schemas.validate(document, self.index);
        result.map_err(|error| format!("{error:#}"))
    }
}

fn summary(report: &Report) -> Value {
    serde_json::from_str(&file::render(&Summary::of(report))).expect("it is JSON")
}

#[test]
fn every_summary_is_valid() {
    let validator = Validator::new();
    let collector = Collector::new("end-to-end");
    let empty = collector.finish(
        Identity::default(),
        Vec::new(),
        String::new(),
        Default::default(),
    );
    for report in [support::report(), support::passing(), empty] {
        assert_eq!(validator.check(&summary(&report)), Ok(()));
    }
}

#[test]
fn what_is_not_of_the_format_is_refused_and_what_is_added_later_is_not() {
    let validator = Validator::new();
    let written = summary(&support::report());
    let broken: [(&str, Value); 6] = [
        ("/schema", json!("stormglass.summary/2")),
        ("/verdict", json!("perhaps")),
        ("/latencies/0/p99", json!(12.5)),
        ("/shown/seed", json!(7)),
        ("/shown/story/moments/0/kind", json!("miracle")),
        ("/totals/owed", json!("many")),
    ];
    for (place, value) in broken {
        let mut wrong = written.clone();
        *wrong
            .pointer_mut(place)
            .unwrap_or_else(|| panic!("{place}")) = value;
        assert!(validator.check(&wrong).is_err(), "{place}");
    }
    let mut later = written;
    later["something_new"] = json!(1);
    assert_eq!(validator.check(&later), Ok(()));
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    let published = include_str!("../../../docs/summary.schema.json");
    assert!(
        published == schema::text(),
        "docs/summary.schema.json is old; `stormglass schema --summary > docs/summary.schema.json` writes it"
    );
}
