//! Panics of programs: caught with their place, and told apart from the World's own.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a program's code is running on this thread.
    static IN_PROGRAM: Cell<bool> = const { Cell::new(false) };
    /// Where the program's last panic happened.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Programs' panics are part of a run's result, so they are kept and not printed; all others go where they
/// went before.
fn keep_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            // The thread-locals may be gone if a destructor of the thread panics.
            let is_programs = IN_PROGRAM.try_with(Cell::get).unwrap_or(false);
            if is_programs {
                let place = info.location().map(ToString::to_string);
                PLACE.with(|kept| *kept.borrow_mut() = place.unwrap_or_default());
            } else {
                before(info);
            }
        }));
    });
}

/// Runs a program's code.
///
/// # Errors
/// What it said if it panicked. A panic of the World's own goes on as a panic.
pub(super) fn as_program<R>(body: impl FnOnce() -> R) -> Result<R, String> {
    keep_places();
    IN_PROGRAM.set(true);
    let result = catch_unwind(AssertUnwindSafe(body));
    let was_programs = IN_PROGRAM.replace(false);
    result.map_err(|payload| {
        if !was_programs {
            resume_unwind(payload);
        }
        let place = PLACE.with(RefCell::take);
        explain(&panic_message(payload.as_ref()), &place)
    })
}

/// Runs the World's own code on behalf of a program.
pub(super) fn as_world<R>(body: impl FnOnce() -> R) -> R {
    let before = IN_PROGRAM.replace(false);
    let result = body();
    IN_PROGRAM.set(before);
    result
}

/// The words of a panic.
pub(crate) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it panicked with something that is not text".to_owned())
}

/// What a program said, where, and what to do about the two mistakes that everybody makes once.
fn explain(said: &str, place: &str) -> String {
    let hint = if said.contains("no reactor running") || said.contains("Tokio 1.x") {
        "; a hosted service has no tokio runtime: take time, tasks and connections from its `Env`, \
         see docs/own-service.md"
    } else if place.contains("std/src/sys/") && place.contains("thread") {
        "; a hosted service cannot start threads, see docs/own-service.md"
    } else {
        ""
    };
    format!("{said} ({place}){hint}")
}
