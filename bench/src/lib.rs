//! How fast our own code is: steps a second of the kernel beside its peers, and pipelines against real time.
//!
//! Every figure is the thread's CPU time (decisions, C): the machines that run this share their cores.
//! Nothing here judges an absolute speed; [`ratio`] is the one figure that the check of a change gates.

pub mod cpu;
pub mod exchange;
pub mod pipeline;
pub mod ratio;
pub mod recording;
#[cfg(feature = "peers")]
pub mod table;
