//! Malformed scenarios: each gives one clear error with line, column and hint, and none a panic.

use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use stormglass_core::rng::Seed;
use stormglass_scenarios::error::ScenarioError;
use stormglass_scenarios::load::{ScenarioFile, load, load_bytes, load_text};
use stormglass_scenarios::plan;
use stormglass_scenarios::spec::{Names, print};

/// A scenario without mistakes, into which each test puts one.
const GOOD: &str = r#"# Does it load?
name = "good"

[run]
warmup = "1s"
chaos = "10s"
time_scale = 20

[source.orders]
arrival = { poisson = "100/s" }
keys = { count = 10 }
to = "broker.main/orders"

[broker.main]
kind = "log"
nodes = 3
topics.orders = { partitions = 4 }
producer = { linger = "5ms" }

[processor.totals]
operator = "count-by-key"
from = "broker.main/orders"
to = "sink.db"

[sink.db]
kind = "upsert"

[faults]
swarm = ["crash"]

[[faults.planned]]
name = "cut"
at = "2s"
lasts = "1.5 x broker.main.broker_session_timeout"
kind = "partition"
target = "leader of broker.main"

[expect]
points = ["log.leader-changed"]
slo = ["p99(end-to-end) < 1s during 'cut'"]

[[variant]]
name = "eager"
set = { "broker.main.producer.linger" = "0s" }
"#;

fn names() -> Names {
    let set = |names: &[&str]| -> Option<BTreeSet<String>> {
        Some(names.iter().map(|name| (*name).to_owned()).collect())
    };
    Names {
        operators: set(&["count-by-key", "sum-by-key", "map"]),
        services: set(&["enricher"]),
        profiles: set(&["default"]),
        checks: set(&["no-loss"]),
        points: set(&["log.leader-changed"]),
        classes: set(&["publish", "fetch"]),
    }
}

fn read(text: &str) -> Result<ScenarioFile, ScenarioError> {
    load_text("a.toml", text.to_owned(), &names())
}

/// Line and column of the first place where `needle` stands.
fn place(text: &str, needle: &str) -> (usize, usize) {
    let at = text
        .find(needle)
        .unwrap_or_else(|| panic!("{needle:?} stands in the text"));
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    (
        text[..at].matches('\n').count() + 1,
        text[start..at].chars().count() + 1,
    )
}

/// What is replaced, by what, where the error points, and words of its message and hint.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

