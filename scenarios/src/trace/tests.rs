use super::*;
use crate::error::ScenarioError;
use stormglass_core::id::name_hash;
use stormglass_core::source::config::{TraceConfig, TraceUnit};
use stormglass_core::time::SECOND;

fn config() -> TraceConfig {
    TraceConfig {
        file: String::from("a.csv"),
        speed: 1,
        arrival: String::from("at"),
        event_time: None,
        unit: TraceUnit::Seconds,
        key: None,
        kind: None,
        value: None,
        value_scale: 1,
        size: None,
        sort: false,
        rows: None,
    }
}

fn read(text: &str, config: &TraceConfig) -> Result<Trace, ScenarioError> {
    parse("a.csv", text.as_bytes().to_vec(), config, 100)
}

#[test]
fn rows_are_rebased_and_sped_up_in_integers() {
    let config = TraceConfig {
        speed: 10,
        event_time: Some(String::from("event")),
        key: Some(String::from("who")),
        kind: Some(String::from("what")),
        value: Some(String::from("price")),
        value_scale: 100,
        size: Some(String::from("bytes")),
        ..config()
    };
    let text =
        "at,event,who,what,price,bytes\n100.5,90.5,ann,buy,29.33,7\n110.5,200,\"b,ob\",sell,,\n";
    let rows = read(text, &config).unwrap().rows(Seed(1), "source.a");
    assert_eq!(
        rows[..],
        [
            TraceRow {
                arrival: Time(0),
                event_time: -(SECOND as i64),
                key: name_hash("ann"),
                kind: 0,
                value: 2_933,
                size: 7,
            },
            TraceRow {
                arrival: Time(SECOND),
                event_time: 9_950_000_000,
                key: name_hash("b,ob"),
                kind: 1,
                value: 0,
                size: 100,
            },
        ]
    );
}

#[test]
fn days_are_jittered_by_the_seed_and_stay_in_order() {
    let config = TraceConfig {
        unit: TraceUnit::Date,
        key: Some(String::from("id")),
        ..config()
    };
    let text = "id,at\n1,19970101\n2,19970101\n3,1997-01-01\n4,19970102\n";
    let trace = read(text, &config).unwrap();
    let first = trace.rows(Seed(1), "source.a");
    assert_eq!(first, trace.rows(Seed(1), "source.a"));
    assert_ne!(first, trace.rows(Seed(2), "source.a"));
    assert_eq!(first[0].arrival, Time::ZERO);
    assert!(first.is_sorted_by_key(|row| row.arrival));
    assert_eq!(first[3].key, name_hash("4"), "days do not change places");
    assert!(
        first
            .iter()
            .all(|row| row.arrival.0 as i64 == row.event_time)
    );
}

#[test]
fn absurd_times_disorder_and_duplicates_are_data() {
    let config = TraceConfig {
        event_time: Some(String::from("event")),
        ..config()
    };
    let text = "at,event\n0,99999999999999999999\n0,-5\n0,-5\n99999999999999999999,0\n";
    let rows = read(text, &config).unwrap().rows(Seed(1), "source.a");
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[0].event_time, i64::MAX);
    assert_eq!(rows[3].arrival, Time(i64::MAX as u64));
}

#[test]
fn the_first_rows_can_be_taken_and_all_can_be_sorted() {
    let text = "at\n5\n3\n4\n";
    let rows = |config: &TraceConfig| -> Vec<u64> {
        let trace = read(text, config).unwrap();
        let rows = trace.rows(Seed(1), "source.a");
        rows.iter().map(|row| row.arrival.0 / SECOND).collect()
    };
    let sorted = TraceConfig {
        sort: true,
        ..config()
    };
    assert_eq!(rows(&sorted), [0, 1, 2]);
    let cut = TraceConfig {
        rows: Some(1),
        ..config()
    };
    assert_eq!(rows(&cut), [0]);
}

