//! A program's time, calls, tasks, disk and death.

use super::rig::{Log, Script, lines, note};
use crate::support::{FILE, fault};
use std::collections::BTreeMap;
use std::sync::Arc;
use stormglass_core::actor::{CloseReason, Control, Work};
use stormglass_core::disk::{DiskDone, DiskRecord, DiskVerb};
use stormglass_core::fault::FaultKind;
use stormglass_core::history::Fact;
use stormglass_core::id::{ClassId, Incarnation, NodeId, PointId, TopicId};
use stormglass_core::message::{Refusal, Reply, Request};
use stormglass_core::time::{Mono, Span};
use stormglass_sim::service::{CallError, Env, ServiceFactory, TimedOut};

const HERE: PointId = PointId::new("program.here");
const WORD: ClassId = ClassId::new("word");
const B: NodeId = NodeId(1);

/// A program that writes lines.
fn program<F, Fut>(log: &Log, body: F) -> ServiceFactory
where
    F: Fn(Env, Log) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let log = Arc::clone(log);
    ServiceFactory::new(move |env| body(env, Arc::clone(&log)))
}

fn at(env: Env) -> Span {
    Span(env.monotonic().0)
}

#[test]
fn a_sleep_is_exact_below_a_millisecond() {
    let log = Log::default();
    let sleeper = program(&log, |env, log| async move {
        for _ in 0..3 {
            env.sleep(Span::micros(10)).await;
            note(&log, at(env).to_string());
        }
        let mut ticks = env.interval(Span::micros(100));
        for _ in 0..3 {
            note(&log, format!("tick {}", Span(ticks.tick().await.0)));
        }
    });
    assert!(Script::default().run(vec![sleeper]).failure.is_none());
    assert_eq!(
        lines(&log),
        [
            "10us",
            "20us",
            "30us",
            "tick 30us",
            "tick 130us",
            "tick 230us"
        ]
    );
}

#[test]
fn what_std_says_of_the_time_inside_a_program_is_the_runs_time() {
    let log = Log::default();
    let clock = program(&log, |env, log| async move {
        #[expect(clippy::disallowed_types, reason = "a user's program may use it")]
        let start = std::time::Instant::now();
        env.sleep(Span::secs(2)).await;
        let seconds = start.elapsed().as_secs_f64();
        note(&log, format!("{seconds:.3}"));
    });
    Script::default().run(vec![clock]);
    assert_eq!(lines(&log), ["2.000"]);
}

#[test]
fn a_nodes_drift_shows_in_its_programs_timers() {
    let log = Log::default();
    // Both sleep a second of their own clocks; the fast one's message comes first by 2 ms.
    let sleeper = || {
        program(&log, |env, log| async move {
            env.sleep(Span::secs(1)).await;
            note(&log, at(env).to_string());
            env.observe(Fact::Custom {
                class: WORD,
                body: Arc::from([]),
            });
        })
    };
    let left = Script {
        drift: 1_000,
        ..Script::default()
    }
    .run(vec![sleeper()]);
    assert_eq!(lines(&log), ["1s"]);
    let said = left
        .observations
        .iter()
        .find(|observation| matches!(observation.fact, Fact::Custom { .. }))
        .expect("it was said");
    assert_eq!(said.time.0, 999_000_999 + 1, "1 s / 1.001, rounded up");
}

#[test]
fn a_timeout_ends_a_wait_and_a_result_at_the_limit_counts() {
    let log = Log::default();
    let waiter = program(&log, |env, log| async move {
        let never = env.timeout(Span::millis(5), env.receive()).await;
        assert_eq!(never.err(), Some(TimedOut));
        note(&log, at(env).to_string());
        let tie = env
            .timeout(Span::millis(5), env.sleep(Span::millis(5)))
            .await;
        assert_eq!(tie, Ok(()));
        note(&log, at(env).to_string());
    });
    assert_eq!(Script::default().run(vec![waiter]).failure, None);
    assert_eq!(lines(&log), ["5ms", "10ms"]);
}

/// Answers metadata requests with a refusal for odd topics, and words with the same word.
fn echo(log: &Log) -> ServiceFactory {
    program(log, |env, _| async move {
        loop {
            let incoming = env.receive().await;
            match incoming.request() {
                Some((_, Request::Metadata(topic))) if topic.0 == 99 => {}
                Some((_, Request::Metadata(topic))) if topic.0 % 2 == 1 => {
                    env.reply(&incoming, Reply::Refused(Refusal::NotLeader));
                }
                Some(_) => env.reply(&incoming, Reply::GroupAlive),
                None => env.send_back(&incoming, WORD, *b"back"),
            }
        }
    })
}

#[test]
fn a_call_ends_with_a_reply_a_refusal_or_a_timeout() {
    let log = Log::default();
    let caller = program(&log, |env, log| async move {
        assert_eq!(env.node("b"), Some(B));
        for topic in [2, 3, 99] {
            let request = Request::Metadata(TopicId(topic));
            let answer = env.call(B, request, Span::millis(50)).await;
            note(&log, format!("{} {answer:?}", at(env)));
        }
    });
    let left = Script::default().run(vec![caller, echo(&log)]);
    assert_eq!(left.failure, None);
    assert_eq!(
        lines(&log),
        [
            "2ms Ok(GroupAlive)",
            "4ms Err(Refused(NotLeader))",
            "54ms Err(TimedOut)",
        ]
    );
}

