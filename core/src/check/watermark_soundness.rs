//! `watermark-soundness`: watermarks mean what they say (O-WM).
//!
//! *Verifies*, of every node of a processor with windows: an input's watermark and the operator's do not go
//! back while the inputs are the same; an input's is at most what the events that the group was given of it
//! allow; where the operator's moves, it moves to the least of the inputs that are not idle, and no further;
//! where all of these have passed a point, so has the operator's (progress). So no event within the disorder
//! comes at or behind the watermark of its own input. An input ends only after the sources have stopped.
//! By the wall clock, an event that a node is given within the disorder of when it happened, in true time, is
//! not at or behind the operator's watermark there: a clock may be wrong as long as that harms no event.
//! *Does not verify*: that an input which is called idle was silent for long enough; what is done with
//! watermarks (`window-equivalence`).

#[cfg(test)]
mod tests;

use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::event_time::{BEGINNING, END, Watermarks};
use crate::history::{Fact, FactKind, Kinds, Observation};
use crate::id::{Incarnation, NodeId, Partition};
use crate::message::log::{Fetched, Reader};
use crate::processor::window::config::{WatermarkClock, WindowPlan, nanos};
use crate::time::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a node said last.
struct Told {
    incarnation: Incarnation,
    marks: Arc<Watermarks>,
}

/// The check.
pub struct WatermarkSoundness {
    topology: Arc<Topology>,
    /// By processor and partition: the latest event time that the group was given.
    newest: BTreeMap<(usize, Partition), i64>,
    told: BTreeMap<NodeId, Told>,
    has_drained: bool,
    findings: Findings,
}

impl WatermarkSoundness {
    /// A check for one run.
    #[must_use]
    pub fn new(topology: &Arc<Topology>) -> WatermarkSoundness {
        WatermarkSoundness {
            newest: BTreeMap::new(),
            told: BTreeMap::new(),
            has_drained: false,
            findings: Findings::new("watermark-soundness"),
            topology: Arc::clone(topology),
        }
    }

    fn give(&mut self, seen: &Observation, fetched: &Fetched) {
        let part = self.topology.part_of(seen.node);
        let Some(processor) = part.and_then(|part| self.topology.processor(part)) else {
            return;
        };
        let topology = Arc::clone(&self.topology);
        let Some(plan) = &topology.processors[processor].window else {
            return;
        };
        match plan.config.watermark {
            WatermarkClock::EventTime => {}
            WatermarkClock::WallClock => return self.meet(seen, fetched, plan),
        }
        for part in &fetched.parts {
            let events = part.entries.iter().flat_map(|entry| entry.batch.events());
            let Some(latest) = events.map(|event| event.event_time).max() else {
                continue;
            };
            let newest = self.newest.entry((processor, part.partition));
            let newest = newest.or_insert(BEGINNING);
            *newest = latest.max(*newest);
        }
    }

    /// Events meet a watermark by the wall clock: those within the disorder are not behind it.
    fn meet(&mut self, seen: &Observation, fetched: &Fetched, plan: &WindowPlan) {
        let told = self.told.get(&seen.node);
        let Some(told) = told.filter(|told| told.incarnation == seen.incarnation) else {
            return;
        };
        let (operator, disorder) = (told.marks.operator, nanos(plan.config.disorder));
        let entries = fetched.parts.iter().flat_map(|part| &part.entries);
        let behind: Vec<_> = entries
            .flat_map(|entry| entry.batch.events())
            .filter(|event| event.event_time <= operator)
            .map(|event| (event.id, age(event.event_time, seen.time)))
            .filter(|(_, age)| *age <= disorder)
            .collect();
        for (id, age) in behind {
            let what = format!(
                "event {}:{} came {age} ns after it happened, {disorder} ns are allowed, and the \
                 watermark had passed it",
                id.source, id.number
            );
            self.blame(seen, "watermark-ahead", &what);
        }
    }

    fn blame(&mut self, seen: &Observation, anomaly: &'static str, what: &str) {
        let (node, part) = (seen.node, self.topology.part_of(seen.node));
        let name = self.topology.node_name(node);
        self.findings.add(|| {
            Violation::new(anomaly, seen.time, format!("{name}: {what}"))
                .of(part, "consumer")
                .by(node)
        });
    }

