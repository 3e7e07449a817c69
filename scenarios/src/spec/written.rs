//! Sections that are read piece by piece, as they are written. The parser reads its settings into these, and the
//! schema of scenario files is made from them.

use crate::spec::expect::{MIN_SHARE, PointSpec, SloEnvelope};
use crate::spec::planned::PlannedKind;
use crate::spec::{
    BrokerSpec, ClocksSpec, EnvelopeRule, FaultsSpec, ProfileSpec, RunSpec, ServiceSpec, SwarmKind,
};
use crate::spec::{document, faults, slo, target};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use stormglass_core::lease::config::LeaseConfig;
use stormglass_core::processor::config::ProcessorConfig;
use stormglass_core::promise::Claim;
use stormglass_core::sink::config::SinkConfig;
use stormglass_core::source::config::SourceConfig;
use stormglass_core::units::pattern;
use toml::Spanned;

/// The name of a scenario, variant or part. A marker: names are kept as text.
pub(crate) enum Name {}

impl JsonSchema for Name {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Name")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        pattern::text("[a-z][a-z0-9_-]{0,63}", &["orders"])
    }
}

/// `[faults]`
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenFaults {
    /// The kinds from which faults are drawn.
    #[serde(default)]
    pub swarm: Vec<SwarmKind>,
    /// Drawn faults of a run at most.
    #[schemars(extend("default" = FaultsSpec::default().max))]
    pub max: Option<u32>,
    /// Whether drawn faults stay inside what the parts claim to withstand.
    #[serde(default)]
    pub envelope: EnvelopeRule,
    /// The share of runs that get a guided template instead of single faults.
    #[schemars(range(min = 0, max = 1), extend("default" = share(FaultsSpec::default().templates)))]
    pub templates: Option<f64>,
    /// What parts are held to withstand at once, in place of what their settings imply: by the part's full name. Drawn
    /// faults stay inside, and inside durability is judged.
    #[serde(default)]
    pub withstands: BTreeMap<String, Claim>,
    /// Faults of every run.
    // Taken out before; named here so that the list of known keys is whole.
    #[serde(default)]
    #[schemars(with = "Vec<WrittenPlanned>")]
    pub planned: (),
}

fn share(parts: u32) -> f64 {
    f64::from(parts) / 1e6
}

/// A planned fault: what all of them have, and `kind` with the settings of that kind. A marker: the parser takes
/// the first out of the table and reads the rest as a [`PlannedKind`].
pub(crate) enum WrittenPlanned {}

/// What every planned fault has.
#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "it describes what the parser takes out one by one"
)]
struct Planned {
    /// Its name in reports and objectives.
    #[schemars(regex(pattern = "^[^']+$"))]
    name: String,
    /// When it starts, counted from the start of the chaos phase.
    #[schemars(schema_with = "moment")]
    at: String,
    /// How long until it is healed.
    #[schemars(schema_with = "moment")]
    lasts: String,
    /// Whom it strikes.
    #[schemars(schema_with = "aim")]
    target: String,
}

fn moment(_: &mut SchemaGenerator) -> Schema {
    let examples = ["10s", "1.5 x broker.main.broker_session_timeout"];
    pattern::text(&faults::pattern(), &examples)
}

fn aim(_: &mut SchemaGenerator) -> Schema {
    let examples = [
        "leader of broker.main",
        "one of processor.totals",
        "broker.main.0",
        "link source.orders.0 > leader of broker.main",
        "zone b",
        "broker.main.0 and sink.rows.0",
    ];
    pattern::text(&target::pattern(), &examples)
}

impl JsonSchema for WrittenPlanned {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("PlannedFault")
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let all = Planned::json_schema(generator);
        let mut kinds = PlannedKind::json_schema(generator);
        let arms = kinds.get_mut("oneOf").and_then(Value::as_array_mut);
        for arm in arms.into_iter().flatten() {
            if let (Some(Value::Object(properties)), Some(Value::Object(more))) =
                (arm.get_mut("properties"), all.get("properties"))
            {
                properties.extend(more.clone());
            }
            if let (Some(Value::Array(required)), Some(Value::Array(more))) =
                (arm.get_mut("required"), all.get("required"))
            {
                required.extend(more.iter().cloned());
            }
        }
        kinds
    }
}

/// `[expect]`
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenExpect {
    /// Checks besides those that the promises of the parts imply.
    #[serde(default)]
    pub checks: Vec<String>,
    /// Points that the sweep must reach, or it proves nothing: names, or tables that say how often.
    // Taken out before, as planned faults are.
    #[serde(default)]
    #[schemars(with = "Vec<Point>")]
    pub points: (),
    /// Objectives of latency, recovery, loss, duplicates, goodput and backlog.
    #[serde(default)]
    #[schemars(schema_with = "objectives")]
    pub slo: Vec<Spanned<String>>,
    /// Which drawn faults the objectives are meant to withstand; runs with others are not judged by them.
    pub slo_envelope: Option<SloEnvelope>,
    /// The checks of which one has to fail first where a case is known to break a promise; any if it is left out.
    #[serde(default)]
    pub found_by: Vec<String>,
    /// In how many seeds, by the median over blocks of seeds, such a case has to be found.
    #[schemars(range(min = 1))]
    pub found_within: Option<u32>,
    /// The exit code that the scenario is known to give: 0 passes, 1 shows a design that breaks its promise.
    #[serde(default)]
    pub exit: u8,
}

