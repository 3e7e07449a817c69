//! `stormglass zoo`: documented failures as pairs. Each vulnerable design is searched again and again until it fails,
//! and its safe twin has to stay silent.
//!
//! Model: a block of seeds ends with its first failure or at the cap, and one that found nothing counts as above the
//! cap (B14). Plans are drawn, as in a sweep. Not compared here: points that the twins reach, and their goodput.

mod pair;
mod told;

use crate::args::ZooArgs;
use crate::error::Failure;
use crate::out::write_file;
use crate::{say, signals};
use std::sync::atomic::Ordering;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::sweep::{Ended, Job, Nobody, sweep};
use told::{Row, Told};

/// Runs the command.
pub fn zoo(catalog: &Catalog, args: &ZooArgs) -> Result<u8, Failure> {
    let pairs = pair::all(catalog, &args.scenarios)?;
    if pairs.is_empty() {
        let message =
            "there is no pair: no file has a case that is known to fail beside one that is not";
        return Err(Failure::usage(message, "name files, or folders of them"));
    }
    let jobs = (0..pairs.len() as u64).map(|index| Job { index, seed: 0 });
    let jobs: Vec<Job> = jobs.collect();
    let stop = signals::stop_flag();
    let (mut rows, mut trouble, mut internal) = (Vec::new(), None, Vec::new());
    sweep(
        &jobs,
        super::sweep::workers(args.jobs),
        stop,
        &Nobody,
        &|job| pairs[job.index as usize].measure(args, stop),
        &mut |job, ended| {
            let pair = &pairs[job.index as usize];
            match ended {
                Ended::Done(measured) => {
                    let row = Row::of(pair, args.cap, &measured);
                    if !args.quiet && !stop.load(Ordering::Relaxed) {
                        trouble = say(&row.line()).err();
                    }
                    rows.push(row);
                }
                Ended::Panicked(panic) => {
                    internal.push(format!("{}: {}", pair.name(), panic.message));
                }
            }
        },
    );
    if stop.load(Ordering::Relaxed) {
        return Ok(signals::interrupted());
    }
    for line in &internal {
        eprintln!("stormglass itself panicked at {line}");
    }
    if let Some(error) = trouble {
        return Err(error);
    }
    let told = Told::of(args, rows);
    write_file(&args.out.join("zoo.json"), &told.json())?;
    write_file(&args.out.join("zoo.md"), &told.markdown())?;
    say(&told.last_line())?;
    Ok(match (internal.is_empty(), told.holds()) {
        (false, _) => 70,
        (true, true) => 0,
        (true, false) => 1,
    })
}