#[test]
fn each_mistake_in_a_trace_has_its_line_column_and_hint() {
    let valued = TraceConfig {
        value: Some(String::from("v")),
        ..config()
    };
    for (text, config, line, column, message, hint) in [
        ("", config(), 1, 1, "empty", "column names"),
        ("\n \n", config(), 1, 1, "empty", "column names"),
        ("at,b\n", config(), 2, 1, "no rows", "at least one"),
        ("\0\u{1}at", config(), 1, 1, "binary", "unpack"),
        (
            "when,b\n1,2\n",
            config(),
            1,
            1,
            "no column is called `at`",
            "columns known here",
        ),
        (
            "att,b\n1,2\n",
            config(),
            1,
            1,
            "no column is called `at`",
            "`arrival = \"att\"`",
        ),
        (
            "at;b\n1;2\n",
            config(),
            1,
            1,
            "no column is called `at`",
            "commas",
        ),
        ("at,at\n1,2\n", config(), 1, 1, "two columns", "rename"),
        (
            "b,at\n1,2\n3,1\n",
            config(),
            3,
            3,
            "goes backwards",
            "sort = true",
        ),
        (
            "b,at\n1,2\n3,x\n",
            config(),
            3,
            3,
            "expected seconds",
            "unit",
        ),
        (
            "b,at\n\"1,1\",\"x\"\n",
            config(),
            2,
            8,
            "expected seconds",
            "unit",
        ),
        (
            "at,v\n1,2\n1,1e5\n",
            valued.clone(),
            3,
            3,
            "expected a number",
            "`value`",
        ),
        (
            "at,v\n1,2\n1\n",
            valued.clone(),
            3,
            1,
            "has 1 fields",
            "same columns",
        ),
        (
            "at,v\n1,2\n1,2,3\n",
            valued,
            3,
            1,
            "has 3 fields",
            "same columns",
        ),
        (
            "at\n2019-11-01\n",
            TraceConfig {
                unit: TraceUnit::Timestamp,
                ..config()
            },
            2,
            1,
            "expected a timestamp",
            "unit",
        ),
    ] {
        let error = read(text, &config).unwrap_err();
        assert!(error.message.contains(message), "{text:?}: {error}");
        assert!(error.hint.contains(hint), "{text:?}: {error}");
        assert_eq!(
            (error.line, error.column),
            (line, column),
            "{text:?}: {error}"
        );
    }
    let error = parse("a.csv", vec![b'a', b't', 0xFF, b'\n'], &config(), 1).unwrap_err();
    assert_eq!((error.line, error.column), (1, 3), "{error}");
    let error = load(std::path::Path::new("/nowhere"), &config(), 1).unwrap_err();
    assert!(error.message.contains("cannot be read"), "{error}");
}

#[test]
fn the_recorded_streams_of_the_project_replay_as_their_scenarios_say() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("domains");
    for (name, source, rows) in [
        ("retail", "purchases", 8_000),
        ("lab-tests", "results", 8_000),
        ("earthquakes", "revisions", 1_707),
    ] {
        let path = folder.join(format!("{name}.toml"));
        let file = crate::load::load(&path, &crate::spec::Names::default())
            .unwrap_or_else(|error| panic!("{error}"));
        let case = file.base();
        let trace = &case.traces[source];
        assert_eq!(trace.len(), rows);
        let replayed = trace.rows(Seed(1), &format!("source.{source}"));
        // Sources have events until calm ends, but for the seven years of one lab test.
        let drain_starts = case.phases.drain_starts();
        let owed = replayed
            .iter()
            .filter(|row| row.arrival < drain_starts)
            .count();
        assert!(
            owed * 10 > rows * 9,
            "{name}: {owed} of {rows} before {drain_starts}"
        );
        let last = replayed[rows - 2].arrival;
        assert!(last > case.phases.calm_starts(), "{name}: {last}");
    }
}
