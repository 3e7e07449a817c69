//! Sources: open loop only; an event is owed at its due time whether or not the system keeps up.

pub mod arrival;
pub mod config;
pub mod exponential;
pub mod generator;
pub mod keys;
pub mod listed;
#[cfg(test)]
mod tests;
pub mod trace;

use crate::actor::{Actor, Context, Control, Input, Inspection};
use crate::client::publisher::{Publisher, PublisherPlan};
use crate::event::Event;
use crate::id::{Incarnation, TimerId};
use crate::part::Factory;
use crate::rng::{Seed, Stream};
use crate::time::{Mono, Span, Time};
use arrival::ArrivalClock;
use config::{Arrival, SourceConfig};
use exponential::Exponential;
use generator::{Generator, Shape};
use keys::KeyTable;
use std::sync::Arc;
use trace::TraceRow;

/// Runs out when the next event is due.
const DUE: TimerId = TimerId(1);

/// What a source is built from.
#[derive(Clone, Debug)]
pub struct SourcePlan {
    /// Its position among the scenario's sources.
    pub position: u16,
    /// Its name in the scenario, by which its randomness is chosen.
    pub name: String,
    /// The number that decides the run.
    pub seed: Seed,
    /// Its settings.
    pub config: SourceConfig,
    /// The rows of a recorded stream, if `config` asks for one.
    pub rows: Option<Arc<[TraceRow]>>,
    /// When its node boots for the first time; what is due earlier is owed then.
    pub boot_at: Time,
    /// Nothing is owed from here on.
    pub until: Time,
    /// How it publishes.
    pub publisher: PublisherPlan,
}

impl SourcePlan {
    /// The events it will owe, from the first.
    ///
    /// # Panics
    /// If the configuration asks for a recorded stream and there are no rows.
    #[must_use]
    pub fn generator(&self) -> Generator {
        let shape = Arc::new(Shape {
            position: self.position,
            keys: KeyTable::new(&self.config.keys),
            gaps: Exponential::new(),
            disorder: self
                .config
                .disorder
                .as_ref()
                .map_or(Span::ZERO, |disorder| disorder.up_to),
            size: self.config.size,
            starts_after: self.config.starts_after,
            until: self.until,
        });
        let stream: Stream = self.seed.stream(&format!("source.{}/arrival", self.name));
        match ArrivalClock::new(&self.config.arrival) {
            Some(clock) => Generator::clocked(shape, stream, clock),
            None => {
                let rows = match &self.config.arrival {
                    Arrival::Events(events) => events
                        .iter()
                        .map(|event| event.row(self.config.size))
                        .collect(),
                    Arrival::Constant(_)
                    | Arrival::Poisson(_)
                    | Arrival::Bursts { .. }
                    | Arrival::Ramp { .. }
                    | Arrival::Trace(_) => {
                        Arc::clone(self.rows.as_ref().expect("a trace comes with its rows"))
                    }
                };
                Generator::recorded(shape, stream, rows)
            }
        }
    }

    /// Makes the source anew at every boot; tables are built once.
    #[must_use]
    pub fn factory(self) -> Factory {
        let generator = self.generator();
        let (publisher, boot_at) = (self.publisher, self.boot_at);
        Box::new(move || {
            let (generator, publisher) = (generator.clone(), publisher.clone());
            Box::new(Source::new(generator, publisher, boot_at))
        })
    }
}

/// Owes events at their due times and publishes them.
///
/// It knows the true time only as its monotonic clock counts on from its first boot. After a restart it
/// takes the time from its wall clock once and goes on from there: what fell due while it was down was
/// owed by nobody, and what its publisher held is lost with it.
#[derive(Debug)]
pub struct Source {
    generator: Generator,
    publisher: Publisher,
    next: Option<Event>,
    /// The run's time when the monotonic clock stood at 0.
    origin: Time,
    emitted: u64,
}

impl Source {
    /// A source before its boot; the first one is at `boot_at`.
    #[must_use]
    pub fn new(generator: Generator, publisher: PublisherPlan, boot_at: Time) -> Source {
        Source {
            generator,
            publisher: Publisher::new(publisher),
            next: None,
            origin: boot_at,
            emitted: 0,
        }
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        self.next = self.generator.next();
        if cx.incarnation() > Incarnation(1) {
            let now = u64::try_from(cx.wall().0).unwrap_or(0);
            self.origin = Time(now.saturating_sub(cx.monotonic().0));
            while self.next.is_some_and(|event| event.due.0 < now) {
                self.next = self.generator.next();
            }
        }
        self.emit(cx);
    }

    /// Pushes what is due and waits for the next event; with the last one the publisher is flushed.
    fn emit(&mut self, cx: &mut Context<'_>) {
        let now = self.now(cx.monotonic());
        let was_owing = self.next.is_some();
        while let Some(event) = self.next
            && event.due <= now
        {
            self.publisher.push(cx, event);
            self.emitted += 1;
            self.next = self.generator.next();
        }
        match self.next {
            Some(event) => cx.arm(DUE, event.due.since(now)),
            None if was_owing => self.publisher.flush(cx),
            None => {}
        }
    }

    fn now(&self, monotonic: Mono) -> Time {
        self.origin + Span(monotonic.0)
    }
}

impl Actor for Source {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        if self.publisher.on_input(cx, &input) {
            return;
        }
        match input {
            Input::Start => self.start(cx),
            Input::Timer(DUE) => self.emit(cx),
            Input::Control(Control::Stop) => {
                self.emit(cx);
                self.next = None;
                cx.disarm(DUE);
                self.publisher.flush(cx);
            }
            Input::Control(
                Control::ForceElection
                | Control::ExpandPartitions
                | Control::ForceRetention { .. }
                | Control::Rewind
                | Control::ExpireProducers
                | Control::Leave
                | Control::Join
                | Control::Poison { .. }
                | Control::Mend
                | Control::Configure { .. },
            )
            | Input::Timer(_)
            | Input::Opened { .. }
            | Input::Closed { .. }
            | Input::Message { .. }
            | Input::Disk(_) => {}
        }
    }

    fn inspect(&self) -> Inspection {
        let next = self
            .next
            .map_or_else(|| "none".to_owned(), |event| event.due.to_string());
        Inspection::new()
            .value("emitted", self.emitted)
            .value("next due", next)
            .child("publisher", self.publisher.inspect())
    }
}
