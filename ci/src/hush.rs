//! Panics that are told of elsewhere.

use std::panic::{PanicHookInfo, set_hook, take_hook};

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// While it lives, a panic prints nothing: who holds it tells of what panicked in its own words. What was printed
/// before is printed again afterwards.
pub struct Hush(Option<Hook>);

impl Hush {
    /// From now on.
    pub fn panics() -> Hush {
        let former = take_hook();
        set_hook(Box::new(|_| {}));
        Hush(Some(former))
    }
}

impl Drop for Hush {
    fn drop(&mut self) {
        // A hook cannot be changed by a thread that panics; it ends with its thread's work anyway.
        if let (Some(former), false) = (self.0.take(), std::thread::panicking()) {
            set_hook(former);
        }
    }
}
