//! Commands that measure a list of items: each is measured on its own, on several threads, and told of in the order
//! of the list.

use super::sweep::workers;
use crate::error::Failure;
use crate::hush::Hush;
use crate::signals;
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

/// Measures every item and gives what it measured to `take`.
///
/// # Errors
///
/// The last that `take` had.
pub(super) fn measure<I: Sync, M: Send>(
    items: &[I],
    threads: Option<usize>,
    name: &dyn Fn(&I) -> String,
    measure: &(dyn Fn(&I, &AtomicBool) -> M + Sync),
    take: &mut dyn FnMut(&I, M) -> Result<(), Failure>,
) -> Result<Measured, Failure> {
    let jobs = (0..items.len() as u64).map(|index| Job { index, seed: 0 });
    let jobs: Vec<Job> = jobs.collect();
    let stop = signals::stop_flag();
    let (mut trouble, mut panicked) = (None, Vec::new());
    // A part that panics is a failure of its seed, and told there.
    let hush = Hush::panics();
    sweep(
        &jobs,
        workers(threads),
        stop,
        &Nobody,
        &|job| measure(&items[job.index as usize], stop),
        &mut |job, ended| {
            let item = &items[job.index as usize];
            match ended {
                Ended::Done(_) if stop.load(Ordering::Relaxed) => {}
                Ended::Done(measured) => trouble = take(item, measured).err().or(trouble.take()),
                Ended::Panicked(panic) => {
                    panicked.push(format!("{}: {}", name(item), panic.message));
                }
            }
        },
    );
    drop(hush);
    if stop.load(Ordering::Relaxed) {
        return Ok(Measured::Interrupted);
    }
    for line in &panicked {
        eprintln!("stormglass itself panicked at {line}");
    }
    let is_whole = panicked.is_empty();
    trouble.map_or(Ok(Measured::Ended { is_whole }), Err)
}