    fn judge(&mut self, seen: &Observation, marks: &Arc<Watermarks>) {
        let Some(processor) = self.topology.group(marks.group) else {
            return;
        };
        let Some(plan) = self.topology.processors[processor].window.as_ref() else {
            return;
        };
        let (follows, disorder) = (plan.config.watermark, nanos(plan.config.disorder));
        self.findings.judged += 1;
        let before = self.told.remove(&seen.node).filter(|told| {
            let same = (told.marks.generation, told.marks.round);
            told.incarnation == seen.incarnation && same == (marks.generation, marks.round)
        });
        for input in &marks.inputs {
            let partition = input.partition;
            let newest = self.newest.get(&(processor, partition)).copied();
            let newest = newest.unwrap_or(BEGINNING);
            let most = match follows {
                WatermarkClock::EventTime => newest.saturating_sub(disorder).saturating_sub(1),
                // What it may be is seen from the events that meet it.
                WatermarkClock::WallClock => END - 1,
            };
            let has_ended = input.watermark == END && self.has_drained;
            if input.watermark > most && !has_ended {
                let what = format!(
                    "the watermark of partition {partition} is {}, and the latest event given of it \
                     allows {most}",
                    input.watermark
                );
                self.blame(seen, "watermark-ahead", &what);
            }
            let known = before.as_ref().and_then(|told| {
                let mut inputs = told.marks.inputs.iter();
                inputs.find(|known| known.partition == partition)
            });
            if let Some(known) = known.filter(|known| known.watermark > input.watermark) {
                let what = format!(
                    "the watermark of partition {partition} went back from {} to {}",
                    known.watermark, input.watermark
                );
                self.blame(seen, "watermark-regression", &what);
            }
        }
        self.judge_operator(seen, marks, before.map(|told| told.marks.operator));
        self.told.insert(
            seen.node,
            Told {
                incarnation: seen.incarnation,
                marks: Arc::clone(marks),
            },
        );
    }

    fn judge_operator(&mut self, seen: &Observation, marks: &Watermarks, before: Option<i64>) {
        let before = before.unwrap_or(BEGINNING);
        let active = marks.inputs.iter().filter(|input| !input.is_idle);
        let slowest = active.map(|input| input.watermark).min();
        let (now, least) = (marks.operator, slowest.unwrap_or(BEGINNING));
        if now < before {
            let what = format!("the operator's watermark went back from {before} to {now}");
            self.blame(seen, "watermark-regression", &what);
        } else if now > before && now > least {
            let what = format!(
                "the operator's watermark moved to {now}, past the {least} of its slowest input"
            );
            self.blame(seen, "watermark-ahead", &what);
        } else if now < least {
            let what = format!(
                "the operator's watermark stays at {now} although every input has come to {least}"
            );
            self.blame(seen, "watermark-stuck", &what);
        }
    }
}

/// How long ago, in nanoseconds of true time, an event happened.
pub(super) fn age(event_time: i64, now: Time) -> i64 {
    i64::try_from(now.0)
        .unwrap_or(i64::MAX)
        .saturating_sub(event_time)
}

impl Checker for WatermarkSoundness {
    fn name(&self) -> &'static str {
        "watermark-soundness"
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[FactKind::Fetched, FactKind::Watermark, FactKind::Drained])
    }

    fn needs_envelope(&self) -> bool {
        false
    }

    fn observe(&mut self, seen: &Observation) {
        if let Fact::Fetched(fetched) = &seen.fact {
            if fetched.reader == Reader::Consumer {
                self.give(seen, fetched);
            }
        } else if let Fact::Watermark(marks) = &seen.fact {
            self.judge(seen, marks);
        } else if let Fact::Drained = seen.fact {
            self.has_drained = true;
        }
    }

    fn finish(&mut self, _: &End) -> Judgement {
        let mut processors = self.topology.processors.iter();
        if processors.all(|processor| processor.window.is_none()) {
            let why = "no processor has windows of event time";
            return Judgement::not_applicable("watermark-soundness", why);
        }
        self.findings.judge()
    }
}
