//! Drivers: they turn the World's crank and wait for nothing (`bare`) or inside madsim (`hosted`).

mod bare;

pub use bare::bare;
