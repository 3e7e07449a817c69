//! Drivers: they turn the World's crank and wait for nothing (`bare`) or host programs inside madsim (`hosted`).

mod bare;
mod heartbeat;
mod hosted;
mod thread;

pub use bare::bare;
pub use heartbeat::Heartbeat;
pub use hosted::{HostError, Hosted, host_in_use, hosted};
pub use thread::{Lost, on_fresh_thread};
