//! Commands that measure a list of items: each is measured on its own, on several threads, and told of in the order
//! of the list.

use super::sweep::workers;
use crate::error::Failure;
use crate::hush::Hush;
use crate::{say, signals};
use std::sync::atomic::{AtomicBool, Ordering};
use stormglass_scenarios::sweep::{Ended, Job, Nobody, sweep};

/// How the measuring ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measured {
    /// By a signal.
    Interrupted,
    /// All were measured; some may have panicked outside of any part, which has been told.
    Ended {
        /// Whether none has.
        is_whole: bool,
    },
}

impl Measured {
    /// The exit code: 70 if something panicked that should not, else 0 if what was asked for holds, else 1.
    pub(super) fn code(self, holds: bool) -> u8 {
        match (self, holds) {
            (Measured::Interrupted, _) => signals::interrupted(),
            (Measured::Ended { is_whole: false }, _) => 70,
            (Measured::Ended { is_whole: true }, true) => 0,
            (Measured::Ended { is_whole: true }, false) => 1,
        }
    }
}

/// Measures every item and gives back the rows; each is said as a `line` when it is there, unless `quiet`.
///
/// # Errors
///
/// If the console takes no more.
pub(super) fn measure<I: Sync, R: Send>(
    items: &[I],
    (threads, quiet): (Option<usize>, bool),
    name: &dyn Fn(&I) -> String,
    row: &(dyn Fn(&I, &AtomicBool) -> R + Sync),
    line: &dyn Fn(&R) -> String,
) -> Result<(Vec<R>, Measured), Failure> {
    let jobs = (0..items.len() as u64).map(|index| Job { index, seed: 0 });
    let jobs: Vec<Job> = jobs.collect();
    let stop = signals::stop_flag();
    let (mut rows, mut trouble, mut panicked) = (Vec::new(), None, Vec::new());
    // A part that panics is a failure of its seed, and told there.
    let hush = Hush::panics();
    sweep(
        &jobs,
        workers(threads),
        stop,
        &Nobody,
        &|job| row(&items[job.index as usize], stop),
        &mut |job, ended| match ended {
            Ended::Done(row) => {
                if !quiet && !stop.load(Ordering::Relaxed) {
                    trouble = say(&line(&row)).err().or(trouble.take());
                }
                rows.push(row);
            }
            Ended::Panicked(panic) => {
                let item = &items[job.index as usize];
                panicked.push(format!("{}: {}", name(item), panic.message));
            }
        },
    );
    drop(hush);
    if stop.load(Ordering::Relaxed) {
        return Ok((rows, Measured::Interrupted));
    }
    for line in &panicked {
        eprintln!("stormglass itself panicked at {line}");
    }
    let is_whole = panicked.is_empty();
    trouble.map_or(Ok((rows, Measured::Ended { is_whole })), Err)
}