// One line a mistake reads as a table.
#[rustfmt::skip]
const CASES: &[Case] = &[
    // Not TOML.
    ("name = \"good\"", "name = \"good", "\n\n[run]", "expected `\"`", "missing quote"),
    ("[run]", "[run", "\nwarmup", "", "bracket"),
    ("nodes = 3", "nodes = ", "\ntopics", "", "value"),
    ("nodes = 3", "nodes = 3\nnodes = 3", "nodes = 3\ntopics", "duplicate", "only once"),
    ("nodes = 3", "nodes 3", "3\ntopics", "", "`=`"),
    // Unknown keys.
    ("name = \"good\"", "name = \"good\"\ntitle = 1", "title", "unknown key `title`", "sections"),
    ("[sink.db]", "[sinks.db]", "sinks.db", "unknown key `sinks`", "`sink`"),
    ("nodes = 3", "nodez = 3", "nodez", "unknown key `nodez`", "`nodes`"),
    ("warmup", "warmupp", "warmupp", "unknown key `warmupp`", "`warmup`"),
    ("linger = ", "lingr = ", "lingr", "unknown key `lingr`", "`linger`"),
    ("poisson", "poison", "poison", "unknown value `poison`", "`poisson`"),
    ("partitions", "partition", "partition =", "unknown key `partition`", "`partitions`"),
    ("slo =", "slos =", "slos", "unknown key `slos`", "`slo`"),
    ("name = \"eager\"", "nam = \"eager\"", "nam = \"eager\"", "unknown key `nam`", "`name`"),
    ("kind = \"partition\"", "kind = \"partition\"\nfactor = 2", "factor", "unknown key `factor`", "no keys"),
    ("swarm", "swarms", "swarms", "unknown key `swarms`", "`swarm`"),
    // Wrong types and units.
    ("nodes = 3", "nodes = \"3\"", "\"3\"", "invalid type", "a whole number from 0 to 65535"),
    ("nodes = 3", "nodes = -3", "-3", "invalid value", "a whole number from 0 to 65535"),
    ("nodes = 3", "nodes = 3.5", "3.5", "invalid type", "a whole number"),
    ("nodes = 3", "nodes = 99999999999999999999999999999999999999999", "9999", "number", "smaller"),
    ("\"10s\"", "10", "10\n", "invalid type", "a length of time with a unit"),
    ("\"10s\"", "\"10\"", "\"10\"", "needs a unit", "\"250ms\""),
    ("\"10s\"", "\"10 parsecs\"", "\"10 parsecs\"", "unknown unit", "\"250ms\""),
    ("\"100/s\"", "\"100\"", "\"100\"", "expected a rate", "\"2000/s\""),
    ("\"100/s\"", "\"100/fortnight\"", "\"100/fortnight\"", "unknown unit", "unit"),
    ("\"10s\"", "\"99999999999999999999s\"", "\"99999999999999999999s\"", "too large", "smaller"),
    ("arrival = { poisson = \"100/s\" }", "arrival = { poisson = \"1/s\", constant = \"1/s\" }", "{ poisson", "exactly 1", "exactly one"),
    ("arrival = { poisson = \"100/s\" }", "arrival = 5", "5\nkeys", "wanted string or table", "forms"),
    ("swarm = [\"crash\"]", "swarm = \"crash\"", "\"crash\"", "invalid type", "a list in square brackets"),
    ("swarm = [\"crash\"]", "swarm = [\"crush\"]", "\"crush\"", "unknown value `crush`", "`crash`"),
    ("[sink.db]\nkind = \"upsert\"", "[sink]\ndb = 5", "db = 5", "not a table", "[sink.<name>]"),
    // Missing keys.
    ("name = \"good\"\n", "", "# Does", "missing key `name`", "question"),
    ("# Does it load?\n", "", "name", "does not open with the question", "comment"),
    ("kind = \"log\"\n", "", "main]", "missing key `kind`", "kind"),
    ("kind = \"log\"", "kind = \"lag\"", "\"lag\"", "unknown value `lag`", "`log`"),
    ("operator = \"count-by-key\"\n", "", "[processor.totals]", "missing key `operator`", "add"),
    ("at = \"2s\"\n", "", "[[faults.planned]]", "missing key `at`", "add `at"),
    ("set = { \"broker.main.producer.linger\" = \"0s\" }", "", "[[variant]]", "sets nothing", "add `set"),
    // Dangling references.
    ("to = \"broker.main/orders\"", "to = \"broker.mian/orders\"", "\"broker.mian", "no broker is called `mian`", "`main`"),
    ("to = \"broker.main/orders\"", "to = \"broker.main/order\"", "\"broker.main/order\"", "no topic `order`", "`orders`"),
    ("to = \"broker.main/orders\"", "to = \"sink.db\"", "\"sink.db\"", "publishes to a topic", "broker.<name>/<topic>"),
    ("to = \"sink.db\"", "to = \"sink.bd\"", "\"sink.bd\"", "no sink is called `bd`", "`db`"),
    ("to = \"sink.db\"", "to = \"broker.main/orders\"", "\"broker.main/orders\"\n\n[sink", "writes to a sink", "sink.<name>"),
    ("\"count-by-key\"", "\"count-by-kay\"", "\"count-by-kay\"", "unknown operator", "`count-by-key`"),
    ("\"leader of broker.main\"", "\"leader of broker.mein\"", "\"leader of broker.mein\"", "no part is called", "`broker.main`"),
    ("\"leader of broker.main\"", "\"leader of sink.db\"", "\"leader of sink.db\"", "no leader", "log broker"),
    ("\"leader of broker.main\"", "\"broker.main.3\"", "\"broker.main.3\"", "none at 3", "from 0"),
    ("\"leader of broker.main\"", "\"everyone\"", "\"everyone\"", "expected a target", "roles"),
    ("during 'cut'", "during 'cat'", "\"p99(", "no planned fault is called 'cat'", "`cut`"),
    ("\"log.leader-changed\"", "\"log.leader-change\"", "\"log.leader-change\"", "unknown point", "`log.leader-changed`"),
    ("broker_session_timeout\"", "broker_sesion_timeout\"", "\"1.5 x", "no setting", "path"),
    ("[sink.db]", "[sink.spare]\nkind = \"append\"\n\n[sink.db]", "spare", "nobody writes", "remove"),
    ("topics.orders = { partitions = 4 }", "topics.orders = { partitions = 4 }\ntopics.spare = { partitions = 4 }", "spare", "nobody publishes", "remove"),
    ("[processor.totals]\noperator = \"count-by-key\"\nfrom = \"broker.main/orders\"\nto = \"sink.db\"\n\n[sink.db]\nkind = \"upsert\"\n", "", "orders = { partitions", "nobody consumes", "`from`"),
    // Cycles.
    ("[sink.db]", "[service.loop]\nservice = \"enricher\"\nfrom = \"broker.main/orders\"\nto = \"broker.main/orders\"\n\n[sink.db]", "\"broker.main/orders\"\n\n[sink", "a cycle", "for ever"),
    // What the other end cannot keep.
    ("operator = \"count-by-key\"", "operator = \"count-by-key\"\ndelivery = \"exactly-once\"", "\"exactly-once\"", "transactional sink", "kind = \"transactional\""),
    ("[processor.totals]\noperator = \"count-by-key\"\n", "[service.totals]\nservice = \"enricher\"\ndelivery = \"exactly-once\"\n", "\"exactly-once\"", "transactional sink", "kind = \"transactional\""),
    // Numbers and inequalities.
    ("nodes = 3", "nodes = 65", "65", "outside 1 to 64", "from 1 to 64"),
    ("nodes = 3", "nodes = 2", "main]", "`replication_factor` is 3", "node of its own"),
    ("nodes = 3", "nodes = 3\nmin_insync_replicas = 4", "4\n", "`min_insync_replicas` is 4", "replication_factor"),
    ("partitions = 4", "partitions = 10001", "10001", "outside 1 to 10000", "choose"),
    ("partitions = 4", "partitions = 0", "0 }\nproducer", "outside 1 to 10000", "choose"),
    ("count = 10", "count = 0", "0 }", "outside", "choose"),
    ("\"100/s\"", "\"0/s\"", "\"0/s\"", "outside", "above 0"),
    ("\"100/s\"", "\"99999999999/s\"", "\"99999999999/s\"", "outside", "at most"),
    ("keys = { count = 10 }", "keys = { count = 10 }\nretry = { policy = \"none\", attempts = 3 }", "3 }\nto", "bounds retries", "leave one of them out"),
    ("keys = { count = 10 }", "keys = { count = 10 }\nretry = { policy = { fixed = \"0s\" } }", "\"0s\" } }", "above 0s", "length of time"),
    ("keys = { count = 10 }", "keys = { count = 10 }\nretry = { policy = { exponential = { first = \"2s\", max = \"1s\" } } }", "\"1s\" } }", "is shorter than", "grows up to `max`"),
    ("keys = { count = 10 }", "keys = { count = 10 }\nretry = { policy = { linear = \"1s\" } }", "linear", "unknown value `linear`", "exponential"),
    ("keys = { count = 10 }", "keys = { count = 10 }\nretry = { budget = { share = 2.0 } }", "2.0 }", "between 0 and 1", ""),
    ("keys = { count = 10 }", "keys = { count = 10 }\nretry = { budget = { burst = 0 } }", "0 } }", "outside 1 to", "choose a number"),
    ("keys = { count = 10 }", "keys = { count = 10 }\nretry = { breaker = { trips = { in-a-row = 0 }, open = \"1s\" } }", "0 }, open", "outside 1 to", "choose a number"),
    ("keys = { count = 10 }", "keys = { count = 10 }\nbuffer = { memory = \"1MB\", when_full = \"buffer\" }", "\"1MB\"", "has no bound", "leave one of them out"),
    ("keys = { count = 10 }", "keys = { count = 10 }\nbuffer = { when_full = { throttle = { above = 1.0, rate = \"5/s\" } } }", "1.0, rate", "never begins", "below 1"),
    ("linger = \"5ms\"", "delivery_timeout = \"29s\"", "\"29s\"", "is shorter than", "delivery_timeout >= linger + request_timeout"),
    ("linger = \"5ms\"", "acks = \"1\"", "\"1\"", "acks = \"all\"", "enable_idempotence = false"),
    ("linger = \"5ms\"", "max_in_flight = 6", "6 }", "at most 5", "enable_idempotence"),
    ("nodes = 3", "nodes = 3\nbroker_session_timeout = \"1s\"", "\"1s\"\ntopics", "is not longer than", "heartbeat"),
    ("nodes = 3", "nodes = 3\ngroup_initial_rebalance_delay = \"100000d\"", "\"100000d\"", "at most", "bounds"),
    ("time_scale = 20", "time_scale = 0", "0\n\n[source", "outside 1 to 1000", "choose"),
    ("time_scale = 20\n", "time_scale = 1000\n[profile]\nlink.latency_p99 = \"20ms\"\n", "1000\n", "less than two slow round trips", "flip"),
    // Phases shorter than the timeouts.
    ("time_scale = 20", "calm = \"1s\"\ntime_scale = 20", "\"1s\"\ntime", "shorter than", "auto"),
    ("time_scale = 20", "drain = \"1s\"\ntime_scale = 20", "\"1s\"\ntime", "broker.main.consumer.session_timeout", "auto"),
    ("at = \"2s\"", "at = \"9.9s\"", "\"1.5 x", "after the start of chaos", "lengthen chaos"),
    ("\"1.5 x broker.main.broker_session_timeout\"", "\"0s\"", "\"0s\"\nkind", "no effect", "length"),
    ("\"1.5 x broker.main", "\"much x broker.main", "\"much", "expected a factor", "multiple"),
    // Objectives.
    ("p99(end-to-end)", "p99(end-to-edn)", "end-to-edn", "unknown series", "`end-to-end`"),
    ("< 1s", "< 1", "1 during", "needs a unit", "250ms"),
    ("[expect]", "[expect]\nslo_envelope = { longest = \"1s\" }", "longest", "unknown key", "lasts"),
    ("[expect]", "[expect]\nslo_envelope = { kinds = [\"crsh\"] }", "\"crsh\"", "unknown value", "crash"),
    // Windows of event time.
    ("operator = \"count-by-key\"", "operator = \"map\"\nwindow = { assign = { tumbling = \"1s\" } }", "\"map\"", "does not work by windows", "count-by-key"),
    ("operator = \"count-by-key\"", "operator = \"count-by-key\"\nwindow = { assign = { tumbling = \"0s\" } }", "\"0s\" } }\n", "lies above 0s", "bounds"),
    ("operator = \"count-by-key\"", "operator = \"count-by-key\"\nwindow = { assign = { sliding = { size = \"1s\", slide = \"2s\" } } }", "\"2s\" } } }", "events between two windows", "at most the size"),
    ("operator = \"count-by-key\"", "operator = \"count-by-key\"\nwindow = { assign = { sliding = { size = \"1h\", slide = \"1s\" } } }", "\"1s\" } } }", "over 1000 windows", "longer slide"),
    ("operator = \"count-by-key\"", "operator = \"count-by-key\"\nwindow = { assign = { tumbling = \"1s\" }, idle = \"0s\" }", "\"0s\" }\n", "lies above 0s", "bounds"),
    ("operator = \"count-by-key\"", "operator = \"count-by-key\"\nwindow = { assign = { tumbling = \"1s\" }, watermark = \"wall-clock\", idle = \"1s\" }", "\"1s\" }\n", "faster or slower", "event-time"),
    ("operator = \"count-by-key\"", "operator = \"count-by-key\"\ndelivery = \"at-most-once\"\nwindow = { assign = { tumbling = \"1s\" }, watermark = \"wall-clock\" }", "\"wall-clock\" }\n", "not written at most once", "event-time"),
    ("p99(end-to-end) < 1s during 'cut'", "late < 0.1%", "\"late", "nothing can be late", "window"),
    // Variants.
    ("\"broker.main.producer.linger\" = \"0s\"", "\"broker.mian.producer.linger\" = \"0s\"", "\"broker.mian", "no broker is called `mian`", "`broker.main`"),
    ("\"broker.main.producer.linger\" = \"0s\"", "\"broker.main.producer.lingr\" = \"0s\"", "\"broker.main.producer.lingr", "unknown key `lingr`", "`linger`"),
    ("\"broker.main.producer.linger\" = \"0s\"", "\"broker.main.producer.linger\" = 7", "7 }", "invalid type", "unit"),
    ("\"broker.main.producer.linger\" = \"0s\"", "\"broker.main.nodes\" = 2", "main]", "`replication_factor` is 3", "nodes"),
    ("\"broker.main.producer.linger\" = \"0s\"", "\"faults.max\" = 2", "\"faults.max\"", "cannot set `faults`", "same faults"),
    ("\"broker.main.producer.linger\" = \"0s\"", "\"run.chaos\" = \"2s\"", "\"run.chaos\"", "cannot set `run.chaos`", "share phases"),
    ("\"broker.main.producer.linger\" = \"0s\"", "\"broker.main.nodes.x\" = 2", "\"broker.main.nodes.x\"", "is a value", "as a whole"),
    ("name = \"eager\"", "name = \"Eager One\"", "\"Eager One\"", "no name", "small letter"),
    ("[[variant]]", "[variant]", "[variant]", "variants are a list", "two square brackets"),
];

