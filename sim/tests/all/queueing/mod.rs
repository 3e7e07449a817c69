//! Stations behave as queueing theory says. `STORMGLASS_SAMPLES` sets how many jobs pass through each; with
//! ten million and more, fixed bounds hold beside the statistical ones (`ci/prove.sh queueing`).

#![allow(clippy::print_stdout, reason = "the figures are what a reader wants")]

mod rig;
mod theory;

use rig::measure;
use theory::Station;

const STATIONS: [Station; 6] = [
    Station::Exponential { servers: 1 },
    Station::Exponential { servers: 2 },
    Station::Exponential { servers: 8 },
    Station::Constant,
    Station::Lognormal { sigma: 1.0 },
    Station::Tandem { stations: 3 },
];

fn samples() -> u64 {
    let asked = std::env::var("STORMGLASS_SAMPLES").ok();
    asked.map_or(100_000, |text| {
        text.parse()
            .expect("STORMGLASS_SAMPLES is a number of jobs")
    })
}

/// The mean is theory's to three standard errors, and with many samples to a share; so is p99.
fn assert_theory(station: Station, utilisation: f64, jobs: u64, mean_share: f64, p99_share: f64) {
    let measured = measure(station, utilisation, jobs, 1);
    let mean = station.mean(utilisation);
    let off = measured.mean() - mean;
    let is_many = jobs >= 10_000_000;
    println!(
        "{station:?} at {utilisation}: mean {:.4} of {mean:.4}, {:.2} standard errors, {:.3} %; p99 {:.3} of {:?}",
        measured.mean(),
        off / measured.error(),
        off / mean * 100.0,
        measured.p99,
        station.p99(utilisation),
    );
    assert!(
        off.abs() <= 3.0 * measured.error(),
        "{station:?} at {utilisation}: mean {} ± {}, theory {mean}",
        measured.mean(),
        measured.error()
    );
    if is_many {
        assert!(
            off.abs() <= mean_share * mean,
            "{station:?} at {utilisation}"
        );
    }
    // Few jobs have few beyond the percentile, and these come in bunches.
    let share = if is_many { p99_share } else { 0.15 };
    if let Some(p99) = station
        .p99(utilisation)
        .filter(|_| is_many || utilisation < 0.9)
    {
        let off = (measured.p99 / p99 - 1.0).abs();
        assert!(
            off <= share,
            "{station:?} at {utilisation}: p99 {}, theory {p99}",
            measured.p99
        );
    }
}

#[test]
fn stations_at_half_load_behave_as_theory_says() {
    for station in STATIONS {
        assert_theory(station, 0.5, samples(), 0.01, 0.02);
    }
}

#[test]
fn stations_at_high_load_behave_as_theory_says() {
    for station in STATIONS {
        assert_theory(station, 0.8, samples(), 0.01, 0.02);
    }
}

#[test]
fn stations_near_saturation_behave_as_theory_says() {
    for station in [Station::Exponential { servers: 1 }, Station::Constant] {
        // A station forgets in 1 / (1 - sqrt(utilisation))^2 service times: twenty times as many as at 0.8.
        assert_theory(station, 0.95, 20 * samples(), 0.015, 0.03);
    }
}

/// What a report calls a 95 % interval is one: 34 of 40 is what a right one falls below once in 300.
#[test]
fn intervals_contain_the_truth_as_often_as_they_say() {
    let station = Station::Exponential { servers: 1 };
    let jobs = samples() / 5;
    let holds = (1..=40).filter(|seed| {
        let measured = measure(station, 0.8, jobs, *seed);
        // Student's t for 49 degrees of freedom.
        (measured.mean() - station.mean(0.8)).abs() <= 2.01 * measured.error()
    });
    let holds = holds.count();
    println!("{holds} of 40 intervals contain the theory");
    assert!(holds >= 34, "{holds} of 40 intervals contain the theory");
}

/// Over a window that starts and ends empty, the jobs in a station added up over time are the times of the
/// jobs in it, to the nanosecond, and so are its busy cores and the service times.
#[test]
fn littles_law_is_an_equality_of_integers() {
    for station in STATIONS {
        let measured = measure(station, 0.8, 20_000, 7);
        let inside: u128 = measured.loads.iter().map(|load| load.inside_nanos).sum();
        let busy: u128 = measured.loads.iter().map(|load| load.busy_nanos).sum();
        assert_eq!(inside, measured.stayed, "{station:?}");
        assert_eq!(busy, measured.served, "{station:?}");
    }
}
