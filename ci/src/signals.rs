//! Ctrl-C and SIGTERM end a sweep after the seeds in progress; a second one ends it at once. The only module
//! that knows signal_hook.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// What a shell adds to the number of a signal.
const SIGNALLED: u8 = 128;

static STOP: AtomicBool = AtomicBool::new(false);
/// The first signal; none if the sweep stopped for another reason.
static SIGNAL: AtomicU8 = AtomicU8::new(0);
static INSTALLED: OnceLock<()> = OnceLock::new();

/// The exit code after an interruption: 128 and the signal, of which 130 is Ctrl-C and 143 SIGTERM.
pub fn interrupted() -> u8 {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => SIGNALLED + SIGINT.unsigned_abs() as u8,
        signal => SIGNALLED + signal,
    }
}

/// The flag that a signal sets.
pub fn stop_flag() -> &'static AtomicBool {
    INSTALLED.get_or_init(|| {
        // Without a handler a signal ends the process, which is the system's default and loses nothing that
        // is on disk.
        if let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) {
            std::thread::spawn(move || {
                for signal in signals.forever() {
                    let number = u8::try_from(signal).unwrap_or(0);
                    let _ =
                        SIGNAL.compare_exchange(0, number, Ordering::Relaxed, Ordering::Relaxed);
                    if STOP.swap(true, Ordering::Relaxed) {
                        std::process::exit(i32::from(interrupted()));
                    }
                    eprintln!(
                        "interrupted: finishing the seeds in progress; again to stop at once"
                    );
                }
            });
        }
    });
    &STOP
}
