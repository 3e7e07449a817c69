//! The JSON schema of scenario files: what loads is valid, and what an editor can see to be wrong is not.
//!
//! *Does not verify* that everything that does not load is invalid: bounds and references are the load's.

use boon::{Compiler, SchemaIndex, Schemas};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use stormglass_core::units::{parse_rate, parse_size, parse_span, pattern};
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::load_text;
use stormglass_scenarios::schema::{schema, text};
use stormglass_scenarios::spec::Names;

/// What `stormglass init` writes.
const INIT: &str = include_str!("../../../ci/src/command/init.toml");

struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    fn new(schema: Value) -> Validator {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        let place = "schema:stormglass";
        compiler
            .add_resource(place, schema)
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

fn names() -> Names {
    Catalog::new().names()
}

fn json(text: &str) -> Value {
    let table: toml::Table = toml::from_str(text).expect("the text is TOML");
    serde_json::to_value(table).expect("scenarios have no dates and no infinite numbers")
}

/// Every scenario file of the project.
fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["delivery", "domains", "flaws", "pairs"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("the folder can be read").path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[test]
fn every_scenario_of_the_project_is_valid() {
    let validator = Validator::new(schema(&names()));
    let files = files();
    assert!(files.len() >= 20, "{} files", files.len());
    for path in files {
        let text = fs::read_to_string(&path).expect("the file was just listed");
        let result = validator.check(&json(&text));
        assert!(
            result.is_ok(),
            "{}: {}",
            path.display(),
            result.unwrap_err()
        );
    }
}

#[test]
fn what_init_writes_is_valid() {
    let result = Validator::new(schema(&names())).check(&json(INIT));
    assert_eq!(result, Ok(()));
}

#[test]
fn the_schema_of_the_same_names_has_the_same_bytes() {
    assert_eq!(text(&names()), text(&names()));
}

/// A scenario with one of everything, into which each mistake is put.
const GOOD: &str = r#"# Is it valid?
name = "good"

[run]
warmup = "1s"
chaos = "10s"
calm = "auto"
time_scale = 20
limits = { memory = "1GiB" }

[source.orders]
arrival = { bursts = { base = "100/s", peak = "200/s", every = "5s", lasts = "1s" } }
keys = { count = 10, zipf = 1.1 }
to = "broker.main/orders"
disorder = { up_to = "1s" }

[source.requests]
arrival = { constant = "10/s" }
to = "broker.jobs/requests"

[broker.main]
kind = "log"
nodes = 3
topics.orders = { partitions = 4 }
producer = { linger = "5ms", acks = "all" }

[broker.jobs]
kind = "queue"
topics.requests = { max_deliveries = 3 }

[processor.totals]
operator = "count-by-key"
delivery = "at-least-once"
from = "broker.main/orders"
to = "sink.db"

[processor.done]
operator = "count-by-key"
from = "broker.jobs/requests"
to = "sink.db"

[sink.db]
kind = "upsert"

[profile]
link = { latency_median = "200us", latency_p99 = "2ms", bandwidth = "125MB/s" }
disk = { sync_time = { constant = "1ms" } }
stalls = { every = "10s", lasts = { constant = "50ms" } }
zones = { count = 2, latency = { normal = { mean = "500us", deviation = "50us" } } }

[faults]
swarm = ["crash"]
templates = 0.5

[[faults.planned]]
name = "cut"
at = "2s"
lasts = "1.5 x broker.main.broker_session_timeout"
kind = "partition"
target = "leader of broker.main"

[[faults.planned]]
name = "late"
at = "1s"
lasts = "1s"
kind = "delay"
by = "10ms"
target = "link source.orders.0 > one of broker.main #1"

[[faults.planned]]
name = "jump"
at = "3s"
lasts = "1s"
kind = "clock-step"
by = "-250ms"
target = "broker.main.0"

[expect]
points = ["log.leader-changed", { name = "log.leader-changed", min_share = 0.1 }]
slo = ["p99.9(end-to-end) <= 1s of delivered during 'cut'", "goodput > 10%", "lost = 0 during the run"]

[[variant]]
name = "eager"
exit = 0
set = { "broker.main.producer.linger" = "0s" }

[matrix]
exits = { linger-1ms-nodes-3 = 0 }
every = { "broker.main.producer.linger" = ["1ms", "9ms"], "broker.main.nodes" = [3] }
"#;

fn load(text: &str) -> Result<(), String> {
    load_text("a.toml", text.to_owned(), &names())
        .map(|_| ())
        .map_err(|error| error.to_string())
}

#[test]
fn a_profile_is_named_by_the_catalogue_or_by_its_file() {
    let validator = Validator::new(schema(&names()));
    for name in ["laptop", "profiles/mine.toml"] {
        let text = GOOD.replace("[profile]\n", &format!("[profile]\nname = {name:?}\n"));
        assert_eq!(load(&text), Ok(()));
        assert_eq!(validator.check(&json(&text)), Ok(()));
    }
}

#[test]
fn what_no_editor_should_let_pass_is_refused_by_schema_and_load_alike() {
    let validator = Validator::new(schema(&names()));
    assert_eq!(load(GOOD), Ok(()));
    assert_eq!(validator.check(&json(GOOD)), Ok(()));
    let mistakes = [
        ("an unknown section", "[profile]", "[profiles]"),
        ("no name", "name = \"good\"\n", ""),
        (
            "a name with a capital",
            "name = \"good\"",
            "name = \"Good\"",
        ),
        ("a part's name with a capital", "[sink.db]", "[sink.DB]"),
        (
            "a part that is no table",
            "[sink.db]\nkind = \"upsert\"",
            "[sink]\ndb = \"upsert\"",
        ),
        ("an unknown key", "time_scale = 20", "time_scales = 20"),
        (
            "an unknown key inside",
            "linger = \"5ms\"",
            "lingers = \"5ms\"",
        ),
        ("a time without a unit", "warmup = \"1s\"", "warmup = \"1\""),
        ("a time as a number", "warmup = \"1s\"", "warmup = 1"),
        (
            "a time with an unknown unit",
            "warmup = \"1s\"",
            "warmup = \"1 sec\"",
        ),
        (
            "a phase neither auto nor a time",
            "calm = \"auto\"",
            "calm = \"automatic\"",
        ),
        (
            "a number as a text",
            "time_scale = 20",
            "time_scale = \"20\"",
        ),
        ("a negative number", "time_scale = 20", "time_scale = -1"),
        ("a number too wide", "nodes = 3", "nodes = 70000"),
        ("a size in bits", "memory = \"1GiB\"", "memory = \"1Gib\""),
        ("a bandwidth without a time", "\"125MB/s\"", "\"125MB\""),
        (
            "an unknown distribution",
            "{ normal = { mean",
            "{ gamma = { mean",
        ),
        (
            "a distribution without its spread",
            ", deviation = \"50us\"",
            "",
        ),
        (
            "two distributions",
            "{ constant = \"1ms\" }",
            "{ constant = \"1ms\", empirical = \"a.csv\" }",
        ),
        ("no zones", "zones = { count = 2", "zones = { count = 0"),
        (
            "an unknown profile",
            "[profile]\n",
            "[profile]\nname = \"lapdog\"\n",
        ),
        (
            "a rate per week",
            "{ constant = \"10/s\" }",
            "{ constant = \"10/week\" }",
        ),
        ("an unknown arrival", "{ constant = ", "{ steady = "),
        (
            "two arrivals",
            "{ constant = \"10/s\" }",
            "{ constant = \"10/s\", poisson = \"1/s\" }",
        ),
        ("an arrival without its peak", "peak = \"200/s\", ", ""),
        (
            "a Zipf exponent that is too large",
            "zipf = 1.1",
            "zipf = 11.0",
        ),
        (
            "an unknown kind of broker",
            "kind = \"log\"",
            "kind = \"logs\"",
        ),
        ("no kind of broker", "kind = \"log\"\n", ""),
        (
            "a setting of another kind of broker",
            "kind = \"queue\"",
            "kind = \"queue\"\nnodes = 3",
        ),
        ("a topic without partitions", "{ partitions = 4 }", "{}"),
        ("acks as a number", "acks = \"all\"", "acks = 1"),
        (
            "an unknown delivery",
            "\"at-least-once\"",
            "\"at-least-twice\"",
        ),
        (
            "an unknown operator",
            "operator = \"count-by-key\"\ndelivery",
            "operator = \"count\"\ndelivery",
        ),
        (
            "a missing destination",
            "to = \"sink.db\"\n\n[sink.db]",
            "\n[sink.db]",
        ),
        (
            "an unknown kind of sink",
            "kind = \"upsert\"",
            "kind = \"insert\"",
        ),
        (
            "an unknown kind of drawn fault",
            "[\"crash\"]",
            "[\"crashes\"]",
        ),
        ("a share above 1", "templates = 0.5", "templates = 1.5"),
        (
            "an unknown kind of planned fault",
            "kind = \"partition\"",
            "kind = \"split\"",
        ),
        (
            "a setting of another kind of fault",
            "kind = \"partition\"",
            "kind = \"partition\"\nppm = 3",
        ),
        (
            "a planned fault without a target",
            "target = \"broker.main.0\"\n",
            "",
        ),
        (
            "a target that is none",
            "target = \"broker.main.0\"",
            "target = \"broker main\"",
        ),
        (
            "a multiple without a factor",
            "\"1.5 x broker",
            "\"twice x broker",
        ),
        (
            "a sign where time goes forwards",
            "by = \"10ms\"",
            "by = \"-10ms\"",
        ),
        (
            "a quote in a fault's name",
            "name = \"late\"",
            "name = \"it's late\"",
        ),
        (
            "an unknown check",
            "[expect]",
            "[expect]\nchecks = [\"no-los\"]",
        ),
        ("an unknown metric", "goodput > 10%", "badput > 10%"),
        ("an objective without a unit", "<= 1s of", "<= 1 of"),
        ("an unknown phase", "during the run", "during lunch"),
        (
            "a point reached by none",
            "min_share = 0.1",
            "min_share = 0.0",
        ),
        ("an exit code that is none", "exit = 0", "exit = 256"),
        ("a variant without a name", "name = \"eager\"\n", ""),
        (
            "a variant that sets nothing",
            "set = { \"broker.main.producer.linger\" = \"0s\" }\n",
            "",
        ),
        (
            "a variant with other faults",
            "\"broker.main.producer.linger\" = \"0s\"",
            "\"faults.max\" = 1",
        ),
        (
            "a matrix that sets nothing",
            "every = { \"broker.main.producer.linger\" = [\"1ms\", \"9ms\"], \"broker.main.nodes\" = [3] }",
            "",
        ),
        (
            "a matrix both ways",
            "[matrix]\n",
            "[matrix]\nlist = [{ \"broker.main.nodes\" = 3 }]\n",
        ),
        (
            "a matrix with other faults",
            "\"broker.main.nodes\" = [3]",
            "\"faults.max\" = [1]",
        ),
        (
            "a matrix of single values",
            "\"broker.main.nodes\" = [3]",
            "\"broker.main.nodes\" = 3",
        ),
        (
            "a value of a matrix twice",
            "[\"1ms\", \"9ms\"]",
            "[\"1ms\", \"1ms\"]",
        ),
        ("an unknown key in a matrix", "exits = {", "exists = {"),
    ];
    let mut seen = BTreeSet::new();
    for (what, from, to) in mistakes {
        assert!(seen.insert(what), "{what} stands twice");
        assert!(GOOD.contains(from), "{what}: {from:?} stands in the text");
        let text = GOOD.replacen(from, to, 1);
        assert!(load(&text).is_err(), "{what} loads");
        assert!(validator.check(&json(&text)).is_err(), "{what} is valid");
    }
}

/// A validator of texts that match `pattern` as a whole.
fn of(pattern: &str) -> Validator {
    Validator::new(pattern::text(pattern, &[]).to_value())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_pattern_accepts_exactly_what_its_parser_reads(
        texts in prop::collection::vec(
            r"[ _]?[0-9._]{0,4}[ x-]?/?(ns|us|ms|s|min|h|d|B|kB|MB|GB|KiB|MiB|GiB|parsec|)/?s?[ .]?",
            1..20,
        )
    ) {
        let (span, size, rate) = (of(&pattern::span()), of(&pattern::size()), of(&pattern::rate()));
        for text in texts {
            let value = Value::String(text.clone());
            prop_assert_eq!(span.check(&value).is_ok(), parse_span(&text).is_ok(), "{:?} as a span", text);
            prop_assert_eq!(size.check(&value).is_ok(), parse_size(&text).is_ok(), "{:?} as a size", text);
            prop_assert_eq!(rate.check(&value).is_ok(), parse_rate(&text).is_ok(), "{:?} as a rate", text);
        }
    }
}