#[test]
fn the_good_scenario_is_good() {
    read(GOOD).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn each_mistake_is_pointed_at_with_a_hint() {
    assert!(CASES.len() >= 45);
    let mut wrong = Vec::new();
    for (from, to, at, message, hint) in CASES {
        assert!(GOOD.contains(from), "{from:?}");
        let text = GOOD.replacen(from, to, 1);
        let error = match read(&text) {
            Ok(_) => {
                wrong.push(format!("{to:?} is accepted"));
                continue;
            }
            Err(error) => error,
        };
        let at = place(&text, at);
        let fits = (error.line, error.column) == at
            && error.message.contains(message)
            && error.hint.contains(hint)
            && error.excerpt.contains('^')
            && error.file == "a.toml";
        if !fits {
            wrong.push(format!(
                "{to:?} should point at {at:?} with {message:?}, {hint:?}:\n{error}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        CASES.len(),
        wrong.join("\n\n")
    );
}

#[test]
fn a_file_that_is_no_text_says_so() {
    for (bytes, line, column, message) in [
        (b"".to_vec(), 1, 1, "empty"),
        (b" \n\n ".to_vec(), 1, 1, "empty"),
        (b"# Is it?\nname\0".to_vec(), 2, 5, "binary"),
        (b"# Is it?\n\xFF\xFE".to_vec(), 2, 1, "UTF-8"),
        (b"\x7FELF\x02\x01\x01\x00\x00".to_vec(), 1, 8, "binary"),
    ] {
        let error = load_bytes("a.toml", bytes, &names()).unwrap_err();
        assert!(error.message.contains(message), "{error}");
        assert_eq!((error.line, error.column), (line, column), "{error}");
        assert!(!error.hint.is_empty());
    }
    let missing = load(Path::new("nowhere/none.toml"), &names()).unwrap_err();
    assert!(missing.to_string().contains("cannot be read"), "{missing}");
    let folder = load(Path::new(env!("CARGO_MANIFEST_DIR")), &names()).unwrap_err();
    assert!(folder.to_string().contains("cannot be read"), "{folder}");
}

#[test]
fn a_trace_that_is_missing_is_a_mistake_of_the_scenario() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join("missing-trace.toml");
    let text = GOOD.replace(
        "arrival = { poisson = \"100/s\" }",
        "arrival = { trace = { file = \"none.csv\", arrival = \"at\" } }",
    );
    std::fs::write(&path, &text).unwrap();
    let error = load(&path, &names()).unwrap_err();
    assert_eq!(
        (error.line, error.column),
        place(&text, "\"none.csv\""),
        "{error}"
    );
    assert!(error.message.contains("cannot be read"), "{error}");
}

#[test]
fn an_error_reads_as_one_thing_with_its_place() {
    let error = read(&GOOD.replace("nodes = 3", "nodez = 3")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a.toml:16:1: unknown key `nodez`\n  16 | nodez = 3\n     | ^^^^^\n  hint: did you mean `nodes`?"
    );
}

/// The texts that are mutated: the good one and the project's own.
fn texts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<PathBuf> = ["delivery", "domains"]
        .iter()
        .flat_map(|folder| {
            std::fs::read_dir(root.join(folder)).expect("the folder stands beside this test")
        })
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    paths.sort();
    let mut texts: Vec<String> = paths
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("a readable scenario"))
        .collect();
    texts.push(GOOD.to_owned());
    texts
}

/// Pieces that are likely to mean something somewhere.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "\"", "'", "[", "]", "[[", "]]", "{", "}", "=", ".", ",", "#", "\n", "\r", "\0", "é", "\u{feff}", "-", " x ",
    "0", "-1", "1e400", "inf", "nan", "true", "99999999999999999999", "9223372036854775807", "0xFF",
    "1979-05-27T07:32:00Z", "\"\"", "\"0s\"", "\"106751d\"", "\"9223372036854775807ns\"", "\"1/s\"", "\"0.000001/s\"",
    "\"999999.999 x broker.main.log_retention\"", "\"all\"", "\"auto\"", "\"off\"", "kind = \"queue\"\n", "nodes = 64\n",
    "[broker.main]", "[faults]", "[[variant]]", "calm = \"1s\"\n", "\"link source.orders.0 > all of broker.main\"",
    "\"one of broker.main\"", "p99(", "during '", "\"power-loss\"", "max = 1000\n", "envelope = \"off\"\n",
];

