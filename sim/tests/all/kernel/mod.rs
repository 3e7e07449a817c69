//! Claims about the World, on two small actors under explicit plans.

mod quota;
mod rig;

use rig::{Left, Script, fault};
use stormglass_core::actor::Work;
use stormglass_core::fault::FaultKind;
use stormglass_core::history::Fact;
use stormglass_core::quantile::Quantiles;
use stormglass_core::time::{Span, Time};
use stormglass_sim::profile::{Cpu, Profile, StallProfile};

const MS: fn(u64) -> Span = Span::millis;

#[test]
fn a_request_and_its_answer_take_two_latencies_after_the_connection_is_opened() {
    let left = Script::default().run();
    assert_eq!(left.server, ["0s boot 1 with 0 records", "1ms request 1"]);
    assert_eq!(left.client, ["2ms answer 1"]);
}

#[test]
fn a_crash_resets_the_connection_and_the_client_can_open_another() {
    let left = Script {
        count: 20,
        faults: vec![fault(MS(52), MS(30), FaultKind::Crash)],
        ..Script::default()
    }
    .run();
    assert!(
        left.client.contains(&"53ms closed Reset".to_owned()),
        "{:?}",
        left.client
    );
    assert!(
        left.client.contains(&"62ms closed Refused".to_owned()),
        "{:?}",
        left.client
    );
    assert!(
        left.client.iter().any(|line| line.ends_with("answer 20")),
        "{:?}",
        left.client
    );
}

#[test]
fn a_power_loss_leaves_the_client_in_silence_until_the_machine_is_back() {
    let left = Script {
        count: 20,
        faults: vec![fault(MS(52), MS(30), FaultKind::PowerLoss { torn: false })],
        ..Script::default()
    }
    .run();
    let closed: Vec<_> = left
        .client
        .iter()
        .filter(|line| line.contains("closed"))
        .collect();
    assert_eq!(closed, ["92ms closed Reset"], "{:?}", left.client);
}

#[test]
fn a_partition_holds_a_connection_until_the_first_retransmission_after_the_heal() {
    let left = Script {
        count: 3,
        faults: vec![fault(MS(5), MS(300), FaultKind::Partition)],
        ..Script::default()
    }
    .run();
    // Request 2 arrives at 11 ms into the cut: retransmitted at 211 ms and at 611 ms, after the heal.
    assert_eq!(
        left.client,
        ["2ms answer 1", "612ms answer 2", "612ms answer 3"],
        "order is kept and nothing is lost"
    );
}

#[test]
fn a_one_way_cut_loses_what_the_target_sends_and_lets_in_what_is_sent_to_it() {
    let left = Script {
        count: 2,
        faults: vec![fault(MS(5), MS(300), FaultKind::Oneway)],
        ..Script::default()
    }
    .run();
    assert!(
        left.server.contains(&"11ms request 2".to_owned()),
        "{:?}",
        left.server
    );
    assert!(
        !left.client.contains(&"12ms answer 2".to_owned()),
        "{:?}",
        left.client
    );
}

#[test]
fn a_reset_before_loses_the_request_and_a_reset_after_loses_only_the_answer() {
    let reset = |after| {
        let class = "metadata".to_owned();
        Script {
            faults: vec![fault(
                Span::ZERO,
                MS(500),
                FaultKind::Reset { class, after },
            )],
            ..Script::default()
        }
        .run()
    };
    let before = reset(false);
    assert!(
        !before.server.iter().any(|line| line.contains("request")),
        "{:?}",
        before.server
    );
    assert!(
        before.client[0].contains("closed Reset"),
        "{:?}",
        before.client
    );
    let after = reset(true);
    assert!(
        after.server.iter().any(|line| line.contains("request 1")),
        "{:?}",
        after.server
    );
    assert!(
        after.client[0].contains("closed Reset"),
        "{:?}",
        after.client
    );
    assert_eq!(after.world.fault_log()[0].effects, 1);
}

#[test]
fn loss_delays_a_connection_and_loses_datagrams() {
    let lossy = || {
        vec![fault(
            Span::ZERO,
            Span::secs(50),
            FaultKind::Loss { parts: 300_000 },
        )]
    };
    let stream = Script {
        count: 100,
        faults: lossy(),
        ..Script::default()
    }
    .run();
    assert_eq!(stream.client.len(), 100, "a connection loses nothing");
    let datagrams = Script {
        count: 1_000,
        datagrams: true,
        faults: lossy(),
        ..Script::default()
    }
    .run();
    let arrived = datagrams
        .server
        .iter()
        .filter(|line| line.contains("datagram"))
        .count();
    assert!(
        (640..760).contains(&arrived),
        "{arrived} of 1,000 arrived at a loss of 30 %"
    );
}

