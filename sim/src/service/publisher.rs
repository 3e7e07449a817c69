//! The reference publisher for programs: retries, sequences and leaders are its business.

use super::Env;
use super::desk::Desk;
use std::future::poll_fn;
use std::task::{Context as TaskContext, Poll, Waker};
use stormglass_core::actor::{Context, Input};
use stormglass_core::client::publisher::{Duty, Outcome, Publisher as Client, PublisherPlan};
use stormglass_core::event::Event;

/// The first space of publishers; those below belong to consumers.
const FIRST_SPACE: u8 = 8;

/// A publisher's place at the desk.
pub(super) struct Seat {
    client: Client,
    waiting: Option<Waker>,
}

impl Seat {
    /// Offers it an input; whether it was its own.
    pub(super) fn on_input(&mut self, cx: &mut Context<'_>, input: &Input) -> bool {
        let is_own = self.client.on_input(cx, input);
        if is_own
            && self.client.is_idle()
            && let Some(waiting) = self.waiting.take()
        {
            waiting.wake();
        }
        is_own
    }

    fn poll_idle(&mut self, cx: &TaskContext<'_>) -> Poll<Vec<Outcome>> {
        if self.client.is_idle() {
            return Poll::Ready(self.client.take_outcomes());
        }
        self.waiting = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// Sends a program's events to one topic.
#[derive(Debug)]
pub struct Publisher {
    env: Env,
    seat: usize,
}

impl Env {
    /// A publisher with these settings. Whose events it sends and its timers are set here.
    ///
    /// # Panics
    /// If the program has made more than 200 publishers in this boot.
    #[must_use]
    pub fn publisher(&self, plan: PublisherPlan) -> Publisher {
        let seat = self.act(|cx, desk| {
            let seat = desk.publishers.len();
            assert!(seat < 200, "a program has at most 200 publishers");
            let mut client = Client::new(PublisherPlan {
                duty: Duty::Relay,
                space: FIRST_SPACE + seat as u8,
                ..plan
            });
            client.on_input(cx, &Input::Start);
            desk.publishers.push(Seat {
                client,
                waiting: None,
            });
            seat
        });
        Publisher {
            env: *self,
            seat: seat.unwrap_or(usize::MAX),
        }
    }
}

impl Publisher {
    fn seat<'a>(&self, desk: &'a mut Desk) -> Option<&'a mut Seat> {
        desk.publishers.get_mut(self.seat)
    }

    /// Sends events and waits until each has met its fate: what became of their batches, in the order it
    /// became known. After a wait that was dropped, its batches' fates come with the next ones.
    pub async fn publish(&mut self, events: impl IntoIterator<Item = Event>) -> Vec<Outcome> {
        self.env.act(|cx, desk| {
            if let Some(seat) = self.seat(desk) {
                for event in events {
                    seat.client.push(cx, event);
                }
                seat.client.flush(cx);
            }
        });
        poll_fn(|cx| {
            self.env
                .with(|process| {
                    let mut desk = process.desk.borrow_mut();
                    self.seat(&mut desk).map(|seat| seat.poll_idle(cx))
                })
                .flatten()
                .unwrap_or(Poll::Pending)
        })
        .await
    }
}
