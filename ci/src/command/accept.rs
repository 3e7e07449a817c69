//! `stormglass accept`: shows what a new baseline changes and writes it. The only command that writes a
//! baseline, and it writes nothing else.

use crate::args::AcceptArgs;
use crate::baseline::read;
use crate::error::Failure;
use crate::out::write_file;
use crate::say;
use stormglass_reports::baseline::{Baseline, judge};
use stormglass_reports::model::value::Value;
use stormglass_reports::text::aligned;

/// Runs the command.
pub fn accept(args: &AcceptArgs) -> Result<u8, Failure> {
    let shown = args.baseline.display();
    if !args.dry_run && std::env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false") {
        return Err(Failure::usage(
            "a CI job does not accept baselines: $CI is set",
            "review it on your own machine, commit the file, or look at it here with --dry-run",
        ));
    }
    let Some(new) = read(&args.new)? else {
        return Err(Failure::usage(
            format!("there is no {}", args.new.display()),
            format!(
                "run `stormglass gate SCENARIO --baseline {shown}` first, or download its folder from CI"
            ),
        ));
    };
    let old = read(&args.baseline)?;
    if old.as_ref() == Some(&new) {
        say(&format!("{shown} says the same: nothing to accept"))?;
        return Ok(0);
    }
    match &old {
        None => say(&format!(
            "{shown} is new, of {} seeds",
            new.subject.seeds.count
        ))?,
        Some(old) => review(old, &new)?,
    }
    if args.dry_run {
        say("nothing was written")?;
        return Ok(0);
    }
    write_file(&args.baseline, &new.render())?;
    say(&format!("wrote {shown}"))?;
    Ok(0)
}

/// What the new one changes, as tables.
fn review(old: &Baseline, new: &Baseline) -> Result<(), Failure> {
    // Both stand in files, where every setting is as good as written.
    for line in old.subject.differs(&new.subject, &|_| true) {
        say(&line)?;
    }
    let margins = [old, new].map(|side| Value::Ppm(side.subject.margin_ppm));
    if margins[0] != margins[1] {
        say(&format!(
            "the margin was {} and is {}",
            margins[0], margins[1]
        ))?;
    }
    if old.subject.seeds != new.subject.seeds {
        return say("its seeds are others: there are no differences to show");
    }
    let against = judge(old, new, new.subject.margin_ppm);
    let head = ["", "baseline", "new", "change", "95 %", ""].map(str::to_owned);
    let mut table = vec![head.to_vec()];
    for row in against.moved() {
        table.push([vec![row.figure.clone()], row.cells().to_vec()].concat());
    }
    for line in against.remarks.iter().chain(&against.newly_failing) {
        say(line)?;
    }
    if table.len() > 1 {
        say(&aligned(&table).join("\n"))?;
    }
    say(&against.sentence())
}