#[test]
fn only_datagrams_are_doubled() {
    let doubling = || {
        vec![fault(
            Span::ZERO,
            Span::secs(50),
            FaultKind::Duplicate { parts: 1_000_000 },
        )]
    };
    let stream = Script {
        count: 10,
        faults: doubling(),
        ..Script::default()
    }
    .run();
    assert_eq!(stream.client.len(), 10);
    // The first leaves with the boot, before the fault begins.
    let datagrams = Script {
        count: 10,
        datagrams: true,
        faults: doubling(),
        ..Script::default()
    }
    .run();
    assert_eq!(
        datagrams
            .server
            .iter()
            .filter(|line| line.contains("datagram"))
            .count(),
        19
    );
}

#[test]
fn a_held_back_message_holds_back_what_follows_on_its_connection() {
    let class = "metadata".to_owned();
    let left = Script {
        count: 3,
        faults: vec![fault(
            MS(5),
            MS(10),
            FaultKind::Delay { class, by: MS(100) },
        )],
        ..Script::default()
    }
    .run();
    assert_eq!(left.server[2..], ["111ms request 2", "111ms request 3"]);
}

#[test]
fn a_pause_serves_overdue_timers_first_and_then_what_came() {
    let target = stormglass_core::fault::Target::Node("client".to_owned());
    let mut pause = fault(MS(1), MS(100), FaultKind::Pause { clock_stops: false });
    pause.target = target;
    let left = Script {
        count: 2,
        faults: vec![pause],
        ..Script::default()
    }
    .run();
    assert_eq!(left.client[0], "101ms answer 1");
    assert!(
        left.server.contains(&"102ms request 2".to_owned()),
        "{:?}",
        left.server
    );
}

#[test]
fn a_timer_of_a_fast_clock_runs_out_early_in_true_time() {
    let drift = FaultKind::ClockDrift { parts: 100_000 };
    let mut fast = fault(Span::ZERO, Span::secs(10), drift);
    fast.target = stormglass_core::fault::Target::Node("client".to_owned());
    let left = Script {
        count: 11,
        every: MS(110),
        faults: vec![fast],
        ..Script::default()
    }
    .run();
    let last = left.server.last().cloned().unwrap_or_default();
    // Ten intervals of 110 ms on a clock that is 10 % fast last one true second.
    assert_eq!(
        last,
        "1.000999999s request 11".replace("1.000999999s", "1.001s"),
        "{:?}",
        left.server
    );
}

#[test]
fn a_crash_at_a_point_keeps_what_came_before_it_and_drops_the_rest() {
    let kind = FaultKind::CrashAt {
        point: "echo.after-write".to_owned(),
        nth: 2,
    };
    let left = Script {
        count: 4,
        store: true,
        faults: vec![fault(Span::ZERO, MS(100), kind)],
        ..Script::default()
    }
    .run();
    assert!(
        left.client.contains(&"2ms answer 1".to_owned()),
        "{:?}",
        left.client
    );
    assert!(
        !left.client.iter().any(|line| line.ends_with("answer 2")),
        "{:?}",
        left.client
    );
    assert!(
        left.server
            .iter()
            .any(|line| line.contains("boot 2 with 1 records")),
        "the second write was asked for and its operation died with the process: {:?}",
        left.server
    );
}

#[test]
fn what_was_synced_before_it_was_answered_survives_a_power_loss() {
    for seed in 0..20 {
        let left = Script {
            seed,
            count: 20,
            store: true,
            sync: true,
            faults: vec![fault(
                MS(95),
                MS(100),
                FaultKind::PowerLoss {
                    torn: seed % 2 == 0,
                },
            )],
            ..Script::default()
        }
        .run();
        let answered = left
            .client
            .iter()
            .filter(|line| line.contains("answer"))
            .count();
        let before = left
            .client
            .iter()
            .take_while(|line| line.contains("answer"))
            .count();
        assert!(answered >= before && before >= 9, "{:?}", left.client);
        let kept: usize = left
            .server
            .iter()
            .find_map(|line| {
                line.split("boot 2 with ")
                    .nth(1)?
                    .split(' ')
                    .next()?
                    .parse()
                    .ok()
            })
            .expect("the server boots again");
        assert!(
            kept >= before,
            "seed {seed}: {before} answered, {kept} kept"
        );
    }
}

#[test]
fn a_busy_station_makes_inputs_of_one_lane_wait_whatever_the_cores() {
    let run = |cores: u16| {
        let mut profile = Profile::ideal(MS(1));
        profile.cpu = Cpu {
            cores,
            request: MS(10),
            record_picos: 0,
            byte_picos: 0,
        };
        let left = Script {
            count: 5,
            every: MS(2),
            work: Work::request(0, 0),
            profile,
            ..Script::default()
        }
        .run();
        left.client
    };
    // Start and Opened take 10 ms each before the first request, which came at 1 ms; requests are answered
    // 10 ms apart, each one latency after its service. The scan's answer comes behind them.
    let answers: Vec<String> = (1..=5)
        .map(|n| format!("{}ms answer {n}", 21 + 10 * n))
        .collect();
    assert_eq!(run(1), answers);
    assert_eq!(run(2), answers);
}