fn objectives(_: &mut SchemaGenerator) -> Schema {
    let examples = [
        "p99(end-to-end) < 250ms during steady",
        "goodput > 95% during faults",
        "backlog < 1e5",
        "lost = 0",
    ];
    let items = pattern::text(&slo::pattern(), &examples);
    schemars::json_schema!({ "type": "array", "items": items })
}

/// A point by its name, or with how often it must be reached.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "the parser tells both forms apart by itself")]
enum Point {
    /// The point's name, for the default share of seeds.
    Name(String),
    /// A point and how often it must be reached.
    Settings(WrittenPoint),
}

/// A point as it is written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenPoint {
    /// The point's name, for example `log.leader-changed`.
    pub name: String,
    /// The share of seeds that must reach it; at least three seeds in any case.
    #[serde(default)]
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1, "default" = share(MIN_SHARE)))]
    pub min_share: Option<f64>,
    /// Whether every run must reach it.
    #[serde(default)]
    pub must_each: bool,
}

impl WrittenPoint {
    /// A bare name.
    pub fn named(name: &str) -> WrittenPoint {
        WrittenPoint {
            name: name.to_owned(),
            min_share: None,
            must_each: false,
        }
    }

    /// The point, none if its share is no share.
    pub fn read(self) -> Option<PointSpec> {
        let min_share = match self.min_share {
            None => MIN_SHARE,
            Some(share) if share > 0.0 && share <= 1.0 => (share * 1e6).round() as u32,
            Some(_) => return None,
        };
        Some(PointSpec {
            name: self.name,
            min_share,
            must_each: self.must_each,
        })
    }
}

/// `[[variant]]`
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
// The default below is for the parser, which has taken `set` out by then.
#[schemars(extend("required" = ["name", "set"]))]
pub(crate) struct WrittenVariant {
    /// The variant's name, unlike that of any other.
    #[schemars(with = "Name")]
    pub name: Spanned<String>,
    /// The exit code that the variant is known to give; the scenario's if it is left out.
    #[serde(default)]
    pub exit: Option<u8>,
    /// What it sets: values by the path of the setting, such as `"broker.main.producer.acks" = "1"`.
    // Taken out before, as planned faults are.
    #[serde(default)]
    #[schemars(schema_with = "settings")]
    pub set: (),
}

fn settings(_: &mut SchemaGenerator) -> Schema {
    let open = format!(r"^(?:{})\.", document::OPEN.join("|"));
    schemars::json_schema!({
        "type": "object",
        "minProperties": 1,
        "propertyNames": { "pattern": open },
    })
}

/// `[matrix]`
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["every"] }, { "required": ["list"] }]))]
pub(crate) struct WrittenMatrix {
    /// Every combination of these values: a list of values by the path of the setting.
    // Taken out before, as planned faults are; so is the list.
    #[serde(default)]
    #[schemars(schema_with = "every")]
    pub every: (),
    /// These combinations alone: tables of values by the path of the setting, all of the same settings.
    #[serde(default)]
    #[schemars(schema_with = "combinations")]
    pub list: (),
    /// The exit code that all cells are known to give; the scenario's if it is left out.
    #[serde(default)]
    pub exit: Option<u8>,
    /// The exit codes of single cells, by their names.
    #[serde(default)]
    #[schemars(with = "BTreeMap<Name, u8>")]
    pub exits: BTreeMap<Spanned<String>, u8>,
}

fn every(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = settings(generator);
    let values = serde_json::json!({ "type": "array", "minItems": 1, "uniqueItems": true });
    schema.insert("additionalProperties".to_owned(), values);
    schema
}

fn combinations(generator: &mut SchemaGenerator) -> Schema {
    let items = settings(generator);
    schemars::json_schema!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": items })
}

/// A whole file. A marker: the parser takes its sections out one by one.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "it describes what the parser takes out one by one"
)]
pub(crate) struct Document {
    /// The scenario's name.
    #[schemars(with = "Name")]
    name: String,
    /// Phases, scale, seeds and limits.
    run: Option<RunSpec>,
    /// What owes events, by name.
    source: Option<BTreeMap<Name, SourceConfig>>,
    /// What stores and hands out events, by name.
    broker: Option<BTreeMap<Name, BrokerSpec>>,
    /// What transforms events, by name.
    processor: Option<BTreeMap<Name, ProcessorConfig>>,
    /// What makes effects visible, by name.
    sink: Option<BTreeMap<Name, SinkConfig>>,
    /// Users' own programs, by name.
    service: Option<BTreeMap<Name, ServiceSpec>>,
    /// What lets one node of a processor write at a time, by name.
    lease: Option<BTreeMap<Name, LeaseConfig>>,
    /// What keeps the nodes' wall clocks right.
    clocks: Option<ClocksSpec>,
    /// The hardware.
    profile: Option<ProfileSpec>,
    /// What goes wrong.
    faults: Option<WrittenFaults>,
    /// What is asked of the runs beyond what the parts promise.
    expect: Option<WrittenExpect>,
    /// The same question with some settings changed. All variants meet the same arrivals and the same faults.
    variant: Option<Vec<WrittenVariant>>,
    /// Variants by rule: every combination of some values, or a list of combinations.
    matrix: Option<WrittenMatrix>,
}
