//! `stormglass replay`: one seed again, from zero, with everything that was seen.

use super::sweep::Chosen;
use crate::args::ReplayArgs;
use crate::error::Failure;
use crate::explained::step;
use crate::fold::{HEADLINE, fold};
use crate::say;
use std::collections::BTreeSet;
use stormglass_core::actor::Inspection;
use stormglass_core::history::{Fact, Kinds};
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use stormglass_core::units::parse_span;
use stormglass_reports::explanation::columns;
use stormglass_reports::model::Identity;
use stormglass_reports::model::explained::Step;
use stormglass_reports::text::{self, Ink};
use stormglass_reports::{Collector, Summary};
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::explain::{Follow, follow};
use stormglass_scenarios::plan;
use stormglass_scenarios::run::{self, Driver};
use stormglass_sim::drive::bare;
use stormglass_sim::world::World;

/// Runs the command.
pub fn replay(catalog: &Catalog, args: &ReplayArgs) -> Result<u8, Failure> {
    let chosen = Chosen::load(catalog, &args.run.scenario, args.run.variant.as_deref())?;
    let faults = chosen.assembly.plan(Seed(args.run.seed));
    say(&format!(
        "# {} seed {}",
        chosen.case().scenario.name,
        args.run.seed
    ))?;
    say(&plan::print(&faults))?;
    if args.until.is_some() || args.events {
        return look(&chosen, args);
    }
    if let Some(whom) = args.follow {
        return tell_life(&chosen, args.run.seed, whom);
    }
    let ran = run::run(&chosen.assembly, args.run.seed, Driver::Auto);
    let mut collector = Collector::new(HEADLINE);
    collector.add(fold(&chosen.assembly, 0, &ran));
    let identity = Identity {
        scenario: chosen.case().scenario.name.clone(),
        replay: chosen.replay(),
        command: chosen
            .replay()
            .replace("{seed}", &args.run.seed.to_string()),
        time_scale: chosen.case().scenario.run.time_scale,
        ..Identity::default()
    };
    let report = collector.finish(identity, Vec::new(), String::new(), BTreeSet::new());
    say(text::render(&Summary::of(&report), Ink::Plain).trim_end())?;
    for judgement in &ran.outcome.judgements {
        for violation in &judgement.violations {
            say(&format!(
                "{} {}",
                Span(violation.time.0),
                violation.sentence
            ))?;
        }
    }
    Ok(report.exit_class().code())
}

/// Shows the life of an event, or of those of a key as one story.
fn tell_life(chosen: &Chosen, seed: u64, whom: Follow) -> Result<u8, Failure> {
    let assembly = &chosen.assembly;
    if !assembly.programs().is_empty() {
        return Err(Failure::usage(
            "--follow does not hear the history of hosted programs",
            "leave it out; `replay` without it runs them and judges what they did",
        ));
    }
    let lines = follow(assembly, seed, &assembly.plan(Seed(seed)), whom);
    if lines.iter().all(|line| line.event.is_none()) {
        return Err(Failure::usage(
            match whom {
                Follow::Event(id) => format!(
                    "nothing is seen of event {}:{} with seed {seed}",
                    id.source, id.number
                ),
                Follow::Key { key, .. } => {
                    format!("no event of key {key} is owed with seed {seed}")
                }
            },
            "sources and their events are counted from 0, in the order of their names and due times",
        ));
    }
    let steps: Vec<Step> = lines
        .iter()
        .map(|line| {
            let mut step = step(line);
            if let (Follow::Key { .. }, Some(id)) = (whom, line.event) {
                step.what = format!("{}:{}  {}", id.source, id.number, step.what);
            }
            step
        })
        .collect();
    for line in columns(&steps) {
        say(line.trim_end())?;
    }
    if let Follow::Key { key, most } = whom {
        let followed: BTreeSet<_> = lines.iter().filter_map(|line| line.event).collect();
        if followed.len() == most {
            say(&format!(
                "these are the first {most} events of key {key}; follow others one by one"
            ))?;
        }
    }
    Ok(0)
}

/// Shows facts as they happen, or the state of every part at an instant.
fn look(chosen: &Chosen, args: &ReplayArgs) -> Result<u8, Failure> {
    let until = match &args.until {
        None => chosen.assembly.audit_at(),
        Some(text) => {
            let span = parse_span(text).map_err(|message| {
                Failure::usage(message, "an instant is given as in --until 12.3s")
            })?;
            Time(span.0)
        }
    };
    let faults = chosen.assembly.plan(Seed(args.run.seed));
    let mut world = chosen
        .assembly
        .world(Seed(args.run.seed), faults, Kinds::all(), None);
    let mut trouble = None;
    bare(&mut world, until, &mut |world, seen| {
        if args.events && trouble.is_none() {
            let line = format!(
                "{} {} {:?} {}",
                Span(seen.time.0),
                who(world, seen.node),
                seen.stage,
                brief(&seen.fact)
            );
            trouble = say(&line).err();
        }
        trouble.is_none()
    });
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    if args.until.is_some() {
        say(&format!(
            "state at {} after {} steps",
            Span(world.now().0),
            world.steps()
        ))?;
        tree(&world.inspect(), 1)?;
    }
    Ok(0)
}

fn who(world: &World, node: stormglass_core::id::NodeId) -> String {
    if node.0 == u16::MAX {
        "world".to_owned()
    } else {
        world.name(node).to_owned()
    }
}

/// A fact on one line; batches by their size.
fn brief(fact: &Fact) -> String {
    let mut text = format!("{fact:?}");
    const MAX: usize = 160;
    if text.len() > MAX {
        let cut = (0..=MAX)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        text.truncate(cut);
        text.push('…');
    }
    text
}

fn tree(inspection: &Inspection, depth: usize) -> Result<(), Failure> {
    let indent = "  ".repeat(depth);
    for (name, value) in &inspection.values {
        say(&format!("{indent}{name} = {value}"))?;
    }
    for (name, child) in &inspection.children {
        say(&format!("{indent}{name}"))?;
        tree(child, depth + 1)?;
    }
    Ok(())
}
