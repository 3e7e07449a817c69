//! A fresh operating system thread for a run that hosts a user's code. The keys of std's hash maps are drawn
//! once a thread, so on a used thread the order of a user's `HashMap` would depend on what ran there before.

use super::heartbeat::Heartbeat;
use super::hosted::seed_thread;
use crate::service::panic_message;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;
use stormglass_core::id::NodeId;
use stormglass_core::rng::Seed;

/// Why a run gave nothing back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It panicked; a program's own panic is no such case, it is in [`super::Hosted::failure`].
    Panicked(String),
    /// It came no further for the time allowed, in the turn of this node's program if there is one. The
    /// thread is left behind: nothing can interrupt it.
    Hung(Option<NodeId>),
    /// The system gave no thread.
    NoThread(String),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Panicked(message) => write!(f, "the run panicked: {message}"),
            Lost::Hung(Some(node)) => write!(
                f,
                "the program on node {node} has the turn and never gives it back: it loops without awaiting"
            ),
            Lost::Hung(None) => f.write_str("the run came no further"),
            Lost::NoThread(error) => write!(f, "no thread for the run: {error}"),
        }
    }
}

impl std::error::Error for Lost {}

/// Runs `body`, which builds a World and hands it to [`super::hosted`], on a thread of its own.
/// `heartbeat` is the one that it gives to `hosted`; when it stands still for `patience` of real time, the
/// run is given up.
///
/// # Errors
/// If the run gave nothing back.
pub fn on_fresh_thread<R: Send + 'static>(
    seed: Seed,
    heartbeat: &Arc<Heartbeat>,
    patience: Duration,
    body: impl FnOnce() -> R + Send + 'static,
) -> Result<R, Lost> {
    let (sender, receiver) = channel();
    let thread = std::thread::Builder::new()
        .name(format!("seed-{}", seed.0))
        .spawn(move || {
            seed_thread(seed);
            let result = catch_unwind(AssertUnwindSafe(body))
                .map_err(|payload| Lost::Panicked(panic_message(payload.as_ref())));
            // The receiver is gone only if the run was given up.
            let _ = sender.send(result);
        })
        .map_err(|error| Lost::NoThread(error.to_string()))?;
    loop {
        let before = heartbeat.beats();
        match receiver.recv_timeout(patience) {
            Ok(result) => {
                // Its thread-locals end before the next run starts.
                let _ = thread.join();
                return result;
            }
            Err(RecvTimeoutError::Timeout) if heartbeat.beats() != before => {}
            Err(RecvTimeoutError::Timeout) => return Err(Lost::Hung(heartbeat.in_turn())),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Lost::Panicked("the thread ended without a word".to_owned()));
            }
        }
    }
}
