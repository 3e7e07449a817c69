//! The profiles of the binary, and what is no table of quantiles.

use super::*;
use crate::error::SourceText;

fn source(name: &str, text: &str) -> SourceText {
    SourceText {
        file: name.to_owned(),
        text: text.to_owned(),
    }
}

fn hardware(name: &str) -> Hardware {
    let text = built_in(name).expect("the profile is built in");
    read::hardware(&source(name, text), None).expect("the profile loads")
}

#[test]
fn every_built_in_profile_loads_and_has_tables() {
    for name in names() {
        let profile = hardware(name).profile(name);
        assert_eq!(profile.name, name);
        assert!(profile.disk.sync.median() > Span::ZERO, "{name}");
    }
}

#[test]
fn the_default_is_same_zone_as_the_world_has_it() {
    let code = Profile::same_zone();
    assert_eq!(hardware("same-zone").profile("same-zone"), code);
    assert_eq!(hardware(DEFAULT), hardware("same-zone"));
}

#[test]
fn every_figure_of_every_profile_has_the_mark_of_its_source() {
    let marks = ["[F]", "[P]", "[M]", "[L]", "[A]"];
    for (name, text) in BUILT_IN {
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (setting, comment) = line.split_once('#').unwrap_or((line, ""));
            if setting.chars().any(|c| c.is_ascii_digit()) {
                let is_marked = marks.iter().any(|mark| comment.contains(mark));
                assert!(is_marked, "{name}: {line:?} says no source");
            }
        }
    }
}

#[test]
fn three_zones_is_same_zone_but_for_the_way_between_zones() {
    let mut zones = hardware("three-zones");
    let across = zones.zones.take().expect("it has zones").latency;
    assert!(across.median() > zones.link.latency.median());
    assert_eq!(zones, hardware("same-zone"));
}

#[test]
fn the_nodes_of_a_part_are_spread_over_the_zones_in_turn() {
    let places = |name: &str| (0..5).map(|index| hardware(name).zone(index)).collect();
    let (three, one): (Vec<u16>, Vec<u16>) = (places("three-zones"), places("same-zone"));
    assert_eq!(three, [0, 1, 2, 0, 1]);
    assert_eq!(one, [0; 5]);
}

#[test]
fn an_override_changes_its_figure_and_no_other() {
    let base = hardware("laptop");
    let mut spec = ProfileSpec::default();
    assert_eq!(base.clone().overridden(&spec), Some(base.clone()));
    let latency = Distribution::Normal {
        mean: Span::micros(100),
        deviation: Span::micros(10),
    };
    spec.link.latency = Some(latency.clone());
    let mut expected = base.clone();
    expected.link.latency = latency.clone();
    assert_eq!(base.clone().overridden(&spec), Some(expected.clone()));
    spec.zones.count = Some(2);
    assert_eq!(base.clone().overridden(&spec), None, "half said");
    spec.zones.latency = Some(latency.clone());
    expected.zones = Some(Zones { count: 2, latency });
    assert_eq!(base.overridden(&spec), Some(expected));
}

#[test]
fn a_measured_table_has_the_rows_of_its_file() {
    let text = "# fdatasync\nquantile,value\n0,100us\n0.5, 149us\n0.9999,2.177ms\n1,4ms\n";
    let rows = read::rows(&source("disk.csv", text)).expect("it is a table");
    let whole = 1_000_000_000_000;
    let quantiles: Vec<u64> = rows.iter().map(|(quantile, _)| *quantile).collect();
    assert_eq!(quantiles, [0, whole / 2, whole / 10_000 * 9_999, whole]);
    assert_eq!(rows[2].1, Span::micros(2_177));
}

#[test]
fn a_wrong_row_is_pointed_at() {
    let head = "quantile,value\n";
    for (rows, line, message) in [
        ("", 2, "the table has no rows"),
        ("0.5\n", 2, "1 cells where two belong"),
        ("0.5,1us,2us\n", 2, "3 cells where two belong"),
        ("1.5,1us\n", 2, "`1.5` is no quantile"),
        ("-0.5,1us\n", 2, "`-0.5` is no quantile"),
        ("half,1us\n", 2, "`half` is no quantile"),
        ("0.5,1\n", 2, "needs a unit"),
        ("0.5,2min\n", 2, "slower than any hardware"),
        ("0.5,2us\n0.4,3us\n", 3, "does not rise"),
        ("0.5,2us\n0.9,1us\n", 3, "does not rise"),
    ] {
        let error =
            read::rows(&source("a.csv", &format!("{head}{rows}"))).expect_err("the table is wrong");
        assert_eq!(error.line, line, "{rows:?}: {error}");
        assert!(error.message.contains(message), "{rows:?}: {error}");
    }
    let error = read::rows(&source("a.csv", "0.5,1us\n")).expect_err("it has no header");
    assert_eq!(error.message, "the columns have no names");
}
