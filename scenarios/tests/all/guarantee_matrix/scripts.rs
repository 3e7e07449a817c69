//! The faults that open one window each: what shows an anomaly in a configuration that does not exclude it.

use super::cells::{Broker, Cell};
use stormglass_core::actor::Control;
use stormglass_core::fault::{Fault, FaultKind, FaultPlan, Target};
use stormglass_core::id::PointId;
use stormglass_core::processor::config::DeliveryMode;
use stormglass_core::processor::points;
use stormglass_core::time::{Span, Time};

/// A plan with one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Script {
    /// The processor dies when its input is settled and its rows are not written: they never are.
    DiesSettled,
    /// The processor dies when its rows are written and their input is not settled: its successor writes
    /// them again.
    DiesWritten,
    /// The broker has a publish and its answer is lost: the publisher sends it again.
    AnswerLost,
    /// Leadership leaves a broker and comes back while publishes are under way to it: those that arrive in
    /// between are refused and sent again, behind those that arrive after it.
    Overtaken,
    /// The leader is cut off from the other brokers and not from its publisher: it acknowledges what its
    /// followers never fetch, and truncates it when it comes back (K5).
    LeaderAlone,
}

impl Script {
    /// Every script.
    pub const ALL: [Script; 5] = [
        Script::DiesSettled,
        Script::DiesWritten,
        Script::AnswerLost,
        Script::Overtaken,
        Script::LeaderAlone,
    ];

    /// What stands for it in the table.
    pub const fn letter(self) -> char {
        match self {
            Script::DiesSettled => 'A',
            Script::DiesWritten => 'B',
            Script::AnswerLost => 'C',
            Script::Overtaken => 'D',
            Script::LeaderAlone => 'E',
        }
    }

    /// Whether what it waits for happens in a cell.
    pub fn strikes(self, cell: Cell) -> bool {
        let settles_first = cell.delivery == DeliveryMode::AtMostOnce;
        match self {
            Script::DiesSettled => settles_first,
            Script::DiesWritten => !settles_first,
            Script::AnswerLost => true,
            Script::Overtaken | Script::LeaderAlone => {
                matches!(cell.broker, Broker::LogAll | Broker::LogLeader)
            }
        }
    }

    /// What it does, in the words of the table.
    pub const fn words(self) -> &'static str {
        match self {
            Script::DiesSettled => "processor dies between settle and write",
            Script::DiesWritten => "processor dies between write and settle",
            Script::AnswerLost => "answer to a publish is lost",
            Script::Overtaken => "leadership leaves and comes back while publishes are under way",
            Script::LeaderAlone => "leader is cut off from its followers",
        }
    }

    /// The plan: faults in the middle of chaos.
    pub fn plan(self) -> FaultPlan {
        let broker = || "broker.main".to_owned();
        let crash = |point: PointId| {
            let kind = FaultKind::CrashAt {
                point: point.name().to_owned(),
                nth: 5,
            };
            let worker = Target::OneOf("processor.work".to_owned(), 0);
            vec![self.fault(0, 2_000, kind, worker)]
        };
        let publishes = || {
            let source = Target::All("source.orders".to_owned());
            Target::Link(Box::new(source), Box::new(Target::All(broker())))
        };
        let class = "publish".to_owned();
        let faults = match self {
            Script::DiesSettled => crash(points::AFTER_SETTLE_BEFORE_WRITE),
            Script::DiesWritten => crash(points::AFTER_WRITE_BEFORE_SETTLE),
            Script::AnswerLost => {
                let kind = FaultKind::Reset { class, after: true };
                vec![self.fault(0, 1_000, kind, publishes())]
            }
            Script::Overtaken => {
                // A batch leaves every 50 ms, and four of a partition are under way at once.
                let by = Span::millis(200);
                let kind = FaultKind::Delay { class, by };
                let mut faults = vec![self.fault(0, 1_000, kind, publishes())];
                // The third of three brokers hands leadership back to the first.
                for at in [400, 420, 440] {
                    let kind = FaultKind::Control(Control::ForceElection);
                    faults.push(self.fault(at, 10, kind, Target::Controller(broker())));
                }
                faults
            }
            Script::LeaderAlone => {
                let leader = Box::new(Target::Leader(broker()));
                let link = Target::Link(leader, Box::new(Target::All(broker())));
                vec![self.fault(0, 2_000, FaultKind::Partition, link)]
            }
        };
        FaultPlan { faults }
    }

    /// A fault that begins so many milliseconds into the script and lasts so many.
    fn fault(self, at: u64, lasts: u64, kind: FaultKind, target: Target) -> Fault {
        Fault {
            name: Some(self.words().to_owned()),
            at: Time::ZERO + Span::secs(3) + Span::millis(at),
            lasts: Span::millis(lasts),
            kind,
            target,
            planned: true,
        }
    }
}