#[test]
fn a_call_to_a_node_that_dies_ends_with_its_connection() {
    let log = Log::default();
    let caller = program(&log, |env, log| async move {
        env.sleep(Span::millis(10)).await;
        let request = Request::Metadata(TopicId(99));
        let answer = env.call(B, request.clone(), Span::secs(5)).await;
        note(&log, format!("{} {answer:?}", at(env)));
        let refused = env.call(B, request, Span::secs(5)).await;
        assert_eq!(refused, Err(CallError::Closed(CloseReason::Refused)));
        note(&log, at(env).to_string());
    });
    let script = Script {
        faults: vec![fault(
            "b",
            Span::millis(20),
            Span::secs(1),
            FaultKind::Crash,
        )],
        ..Script::default()
    };
    assert_eq!(script.run(vec![caller, echo(&log)]).failure, None);
    assert_eq!(lines(&log), ["21ms Err(Closed(Reset))", "23ms"]);
}

#[test]
fn programs_exchange_messages_of_their_own() {
    let log = Log::default();
    let sender = program(&log, |env, log| async move {
        env.send(B, WORD, *b"there");
        let back = env.receive().await;
        note(&log, format!("{} from {}", at(env), back.peer));
        env.datagram(B, WORD, *b"there");
        env.receive().await;
        note(&log, at(env).to_string());
    });
    Script::default().run(vec![sender, echo(&log)]);
    assert_eq!(lines(&log), ["2ms from 1", "4ms"]);
}

#[test]
fn a_crash_drops_every_task_and_a_boot_starts_anew() {
    struct Gone(Log, u32);
    impl Drop for Gone {
        fn drop(&mut self) {
            note(&self.0, format!("task of boot {} is dropped", self.1));
        }
    }
    let log = Log::default();
    let forker = program(&log, |env, log| async move {
        let Incarnation(boot) = env.incarnation();
        note(&log, format!("boot {boot}"));
        let task_log = Arc::clone(&log);
        let _detached = env.spawn(async move {
            let _guard = Gone(Arc::clone(&task_log), boot);
            let mut ticks = env.interval(Span::secs(1));
            loop {
                let due = ticks.tick().await;
                note(&task_log, format!("tick {boot} {}", Span(due.0)));
            }
        });
        std::future::pending::<()>().await;
    });
    let script = Script {
        faults: vec![fault(
            "a",
            Span::millis(1_500),
            Span::secs(1),
            FaultKind::Crash,
        )],
        until: Span::secs(4),
        ..Script::default()
    };
    script.run(vec![forker]);
    assert_eq!(
        lines(&log),
        [
            "boot 1",
            "tick 1 0s",
            "tick 1 1s",
            "task of boot 1 is dropped",
            "boot 2",
            "tick 2 0s",
            "tick 2 1s",
            "task of boot 2 is dropped",
        ]
    );
}

#[test]
fn a_plan_kills_a_program_at_a_point_before_what_follows_it() {
    let log = Log::default();
    let passer = program(&log, |env, log| async move {
        note(&log, format!("before {}", env.incarnation()));
        env.send(B, WORD, *b"sent");
        env.point(HERE).await;
        note(&log, format!("after {}", env.incarnation()));
    });
    let listener = program(&log, |env, log| async move {
        env.receive().await;
        note(&log, "heard".to_owned());
        std::future::pending::<()>().await;
    });
    let kind = FaultKind::CrashAt {
        point: HERE.name().to_owned(),
        nth: 1,
    };
    let script = Script {
        faults: vec![fault("a", Span::ZERO, Span::secs(1), kind)],
        ..Script::default()
    };
    script.run(vec![passer, listener]);
    assert_eq!(lines(&log), ["before 1", "heard", "before 2", "after 2"]);
}

#[test]
fn a_plan_holds_a_task_at_a_point_while_others_go_on() {
    let log = Log::default();
    let passer = program(&log, |env, log| async move {
        let other_log = Arc::clone(&log);
        let other = env.spawn(async move {
            env.sleep(Span::millis(10)).await;
            note(&other_log, format!("other {}", at(env)));
        });
        env.point(HERE).await;
        note(&log, format!("held {}", at(env)));
        assert_eq!(other.await, Some(()));
    });
    let kind = FaultKind::YieldAt {
        point: HERE.name().to_owned(),
        by: Span::millis(30),
    };
    let script = Script {
        faults: vec![fault("a", Span::ZERO, Span::secs(1), kind)],
        ..Script::default()
    };
    assert_eq!(script.run(vec![passer]).failure, None);
    assert_eq!(lines(&log), ["other 10ms", "held 30ms"]);
}

