//! The tasks of one boot of a program: which are ready, and in what order they are polled. With several
//! ready, a stream of the program's own picks one, so that seeds explore interleavings and nothing depends on
//! another program's tasks.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use stormglass_core::rng::Stream;

pub(super) type TaskFuture = Pin<Box<dyn Future<Output = ()>>>;

/// A lock that only one thread ever takes: it exists because a `Waker` must be `Sync`.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct ReadyState {
    queue: Vec<u64>,
    /// Who polls the program; woken when a task becomes ready outside a turn.
    host: Option<Waker>,
}

/// The ready tasks of a program.
#[derive(Default)]
struct Ready(Mutex<ReadyState>);

struct TaskWaker {
    ready: Arc<Ready>,
    task: u64,
    is_queued: AtomicBool,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_queued.swap(true, Ordering::Relaxed) {
            return;
        }
        let host = {
            let mut ready = lock(&self.ready.0);
            ready.queue.push(self.task);
            ready.host.take()
        };
        if let Some(host) = host {
            host.wake();
        }
    }
}

struct Task {
    /// Taken out while it is polled.
    future: Option<TaskFuture>,
    waker: Arc<TaskWaker>,
}

/// The tasks of one boot of a program.
pub(super) struct Tasks {
    tasks: RefCell<BTreeMap<u64, Task>>,
    ready: Arc<Ready>,
    next: Cell<u64>,
    picks: RefCell<Stream>,
}

impl Tasks {
    pub(super) fn new(picks: Stream) -> Tasks {
        Tasks {
            tasks: RefCell::new(BTreeMap::new()),
            ready: Arc::default(),
            next: Cell::new(0),
            picks: RefCell::new(picks),
        }
    }

    /// Adds a task; it is ready. The first is number 0.
    pub(super) fn add(&self, future: TaskFuture) -> u64 {
        let number = self.next.get();
        self.next.set(number + 1);
        let waker = Arc::new(TaskWaker {
            ready: Arc::clone(&self.ready),
            task: number,
            is_queued: AtomicBool::new(false),
        });
        waker.wake_by_ref();
        let task = Task {
            future: Some(future),
            waker,
        };
        self.tasks.borrow_mut().insert(number, task);
        number
    }

    /// Drops a task; one that is being polled goes when its poll ends.
    pub(super) fn abort(&self, number: u64) {
        let task = self.tasks.borrow_mut().remove(&number);
        drop(task);
    }

    /// Drops all tasks.
    pub(super) fn clear(&self) {
        let tasks = std::mem::take(&mut *self.tasks.borrow_mut());
        drop(tasks);
        lock(&self.ready.0).queue.clear();
    }

    /// Whether a task is ready.
    pub(super) fn is_ready(&self) -> bool {
        !lock(&self.ready.0).queue.is_empty()
    }

    /// Who is to be woken when a task becomes ready while none is.
    pub(super) fn set_host(&self, host: Waker) {
        lock(&self.ready.0).host = Some(host);
    }

    /// Takes who was to be woken.
    pub(super) fn take_host(&self) -> Option<Waker> {
        lock(&self.ready.0).host.take()
    }

    fn pick(&self) -> Option<u64> {
        let queue = &mut lock(&self.ready.0).queue;
        match queue.len() {
            0 => None,
            1 => queue.pop(),
            several => {
                let place = self.picks.borrow_mut().below(several as u64) as usize;
                Some(queue.remove(place))
            }
        }
    }

    /// Polls one ready task; gives back its number and whether it is over, none if no task is ready.
    pub(super) fn poll_one(&self) -> Option<(u64, bool)> {
        loop {
            let number = self.pick()?;
            let taken = self
                .tasks
                .borrow_mut()
                .get_mut(&number)
                .and_then(|task| Some((task.future.take()?, Arc::clone(&task.waker))));
            // An aborted task may have left its number in the queue.
            let Some((mut future, waker)) = taken else {
                continue;
            };
            waker.is_queued.store(false, Ordering::Relaxed);
            let is_over = future
                .as_mut()
                .poll(&mut Context::from_waker(&Waker::from(waker)))
                .is_ready();
            let mut tasks = self.tasks.borrow_mut();
            if is_over {
                let task = tasks.remove(&number);
                drop(tasks);
                drop((task, future));
            } else if let Some(task) = tasks.get_mut(&number) {
                task.future = Some(future);
            } else {
                drop(tasks);
                drop(future);
            }
            return Some((number, is_over));
        }
    }
}

enum Joined<T> {
    Running(Option<Waker>),
    Over(Option<T>),
}

/// What a task leaves when it ends, and the handle to wait for it or end it. Dropping the handle lets the
/// task go on.
pub struct JoinHandle<T> {
    joined: Arc<Mutex<Joined<T>>>,
    abort: Option<(super::Env, u64)>,
}

/// Tells the handle when the task is over, even if it was dropped on the way.
struct Finish<T>(Arc<Mutex<Joined<T>>>);

impl<T> Finish<T> {
    fn set(&self, value: Option<T>) {
        let before = std::mem::replace(&mut *lock(&self.0), Joined::Over(value));
        if let Joined::Running(Some(waker)) = before {
            waker.wake();
        }
    }
}

impl<T> Drop for Finish<T> {
    fn drop(&mut self) {
        if matches!(*lock(&self.0), Joined::Running(_)) {
            self.set(None);
        }
    }
}

/// Makes a task of a future and a handle of what it will leave.
pub(super) fn joinable<T: 'static>(
    future: impl Future<Output = T> + 'static,
) -> (TaskFuture, JoinHandle<T>) {
    let joined = Arc::new(Mutex::new(Joined::Running(None)));
    let finish = Finish(Arc::clone(&joined));
    let task = Box::pin(async move {
        let value = future.await;
        finish.set(Some(value));
    });
    let handle = JoinHandle {
        joined,
        abort: None,
    };
    (task, handle)
}

impl<T> JoinHandle<T> {
    pub(super) fn of(mut self, env: super::Env, task: u64) -> JoinHandle<T> {
        self.abort = Some((env, task));
        self
    }

    /// Ends the task where it waits.
    pub fn abort(&self) {
        if let Some((env, task)) = &self.abort {
            env.abort(*task);
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Option<T>;

    /// What the task returned, none if it was aborted.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut joined = lock(&self.joined);
        match &mut *joined {
            Joined::Over(value) => Poll::Ready(value.take()),
            Joined::Running(waker) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
