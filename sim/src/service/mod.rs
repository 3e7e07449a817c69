//! A user's own async program on a node of the World, and the [`Env`] through which it lives there.
//!
//! A program is an ordinary future. It may use what of tokio needs no runtime (`tokio::sync`, the I/O traits,
//! `select! { biased; }`) and takes time, tasks, randomness, connections and the disk from its [`Env`], so that
//! all of it is the World's: exact, skewed by the node's clock, held by a pause and gone with a crash.
//!
//! Limits: a program that computes without ever awaiting cannot be interrupted; the watchdog of
//! [`crate::drive::on_fresh_thread`] names it. What a program keeps in statics or shares with another node's
//! program survives a crash, as nothing real would; keep state in the future or on the disk.

mod answer;
mod desk;
mod env;
mod failure;
mod mailbox;
mod panic;
mod process;
mod publisher;
mod run;
mod subscription;
mod tasks;
mod time;

pub use answer::{Answer, CallError};
pub use env::Env;
pub use failure::ServiceFailure;
pub use mailbox::Incoming;
pub use publisher::Publisher;
pub use subscription::{LeaseSubscription, LogSubscription};
pub use tasks::JoinHandle;
pub use time::{Interval, TimedOut};

pub(crate) use panic::panic_message;

#[cfg(madsim)]
pub(crate) use process::Process;
#[cfg(madsim)]
pub(crate) use run::Run;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A program that runs; it need not be `Send`.
pub type ServiceFuture = Pin<Box<dyn Future<Output = ()>>>;

/// Starts a program at every boot of its node, from nothing but its configuration.
#[derive(Clone)]
pub struct ServiceFactory {
    start: Arc<dyn Fn(Env) -> ServiceFuture + Send + Sync>,
}

impl ServiceFactory {
    /// The program that `start` begins.
    pub fn new<F, Fut>(start: F) -> ServiceFactory
    where
        F: Fn(Env) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        ServiceFactory {
            start: Arc::new(move |env| Box::pin(start(env))),
        }
    }

    pub(crate) fn start(&self, env: Env) -> ServiceFuture {
        (self.start)(env)
    }
}