#[test]
fn a_paused_program_stands_still_and_then_catches_up() {
    let log = Log::default();
    let ticker = program(&log, |env, log| async move {
        let mut ticks = env.interval(Span::millis(100));
        for _ in 0..5 {
            let Mono(due) = ticks.tick().await;
            note(&log, format!("{} at {}", Span(due), at(env)));
        }
    });
    let kind = FaultKind::Pause { clock_stops: false };
    let script = Script {
        faults: vec![fault("a", Span::millis(150), Span::millis(200), kind)],
        ..Script::default()
    };
    script.run(vec![ticker]);
    assert_eq!(
        lines(&log),
        [
            "0s at 0s",
            "100ms at 100ms",
            "200ms at 350ms",
            "300ms at 350ms",
            "400ms at 400ms"
        ]
    );
}

#[test]
fn what_a_program_synced_survives_a_power_loss() {
    let log = Log::default();
    let keeper = program(&log, |env, log| async move {
        let found = env.disk(FILE, DiskVerb::Scan, None).await;
        let Ok(DiskDone::Scanned(records)) = found else {
            panic!("a scan answers with records, not {found:?}");
        };
        note(&log, format!("{} records", records.len()));
        let record = DiskRecord::Mark { key: 1, value: 1 };
        let append = env.disk(FILE, DiskVerb::Append(vec![record]), None);
        let sync = env.disk(FILE, DiskVerb::Sync, None);
        assert_eq!(
            (append.await, sync.await),
            (Ok(DiskDone::Done), Ok(DiskDone::Done))
        );
        std::future::pending::<()>().await;
    });
    let kind = FaultKind::PowerLoss { torn: true };
    let script = Script {
        faults: vec![fault("a", Span::secs(1), Span::secs(1), kind)],
        ..Script::default()
    };
    assert_eq!(script.run(vec![keeper]).failure, None);
    assert_eq!(lines(&log), ["0 records", "1 records"]);
}

#[test]
fn work_waits_for_the_nodes_only_core() {
    let log = Log::default();
    let worker = program(&log, |env, log| async move {
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let log = Arc::clone(&log);
                env.spawn(async move {
                    env.spend(Work::request(0, 0)).await;
                    note(&log, at(env).to_string());
                })
            })
            .collect();
        for task in tasks {
            task.await;
        }
    });
    let script = Script {
        request: Span::millis(2),
        ..Script::default()
    };
    script.run(vec![worker]);
    assert_eq!(lines(&log), ["2ms", "4ms", "6ms"]);
}

#[test]
fn tokios_channels_and_a_biased_select_work_inside() {
    let log = Log::default();
    let teller = program(&log, |env, log| async move {
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<u32>(1);
        let task = env.spawn(async move {
            for number in 0..3 {
                env.sleep(Span::millis(1)).await;
                sender.send(number).await.expect("the receiver listens");
            }
        });
        loop {
            tokio::select! {
                biased;
                number = receiver.recv() => match number {
                    Some(number) => note(&log, format!("{number} {}", at(env))),
                    None => break,
                },
                () = env.sleep(Span::secs(1)) => note(&log, "silence"),
            }
        }
        assert_eq!(task.await, Some(()));
    });
    assert_eq!(Script::default().run(vec![teller]).failure, None);
    assert_eq!(lines(&log), ["0 1ms", "1 2ms", "2 3ms"]);
}

#[test]
fn a_program_learns_that_the_drain_begins_and_an_aborted_task_returns_nothing() {
    let log = Log::default();
    let stopper = program(&log, |env, log| async move {
        let task = env.spawn(std::future::pending::<()>());
        assert_eq!(env.control().await, Control::Stop);
        task.abort();
        assert_eq!(task.await, None);
        note(&log, at(env).to_string());
    });
    let left = Script::default().run(vec![stopper]);
    assert_eq!(left.failure, None);
    assert_eq!(lines(&log), ["10s"]);
}

/// Tasks that race, hash maps and random numbers: everything that could differ from run to run.
fn racer(log: &Log) -> ServiceFactory {
    program(log, |env, log| async move {
        #[expect(clippy::disallowed_types, reason = "a user's program may use it")]
        let mut map = std::collections::HashMap::new();
        for key in 0..20_u64 {
            map.insert(key, env.random());
        }
        let order: Vec<u64> = map.keys().copied().collect();
        note(&log, format!("{order:?}"));
        for task in 0..8 {
            let log = Arc::clone(&log);
            let _detached = env.spawn(async move {
                env.sleep(Span::millis(1)).await;
                note(&log, format!("task {task}"));
                env.send(B, WORD, task.to_string().into_bytes());
            });
        }
        env.sleep(Span::millis(10)).await;
    })
}

#[test]
fn the_same_seed_gives_the_same_run_and_seeds_explore_interleavings() {
    let mut orders = BTreeMap::new();
    for seed in 0..20 {
        let run = || {
            let log = Log::default();
            let script = Script {
                seed,
                ..Script::default()
            };
            let left = script.run(vec![racer(&log), echo(&log)]);
            (left.fingerprint, lines(&log))
        };
        let (first, second) = (run(), run());
        assert_eq!(first, second, "seed {seed}");
        *orders.entry(first.1[1..].to_vec()).or_insert(0) += 1;
    }
    assert!(orders.len() > 15, "only {} interleavings", orders.len());
}
