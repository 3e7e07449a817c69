//! The CPU time of the calling thread, as a clock and as criterion's measurement.

#[cfg(feature = "peers")]
mod criterion;

#[cfg(feature = "peers")]
pub use criterion::{CpuTime, by_cpu_time};

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// How much CPU time this thread has used. It asks the kernel and not libc, so it is true inside madsim too.
#[must_use]
pub fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// What `body` gives back and how much of this thread's CPU time it took.
pub fn timed<T>(body: impl FnOnce() -> T) -> (T, Duration) {
    let start = thread_time();
    let value = body();
    (value, thread_time() - start)
}
