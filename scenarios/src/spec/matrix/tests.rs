use super::Coordinate;
use crate::load::{Case, ScenarioFile, load_text};
use crate::spec::{BrokerSpec, Names};

/// What `stormglass init` writes, with a matrix in place of its variant.
fn with(matrix: &str) -> String {
    let text = include_str!("../../../../ci/src/command/init.toml");
    let sound = text.split("[[variant]]").next().unwrap_or_default();
    format!("{sound}{matrix}")
}

fn read(matrix: &str) -> ScenarioFile {
    load_text("a.toml", with(matrix), &Names::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn names(matrix: &str) -> Vec<String> {
    let cases = read(matrix).cases;
    cases.into_iter().filter_map(|case| case.variant).collect()
}

fn refused(matrix: &str) -> String {
    let error = load_text("a.toml", with(matrix), &Names::default()).unwrap_err();
    assert!(
        error.line > 0 && error.column > 0 && !error.hint.is_empty(),
        "{error}"
    );
    let line = with(matrix).lines().nth(error.line - 1).unwrap().to_owned();
    format!(
        "{} | {} | {}",
        line[error.column - 1..].trim(),
        error.message,
        error.hint
    )
}

fn replicas(case: &Case) -> u16 {
    match &case.scenario.brokers["main"] {
        BrokerSpec::Log(log) => log.replication_factor,
        BrokerSpec::Queue(_) | BrokerSpec::Fanout(_) => panic!("a log"),
    }
}

#[test]
fn every_combination_is_a_variant_with_a_name_that_says_what_it_sets() {
    let matrix = "[matrix.every]\n\"broker.main.producer.linger\" = [\"0ms\", \"2.5ms\"]\n\
                  \"broker.main.replication_factor\" = [2, 3]\n";
    let file = read(matrix);
    let names: Vec<_> = file
        .cases
        .iter()
        .filter_map(|case| case.variant.clone())
        .collect();
    // The setting that stands first changes last.
    assert_eq!(
        names,
        [
            "linger-0ms-replication_factor-2",
            "linger-0ms-replication_factor-3",
            "linger-2_5ms-replication_factor-2",
            "linger-2_5ms-replication_factor-3",
        ]
    );
    assert_eq!(
        file.cases.iter().skip(1).map(replicas).collect::<Vec<_>>(),
        [2, 3, 2, 3]
    );
    assert!(file.base().cell.is_empty());
    let cell: Vec<_> = file.cases[3]
        .cell
        .iter()
        .map(|at| (&*at.path, &*at.value))
        .collect();
    assert_eq!(
        cell,
        [
            ("broker.main.producer.linger", "2.5ms"),
            ("broker.main.replication_factor", "2")
        ]
    );
    for case in &file.cases {
        assert_eq!(case.scenario.faults, file.base().scenario.faults);
    }
}

#[test]
fn a_list_has_its_combinations_alone_and_exit_codes_of_their_own() {
    let matrix = "[matrix]\nexit = 4\nexits = { nodes-3-replication_factor-2 = 1 }\n\
                  [[matrix.list]]\n\"broker.main.nodes\" = 5\n\"broker.main.replication_factor\" = 3\n\
                  [[matrix.list]]\n\"broker.main.replication_factor\" = 2\n\"broker.main.nodes\" = 3\n";
    let cases = read(matrix).cases;
    let cases: Vec<_> = cases
        .iter()
        .map(|case| (case.variant.as_deref(), replicas(case), case.exit))
        .collect();
    assert_eq!(
        cases,
        [
            (None, 3, 0),
            (Some("nodes-5-replication_factor-3"), 3, 4),
            (Some("nodes-3-replication_factor-2"), 2, 1),
        ]
    );
}

#[test]
fn settings_of_one_name_are_told_apart_and_what_is_no_word_is_numbered() {
    let matrix = "[matrix.every]\n\"profile.link.latency_median\" = [\"1ms\"]\n\
                  \"sink.warehouse\" = [{ kind = \"upsert\" }, { kind = \"append\" }]\n";
    assert_eq!(
        names(matrix),
        [
            "latency_median-1ms-warehouse-1",
            "latency_median-1ms-warehouse-2"
        ]
    );
    let alike =
        "[matrix.every]\n\"broker.main.nodes\" = [3]\n\"processor.totals.nodes\" = [1, 2]\n";
    assert_eq!(
        names(alike),
        ["main-nodes-3-totals-nodes-1", "main-nodes-3-totals-nodes-2"]
    );
    let long = "[matrix]\nevery = { \"broker.main.producer.linger\" = [\"1ms\"], \
                \"broker.main.min_insync_replicas\" = [1, 2], \"broker.main.replication_factor\" = [3], \
                \"broker.main.producer.delivery_timeout\" = [\"120s\"] }\n";
    assert_eq!(names(long), ["cell-1", "cell-2"]);
}

#[test]
fn a_matrix_with_a_mistake_points_at_it() {
    let linger = "\"broker.main.producer.linger\"";
    let every = |values: &str| refused(&format!("[matrix.every]\n{linger} = {values}\n"));
    for (found, words) in [
        (
            refused("[matrix]\nexit = 1\n"),
            "matrix] | a matrix sets nothing | add `every",
        ),
        (
            refused("[matrix]\nevry = 1\n"),
            "evry = 1 | unknown key `evry` | did you mean `every`",
        ),
        (
            every("\"5ms\""),
            "\"5ms\" | `broker.main.producer.linger` has one value here",
        ),
        (
            every("[]"),
            "[] | `broker.main.producer.linger` has no values",
        ),
        (
            every("[\"5ms\", \"5ms\"]"),
            "\"5ms\"] | `broker.main.producer.linger` has the value 5ms twice",
        ),
        (every("[\"5ms\", \"5\"]"), "\"5\"] |"),
        (
            every(&format!(
                "[{}]",
                (0..101)
                    .map(|ms| format!("\"{ms}ms\""))
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
            "matrix of 101 cells",
        ),
        (
            refused("[matrix.every]\n\"broker.main.producer.lingr\" = [\"5ms\"]\n"),
            "unknown key `lingr`",
        ),
        (
            refused("[matrix.every]\n\"faults.max\" = [1]\n"),
            "a variant cannot set `faults`",
        ),
        (
            refused(&format!(
                "[matrix]\nlist = [{{ {linger} = \"5ms\" }}, {{ {linger} = \"5ms\" }}]\n"
            )),
            "this combination twice",
        ),
        (
            refused(&format!(
                "[matrix]\nlist = 1\nevery = {{ {linger} = [\"5ms\"] }}\n"
            )),
            "not both",
        ),
        (
            refused(&format!("[matrix]\nlist = {{ {linger} = \"5ms\" }}\n")),
            "is no list",
        ),
        (refused("[matrix]\nlist = []\n"), "a matrix sets nothing"),
        (
            refused(&format!(
                "[matrix]\nexits = {{ linger-6ms = 1 }}\nevery = {{ {linger} = [\"5ms\"] }}\n"
            )),
            "no cell is called `linger-6ms` | did you mean `linger-5ms`?",
        ),
        (
            refused(&format!(
                "[[variant]]\nname = \"linger-5ms\"\nset = {{ {linger} = \"5ms\" }}\n\
            [matrix]\nevery = {{ {linger} = [\"5ms\"] }}\n"
            )),
            "a variant and a cell of the matrix are both called `linger-5ms`",
        ),
        (refused("matrix = 1\n"), ""),
    ] {
        assert!(found.contains(words), "{found}\n{words}");
    }
}

#[test]
fn values_are_put_in_order_as_numbers_with_their_units() {
    let number = |value: &str| {
        let at = Coordinate {
            path: String::new(),
            value: value.to_owned(),
        };
        at.number()
    };
    assert!(number("900us") < number("1ms") && number("1ms") < number("1.5s"));
    assert!(number("1000") < number("1_001") && number("16KiB") > number("16kB"));
    assert!(number("99/s") < number("100/s") && number("1MB/s") < number("1MiB/s"));
    assert_eq!([number("all"), number("true"), number("inf")], [None; 3]);
}
