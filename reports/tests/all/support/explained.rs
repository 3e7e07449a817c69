//! A made-up explanation with a row of every meaning and a proved and an unproved mend.

use stormglass_reports::model::explained::{
    Changed, Counterfactuals, Explained, Meaning, Mend, Rate, Search, Size, Sort, Step,
};
use stormglass_reports::model::value::Micros;

fn changed(sort: Sort, label: &str, fails: u64, meaning: Meaning) -> Changed {
    Changed {
        sort,
        label: label.into(),
        rate: Rate { fails, of: 50 },
        meaning,
    }
}

fn step(at: u64, node: &str, what: &str, is_fault: bool) -> Step {
    Step {
        at: Micros(at),
        node: node.into(),
        what: what.into(),
        is_fault,
    }
}

/// What is known of the sample's first failure.
pub fn explained() -> Explained {
    let rows = vec![
        changed(
            Sort::Fault,
            "without 'leader-dies' (crash on <script>)",
            0,
            Meaning::Needed,
        ),
        changed(
            Sort::Fault,
            "without 'cut' (partition)",
            47,
            Meaning::NotNeeded,
        ),
        changed(
            Sort::Setting,
            "sink.warehouse.idempotency_key = \"order_id\"",
            0,
            Meaning::MayMend,
        ),
        changed(
            Sort::Setting,
            "broker.main.acks = \"all\"",
            9,
            Meaning::Rarer,
        ),
        changed(
            Sort::Setting,
            "broker.main.flush_interval_batches = 1",
            48,
            Meaning::NoHelp,
        ),
        changed(
            Sort::Timing,
            "broker.main.session_timeout = \"90s\"",
            0,
            Meaning::Moves,
        ),
    ];
    let mend = |label: &str, search| Mend {
        label: label.into(),
        search,
    };
    Explained {
        signature: "exactly-once/duplicate-effect/sink.upsert/crash".into(),
        sentence: "The sink applied event 0:3 twice.".into(),
        seed: 1_035,
        before: Size {
            events: 9_412,
            faults: 5,
            steps: 1_200_000,
        },
        after: Size {
            events: 4,
            faults: 2,
            steps: 611,
        },
        fails: Rate { fails: 19, of: 20 },
        timing_seed: 1,
        depends_on_timing: false,
        cut_short: false,
        schedule: vec![
            "4 events".into(),
            "2s after the start of chaos: 'leader-dies', crash on <script> for 1s".into(),
        ],
        event: "0:3".into(),
        life: vec![
            step(
                3_000_000,
                "",
                "'leader-dies' (crash on <script>) begins",
                true,
            ),
            step(3_800_010, "source.orders.0", "owes it", false),
            step(
                3_800_160,
                "sink.warehouse.0",
                "shows its row (on disk)",
                false,
            ),
        ],
        counterfactuals: Counterfactuals {
            base: Rate { fails: 43, of: 50 },
            rows,
        },
        mends: vec![
            mend("sink.warehouse.idempotency_key = \"order_id\"", None),
            mend(
                "sink.warehouse.kind = \"transactional\"",
                Some(Search {
                    seeds: 2_000,
                    failing: 0,
                    exercised: 1_874,
                    is_fix: true,
                }),
            ),
        ],
        repro: "failures/exactly-once-duplicate-effect-sink-upsert-crash/repro.toml".into(),
        prove:
            "stormglass explain scenarios/delivery/orders-once.toml --seed 1035 --check exactly-once"
                .into(),
    }
}