#[derive(Clone, Debug)]
enum Edit {
    Cut(u16, u8),
    Put(u16, usize),
    Swap(u16, u16, u8),
    Double(u16, u8),
    Char(u16, char),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (any::<u16>(), 1..40_u8).prop_map(|(at, length)| Edit::Cut(at, length)),
        (any::<u16>(), 0..PIECES.len()).prop_map(|(at, piece)| Edit::Put(at, piece)),
        (any::<u16>(), any::<u16>(), 1..20_u8)
            .prop_map(|(from, to, length)| Edit::Swap(from, to, length)),
        (any::<u16>(), 1..80_u8).prop_map(|(at, length)| Edit::Double(at, length)),
        (any::<u16>(), any::<char>()).prop_map(|(at, c)| Edit::Char(at, c)),
    ]
}

fn apply(text: &str, edit: &Edit) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |place: u16| usize::from(place) % (chars.len() + 1);
    let range = |place: u16, length: u8| {
        let start = at(place);
        start..(start + usize::from(length)).min(chars.len())
    };
    let mut new = chars.clone();
    match edit {
        Edit::Cut(place, length) => {
            new.drain(range(*place, *length));
        }
        Edit::Put(place, piece) => {
            let start = at(*place);
            new.splice(start..start, PIECES[*piece].chars());
        }
        Edit::Swap(from, to, length) => {
            let moved: Vec<char> = chars[range(*from, *length)].to_vec();
            new.splice(range(*to, *length), moved);
        }
        Edit::Double(place, length) => {
            let doubled = chars[range(*place, *length)].to_vec();
            let start = at(*place);
            new.splice(start..start, doubled);
        }
        Edit::Char(place, c) => new.insert(at(*place), *c),
    }
    new.into_iter().collect()
}

fn cases() -> u32 {
    std::env::var("STORMGLASS_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(1_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mutated_scenario_never_panics(which in any::<prop::sample::Index>(), edits in prop::collection::vec(edit(), 1..5)) {
        thread_local! {
            static TEXTS: Vec<String> = texts();
        }
        let text = TEXTS.with(|texts| which.get(texts).clone());
        let text = edits.iter().fold(text, |text, edit| apply(&text, edit));
        match load_text("a.toml", text, &Names::default()) {
            Err(error) => {
                prop_assert!(error.line >= 1 && error.column >= 1, "{}", error);
                prop_assert!(!error.message.is_empty() && !error.hint.is_empty(), "{}", error);
            }
            // What loads can be printed, loaded again and planned.
            Ok(file) => {
                let plan = plan::sample(Seed(1), file.base());
                let calm = file.base().phases.calm_starts();
                prop_assert!(plan.faults.iter().all(|fault| fault.at + fault.lasts <= calm));
                let text = print::print(&file.base().written);
                let again = load_text("b.toml", text, &Names::default());
                prop_assert!(again.is_ok(), "{}", again.unwrap_err());
            }
        }
    }
}
