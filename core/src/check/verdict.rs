//! What a check answers: one of four words, how much it has looked at, and the first violations.

use crate::event::EventId;
use crate::id::{NodeId, PartId, Partition};
use crate::part::PartKind;
use crate::time::Time;
use serde::Serialize;
use std::fmt;

/// How many violations of a check are kept; the rest is counted.
pub const SHOWN_VIOLATIONS: usize = 16;

/// The four answers of a check (B6), the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The rule says nothing about this run.
    NotApplicable,
    /// It held.
    Pass,
    /// It could not be judged.
    Unknown,
    /// It was broken.
    Fail,
}

/// A check's word about one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The check.
    pub check: &'static str,
    /// Its answer.
    pub answer: Answer,
    /// Events (or, for rules about offices and batches, those) that it judged.
    pub judged: u64,
    /// How many of them were acknowledged while a fault was active, at most.
    pub exercised: u64,
    /// Why it is unknown or not applicable; empty otherwise.
    pub reason: String,
    /// The first violations.
    pub violations: Vec<Violation>,
    /// How many there were in all.
    pub violations_total: u64,
    /// When the event of each violation was due, for checks that know it exactly; empty otherwise.
    #[serde(skip)]
    pub dues: Vec<Time>,
}

impl Judgement {
    /// Nothing to judge, and why.
    #[must_use]
    pub fn not_applicable(check: &'static str, reason: &str) -> Judgement {
        Judgement {
            check,
            answer: Answer::NotApplicable,
            judged: 0,
            exercised: 0,
            reason: reason.to_owned(),
            violations: Vec::new(),
            violations_total: 0,
            dues: Vec::new(),
        }
    }
}

/// By which fault a violation is explained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum When {
    /// It happened then: the fault that began last before it.
    #[default]
    Happened,
    /// The event is of then and was lost at an unknown moment: a fault active then, else the next one.
    SomeTimeAfter,
}

/// What groups violations of many runs: no ids, seeds, times or offsets (A13).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Signature {
    /// The check.
    pub check: &'static str,
    /// The anomaly's standard name.
    pub anomaly: &'static str,
    /// The kind of the part that broke the rule.
    pub part: Option<PartKind>,
    /// The part's role in it: `leader`, `replica`, `writer`, ...
    pub role: &'static str,
    /// The point or the class of the deciding fault; `no fault` if none had begun.
    pub cause: String,
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} · {} · ", self.check, self.anomaly)?;
        if let Some(part) = self.part {
            write!(f, "{part} ")?;
        }
        write!(f, "{} · {}", self.role, self.cause)
    }
}

/// One instance of a broken rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// What groups it with others.
    pub signature: Signature,
    /// What happened, for people.
    pub sentence: String,
    /// When, in true time; for a lost event, when it was owed.
    pub time: Time,
    /// How `time` picks the deciding fault.
    pub when: When,
    /// The node that did it, if one did.
    pub node: Option<NodeId>,
    /// The part concerned.
    pub part: Option<PartId>,
    /// The events concerned.
    pub events: Vec<EventId>,
    /// The partition concerned.
    pub partition: Option<Partition>,
    /// The offsets concerned.
    pub offsets: Vec<u64>,
}

impl Violation {
    /// A violation with its standard name; the finder adds what it knows.
    #[must_use]
    pub fn new(anomaly: &'static str, time: Time, sentence: String) -> Violation {
        Violation {
            signature: Signature {
                anomaly,
                ..Signature::default()
            },
            sentence,
            time,
            ..Violation::default()
        }
    }

    /// Which part it concerns and in which role.
    #[must_use]
    pub fn of(mut self, part: Option<PartId>, role: &'static str) -> Violation {
        self.part = part;
        self.signature.role = role;
        self
    }

    /// Which node did it.
    #[must_use]
    pub fn by(mut self, node: NodeId) -> Violation {
        self.node = Some(node);
        self
    }

    /// Which event it concerns.
    #[must_use]
    pub fn event(mut self, id: EventId) -> Violation {
        self.events.push(id);
        self
    }

    /// Which place in a log it concerns.
    #[must_use]
    pub fn at(mut self, partition: Partition, offset: u64) -> Violation {
        self.partition = Some(partition);
        self.offsets.push(offset);
        self
    }

    /// The event is of that time, the loss is later.
    #[must_use]
    pub fn some_time_after(mut self) -> Violation {
        self.when = When::SomeTimeAfter;
        self
    }
}

/// A check's findings while it runs: the first few, and a count.
#[derive(Clone, Debug)]
pub struct Findings {
    check: &'static str,
    shown: Vec<Violation>,
    total: u64,
    dues: Vec<Time>,
    /// How much the check has looked at.
    pub judged: u64,
}

impl Findings {
    /// None so far.
    #[must_use]
    pub const fn new(check: &'static str) -> Findings {
        Findings {
            check,
            shown: Vec::new(),
            total: 0,
            dues: Vec::new(),
            judged: 0,
        }
    }

    /// Notes a violation; it is described only if it will be shown.
    pub fn add(&mut self, describe: impl FnOnce() -> Violation) {
        self.add_many(1, describe);
    }

    /// Notes a violation of an event that was due at `due`.
    pub fn add_due(&mut self, due: Time, describe: impl FnOnce() -> Violation) {
        self.dues.push(due);
        self.add(describe);
    }

    /// Notes `count` violations of one description.
    pub fn add_many(&mut self, count: u64, describe: impl FnOnce() -> Violation) {
        if self.shown.len() < SHOWN_VIOLATIONS {
            let mut violation = describe();
            violation.signature.check = self.check;
            self.shown.push(violation);
        }
        self.total += count;
    }

    /// How many there are.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The word of a check that is exact at every moment: pass or fail.
    #[must_use]
    pub fn judge(&mut self) -> Judgement {
        Judgement {
            check: self.check,
            answer: if self.total > 0 {
                Answer::Fail
            } else {
                Answer::Pass
            },
            judged: self.judged,
            exercised: 0,
            reason: String::new(),
            violations: std::mem::take(&mut self.shown),
            violations_total: self.total,
            dues: std::mem::take(&mut self.dues),
        }
    }

    /// The word of a check that rests on a complete end: unknown if `incomplete` and nothing was found.
    #[must_use]
    pub fn judge_at_end(&mut self, incomplete: Option<String>) -> Judgement {
        let mut judgement = self.judge();
        if let (Answer::Pass, Some(reason)) = (judgement.answer, incomplete) {
            judgement.answer = Answer::Unknown;
            judgement.reason = reason;
        }
        judgement
    }
}
