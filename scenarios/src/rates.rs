//! Arrival rates of a case, scaled together: what a search for the capacity turns.

use crate::load::Case;
use crate::spec::Scenario;
use stormglass_core::source::config::Arrival;
use stormglass_core::units::Rate;

/// The rate of a source whose rate does not change over time.
fn steady(arrival: &Arrival) -> Option<Rate> {
    match arrival {
        Arrival::Constant(rate) | Arrival::Poisson(rate) => Some(*rate),
        Arrival::Bursts { .. } | Arrival::Ramp { .. } | Arrival::Trace(_) | Arrival::Events(_) => {
            None
        }
    }
}

/// The sources with a steady rate, which can be scaled, by name.
#[must_use]
pub fn scalable(case: &Case) -> Vec<String> {
    let sources = case.written.sources.iter();
    sources
        .filter(|(_, source)| steady(&source.arrival).is_some())
        .map(|(name, _)| name.clone())
        .collect()
}

/// The rate of these sources together, as written.
#[must_use]
pub fn total(case: &Case, sources: &[String]) -> Rate {
    let rates = sources.iter().filter_map(|name| {
        let source = case.written.sources.get(name)?;
        steady(&source.arrival)
    });
    Rate(rates.map(|rate| rate.0).sum())
}

/// The case with these sources at `rate` together, each with the share it has as written.
///
/// # Panics
/// If the sources have no rate.
#[must_use]
pub fn at_total(case: &Case, sources: &[String], rate: Rate) -> Case {
    let whole = total(case, sources).0;
    assert!(whole > 0, "a rate of 0 cannot be scaled");
    let mut scaled = case.clone();
    for scenario in [&mut scaled.scenario, &mut scaled.written] {
        scale(scenario, sources, rate.0, whole);
    }
    scaled
}

fn scale(scenario: &mut Scenario, sources: &[String], wanted: u64, whole: u64) {
    for name in sources {
        let source = scenario.sources.get_mut(name);
        let Some(Arrival::Constant(rate) | Arrival::Poisson(rate)) =
            source.map(|source| &mut source.arrival)
        else {
            continue;
        };
        let share = u128::from(rate.0) * u128::from(wanted) / u128::from(whole);
        // A share of a rate that fits is at most that rate.
        rate.0 = u64::try_from(share).unwrap_or(u64::MAX).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::load::load_text;

    #[test]
    fn sources_keep_their_shares_and_others_their_rates() {
        let text = "# What is shared?\nname = \"shares\"\n\
             [source.a]\narrival = { poisson = \"300/s\" }\nto = \"broker.main/t\"\n\
             [source.b]\narrival = { constant = \"100/s\" }\nto = \"broker.main/t\"\n\
             [source.c]\narrival = { ramp = { from = \"1/s\", to = \"9/s\", over = \"9s\" } }\n\
             to = \"broker.main/t\"\n\
             [broker.main]\nkind = \"log\"\ntopics.t = { partitions = 1 }\n\
             [processor.p]\noperator = \"map\"\nfrom = \"broker.main/t\"\nto = \"sink.s\"\n\
             [sink.s]\nkind = \"append\"\n";
        let file = load_text("a.toml", text.to_owned(), &Catalog::new().names()).unwrap();
        let names = scalable(file.base());
        assert_eq!(names, ["a", "b"]);
        assert_eq!(total(file.base(), &names), Rate::per_second(400));
        let scaled = at_total(file.base(), &names, Rate::per_second(1_000));
        let arrival = |name: &str| &scaled.scenario.sources[name].arrival;
        assert_eq!(*arrival("a"), Arrival::Poisson(Rate::per_second(750)));
        assert_eq!(*arrival("b"), Arrival::Constant(Rate::per_second(250)));
        assert_eq!(*arrival("c"), file.base().scenario.sources["c"].arrival);
    }
}