#[test]
fn a_request_between_zones_takes_their_latency_and_one_inside_a_zone_does_not() {
    let run = |server_zone: u16| {
        let mut profile = Profile::ideal(MS(1));
        profile.link.across = Some(Quantiles::constant(MS(5)));
        let left = Script {
            profile,
            server_zone,
            ..Script::default()
        }
        .run();
        left.server
    };
    let arrived = |at: &str| {
        let boot = "0s boot 1 with 0 records".to_owned();
        [boot, format!("{at} request 1")]
    };
    assert_eq!(run(0), arrived("1ms"));
    assert_eq!(run(1), arrived("5ms"));
    assert_eq!(run(2), arrived("5ms"));
}

#[test]
fn a_stall_of_the_hardware_makes_what_comes_wait_for_its_end() {
    let run = |stalls: Option<StallProfile>| {
        let mut profile = Profile::ideal(MS(1));
        profile.stalls = stalls;
        Script {
            count: 2_000,
            until: Time(30_000_000_000),
            profile,
            ..Script::default()
        }
        .run()
    };
    let stalls = StallProfile {
        gap: Quantiles::exponential(Span::secs(2)),
        lasts: Quantiles::constant(MS(205)),
    };
    let answers = |left: &Left| {
        let lines = left.client.iter();
        lines.filter(|line| line.contains("answer")).count()
    };
    let (with, without) = (run(Some(stalls.clone())), run(None));
    assert_eq!((answers(&with), answers(&without)), (2_000, 2_000));
    assert_ne!(with.client, without.client);
    assert_eq!(with.client, run(Some(stalls)).client);
    let crashes = with.observations.iter();
    let crashes = crashes.filter(|seen| matches!(seen.fact, Fact::Crashed { .. }));
    assert_eq!(crashes.count(), 0);
    // 20 s of requests have about nine stalls of the server, in each of which 20 requests wait for its end and
    // are answered at one instant.
    let together = |left: &Left| {
        let times = left.server.iter().filter_map(|line| line.split(' ').next());
        let times: Vec<&str> = times.collect();
        times.windows(2).filter(|pair| pair[0] == pair[1]).count()
    };
    let waited = together(&with);
    assert!((40..400).contains(&waited), "{waited} requests waited");
    assert_eq!(together(&without), 0);
}

#[test]
fn without_a_latency_between_zones_the_zone_makes_no_difference() {
    let run = |server_zone: u16| {
        let left = Script {
            count: 50,
            profile: Profile::same_zone(),
            server_zone,
            ..Script::default()
        }
        .run();
        left.world.fingerprint()
    };
    assert_eq!(run(0), run(1));
}

#[test]
fn a_livelock_stops_the_run_and_names_the_node() {
    let left = Script {
        count: u64::MAX,
        every: Span::ZERO,
        ..Script::default()
    }
    .run();
    match left.world.stopped() {
        Some(stormglass_sim::world::Stop::Livelock(names)) => {
            assert!(names.contains(&"client".to_owned()))
        }
        other => panic!("the run ended with {other:?}"),
    }
}

#[test]
fn the_same_seed_gives_the_same_fingerprint_and_another_seed_another() {
    let run = |seed: u64| {
        let mut profile = Profile::same_zone();
        profile.link.latency = Quantiles::lognormal(Span::micros(500), Span::millis(5));
        let faults = vec![
            fault(MS(100), MS(50), FaultKind::Crash),
            fault(MS(200), MS(80), FaultKind::Loss { parts: 100_000 }),
            fault(MS(300), MS(500), FaultKind::Partition),
            fault(MS(900), MS(50), FaultKind::PowerLoss { torn: true }),
        ];
        let left = Script {
            seed,
            count: 200,
            every: MS(5),
            store: true,
            sync: true,
            profile,
            faults,
            ..Script::default()
        }
        .run();
        (left.world.fingerprint(), left.world.steps(), left.client)
    };
    for seed in 0..50 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
    assert_ne!(run(1).0, run(2).0);
}

#[test]
fn the_fault_log_names_whom_a_fault_struck_and_when() {
    let left = Script {
        count: 20,
        faults: vec![fault(MS(52), MS(30), FaultKind::Crash)],
        ..Script::default()
    }
    .run();
    let log = left.world.fault_log();
    assert_eq!(log[0].resolved, ["server"]);
    assert_eq!(
        (log[0].started, log[0].ended),
        (Some(Time(52_000_000)), Some(Time(82_000_000)))
    );
    assert_eq!(log[0].effects, 1);
    let crashes = left
        .observations
        .iter()
        .filter(|seen| matches!(seen.fact, Fact::Crashed { power: false }))
        .count();
    assert_eq!(crashes, 1);
}
