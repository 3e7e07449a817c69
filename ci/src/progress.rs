//! How far a sweep has come: a bar on a terminal, a plain line every ten seconds otherwise. Wall time is
//! allowed here, on the console alone.

use crate::console::is_lively;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fs::File;
use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use stormglass_scenarios::sweep::{Job, Watcher};

/// Lines come at least this far apart where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Tells the console and the folder of results how a sweep goes.
pub struct Progress {
    state: Mutex<State>,
}

struct State {
    bar: ProgressBar,
    plain: bool,
    done: u64,
    total: u64,
    started: Instant,
    told: Instant,
    running: File,
}

impl Progress {
    /// Progress of `total` seeds; `running` is where seeds in progress are noted.
    #[must_use]
    pub fn new(total: u64, quiet: bool, running: File) -> Progress {
        let terminal = is_lively(&std::io::stderr());
        let bar = ProgressBar::new(total);
        bar.set_draw_target(if quiet || !terminal {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        });
        if let Ok(style) =
            ProgressStyle::with_template("seeds {bar:30} {pos}/{len}  {per_sec}  {eta} left")
        {
            bar.set_style(style);
        }
        let now = Instant::now();
        let plain = !quiet && !terminal;
        Progress {
            state: Mutex::new(State {
                bar,
                plain,
                done: 0,
                total,
                started: now,
                told: now,
                running,
            }),
        }
    }

    /// The sweep is over.
    pub fn finish(&self) {
        if let Ok(state) = self.state.lock() {
            state.bar.finish_and_clear();
        }
    }

    fn with(&self, body: impl FnOnce(&mut State)) {
        if let Ok(mut state) = self.state.lock() {
            body(&mut state);
        }
    }
}

impl Watcher for Progress {
    fn begins(&self, worker: usize, job: Job) {
        self.with(|state| {
            // Noted before the run, so that a killed process can name it. A full disk shows elsewhere.
            let line = format!(
                "{{\"worker\":{worker},\"index\":{},\"seed\":\"{}\"}}",
                job.index, job.seed
            );
            let _ = writeln!(state.running, "{line}");
        });
    }

    fn ends(&self, _: usize, job: Job) {
        self.with(|state| {
            let _ = writeln!(state.running, "{{\"index\":{},\"ended\":true}}", job.index);
            state.done += 1;
            state.bar.inc(1);
            let now = Instant::now();
            if state.plain && now - state.told >= LINE_EVERY {
                state.told = now;
                let seconds = (now - state.started).as_secs_f64();
                let rate = state.done as f64 / seconds;
                let left = (state.total - state.done) as f64 / rate;
                eprintln!(
                    "seeds {}/{}  {rate:.1}/s  {left:.0} s left",
                    state.done, state.total
                );
            }
        });
    }
}
