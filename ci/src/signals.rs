//! Ctrl-C and SIGTERM end a sweep after the seeds in progress; a second one ends it at once. The only module
//! that knows ctrlc.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exit code after an interruption: 128 + SIGINT.
pub const INTERRUPTED: u8 = 130;

static STOP: AtomicBool = AtomicBool::new(false);
static INSTALLED: OnceLock<()> = OnceLock::new();

/// The flag that a signal sets.
pub fn stop_flag() -> &'static AtomicBool {
    INSTALLED.get_or_init(|| {
        // Without a handler a signal ends the process, which is the system's default and loses nothing that
        // is on disk.
        let _ = ctrlc::set_handler(|| {
            if STOP.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(INTERRUPTED));
            }
            eprintln!("interrupted: finishing the seeds in progress; again to stop at once");
        });
    });
    &STOP
}
