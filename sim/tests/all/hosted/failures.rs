//! A program that breaks fails its seed with its own words; one that never lets go is named.

use super::rig::{Log, Script, lines, note};
use crate::support::fault;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use stormglass_core::fault::FaultKind;
use stormglass_core::id::{Incarnation, NodeId};
use stormglass_core::time::{Span, Time};
use stormglass_sim::drive::Lost;
use stormglass_sim::service::ServiceFactory;

fn failure(program: ServiceFactory) -> String {
    let left = Script::default().run(vec![program]);
    left.failure.expect("the program breaks").message
}

#[test]
fn a_panic_fails_the_seed_with_its_message_place_and_time() {
    let program = ServiceFactory::new(|env| async move {
        env.sleep(Span::secs(2)).await;
        panic!("balance is {} euros", -3);
    });
    let left = Script::default().run(vec![program]);
    let failure = left.failure.expect("the program breaks");
    let place = failure
        .message
        .strip_prefix("balance is -3 euros (sim/tests/all/hosted/failures.rs:");
    assert!(place.is_some(), "{}", failure.message);
    assert_eq!(
        (failure.node, failure.name.as_str(), failure.incarnation),
        (NodeId(0), "a", Incarnation(1))
    );
    assert_eq!(failure.time, Time(2_000_000_000));
    let line = failure.to_string();
    let start = "service a (boot 1) failed at 2.000000000s: balance";
    assert!(line.starts_with(start), "{line}");
}

#[test]
fn a_panic_in_a_spawned_task_or_in_a_destructor_counts_too() {
    let spawned = ServiceFactory::new(|env| async move {
        let task = env.spawn(async { panic!("in a task") });
        task.await.unwrap_or(())
    });
    assert!(failure(spawned).starts_with("in a task"));

    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("in a destructor");
        }
    }
    let dropped = ServiceFactory::new(|_| async {
        let _bad = Bad;
        std::future::pending::<()>().await;
    });
    let script = Script {
        faults: vec![fault("a", Span::secs(1), Span::secs(1), FaultKind::Crash)],
        ..Script::default()
    };
    let left = script.run(vec![dropped]);
    let message = left.failure.expect("it breaks").message;
    assert!(message.starts_with("in a destructor"), "{message}");
}

#[test]
fn tokios_runtime_is_missing_inside_and_the_message_says_what_to_use() {
    type Body = fn() -> std::pin::Pin<Box<dyn Future<Output = ()>>>;
    let bodies: [(&str, Body); 3] = [
        ("time", || {
            Box::pin(tokio::time::sleep(Duration::from_millis(1)))
        }),
        ("task", || {
            Box::pin(async {
                tokio::spawn(async {});
            })
        }),
        ("net", || {
            Box::pin(async {
                let bound = tokio::net::TcpListener::bind("127.0.0.1:0").await;
                drop(bound);
            })
        }),
    ];
    for (what, body) in bodies {
        let message = failure(ServiceFactory::new(move |_| body()));
        assert!(message.contains("Tokio 1.x"), "{what}: {message}");
        assert!(message.contains("docs/own-service.md"), "{what}: {message}");
    }
}

#[test]
fn a_thread_inside_a_program_fails_the_seed() {
    let program = ServiceFactory::new(|_| async {
        #[expect(clippy::disallowed_methods, reason = "this is what must not work")]
        let thread = std::thread::spawn(|| {});
        drop(thread);
    });
    let message = failure(program);
    assert!(message.contains("cannot start threads"), "{message}");
}

#[test]
fn tasks_that_only_wake_each_other_fail_the_seed() {
    let program = ServiceFactory::new(|env| async move {
        loop {
            env.yield_now().await;
        }
    });
    let message = failure(program);
    assert!(message.contains("woke each other"), "{message}");
}

#[test]
fn a_loop_that_uses_env_and_never_awaits_fails_the_seed() {
    let program = ServiceFactory::new(|env| async move { while env.random() != 0 {} });
    let message = failure(program);
    assert!(message.contains("never await"), "{message}");
}

#[test]
fn a_program_that_waits_for_ever_is_only_idle() {
    let program = ServiceFactory::new(|_| std::future::pending());
    assert_eq!(Script::default().run(vec![program]).failure, None);
}

#[test]
fn a_program_that_computes_for_ever_is_named_by_the_watchdog() {
    let release = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&release);
    let spinner = ServiceFactory::new(move |env| {
        let flag = Arc::clone(&flag);
        async move {
            env.sleep(Span::secs(1)).await;
            while !flag.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        }
    });
    let idle = ServiceFactory::new(|_| std::future::pending());
    let script = Script {
        patience: Duration::from_millis(300),
        ..Script::default()
    };
    let lost = script.try_run(vec![idle, spinner]);
    release.store(true, Ordering::Relaxed);
    assert_eq!(lost.err(), Some(Lost::Hung(Some(NodeId(1)))));
}

#[test]
fn nothing_of_a_program_is_left_when_its_run_ends() {
    struct Held(Log);
    impl Drop for Held {
        fn drop(&mut self) {
            note(&self.0, "dropped");
        }
    }
    let log = Log::default();
    let shared = Arc::clone(&log);
    let program = ServiceFactory::new(move |env| {
        let held = Held(Arc::clone(&shared));
        async move {
            let task = env.spawn(async move {
                let _held = held;
                loop {
                    env.sleep(Span::millis(1)).await;
                }
            });
            task.await.unwrap_or(())
        }
    });
    Script::default().run(vec![program]);
    assert_eq!(lines(&log), ["dropped"]);
    assert_eq!(Arc::strong_count(&log), 1, "the run holds nothing any more");
}
