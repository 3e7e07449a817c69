//! `stormglass zoo`: documented failures as pairs. Each vulnerable design is searched again and again until it fails,
//! and its safe twin has to stay silent.
//!
//! Model: a block of seeds ends with its first failure or at the cap, and one that found nothing counts as above the
//! cap (B14). Plans are drawn, as in a sweep. The first failure is cut down. Of a number of seeds in
//! which both designs run it is told which points the vulnerable one passes more than twice as often: a fix may close
//! the way to some, and others should not be left out by chance.

mod pair;
mod told;

use super::items::{self, Measured};
use crate::args::ZooArgs;
use crate::error::Failure;
use crate::out::write_file;
use crate::say;
use stormglass_scenarios::catalog::Catalog;
use told::{Row, Told};

/// Runs the command.
pub fn zoo(catalog: &Catalog, args: &ZooArgs) -> Result<u8, Failure> {
    let pairs = pair::all(catalog, &args.scenarios)?;
    if pairs.is_empty() {
        let message =
            "there is no pair: no file has a case that is known to fail beside one that is not";
        return Err(Failure::usage(message, "name files, or folders of them"));
    }
    let (rows, measured) = items::measure(
        &pairs,
        (args.jobs, args.quiet),
        &|pair| pair.name().to_owned(),
        &|pair, stop| Row::of(pair, args.cap, &pair.measure(catalog, args, stop)),
        &Row::line,
    )?;
    if measured == Measured::Interrupted {
        return Ok(measured.code(false));
    }
    let told = Told::of(args, rows);
    write_file(&args.out.join("zoo.json"), &told.json())?;
    write_file(&args.out.join("zoo.md"), &told.markdown())?;
    say(&told.last_line())?;
    Ok(measured.code(told.holds()))
}
