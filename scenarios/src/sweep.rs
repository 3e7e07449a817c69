//! Many seeds on a few threads. A seed that panics fails alone; the sweep goes on. Results are handed over
//! in the order of the seeds, whatever the number of workers.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

/// One run to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its position in the sweep.
    pub index: u64,
    /// Its seed.
    pub seed: u64,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended<T> {
    /// With a result.
    Done(T),
    /// With a panic.
    Panicked(Panic),
}

/// How a user's part broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It panicked.
    Panicked,
    /// It came no further in real time and was given up.
    Hung,
}

/// A panic, and whose it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    /// What it said.
    pub message: String,
    /// The user's part that panicked; none if it was one of ours.
    pub part: Option<String>,
    /// How it broke.
    pub how: Broken,
}

/// The payload with which a user's part panics on, so that its fault is told from ours.
#[derive(Debug)]
pub struct PartPanic {
    /// The part.
    pub part: String,
    /// What it said.
    pub message: String,
    /// How it broke.
    pub how: Broken,
}

/// Runs a user's code; a panic in it goes on under the part's name.
pub fn of_part<T>(part: &str, body: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => value,
        Err(payload) => {
            let message = message_of(payload.as_ref());
            std::panic::resume_unwind(Box::new(PartPanic {
                part: part.to_owned(),
                message,
                how: Broken::Panicked,
            }))
        }
    }
}

/// What a panic said.
#[must_use]
pub fn message_of(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

fn panic_of(payload: Box<dyn Any + Send>) -> Panic {
    match payload.downcast::<PartPanic>() {
        Ok(panic) => Panic {
            message: panic.message,
            part: Some(panic.part),
            how: panic.how,
        },
        Err(payload) => Panic {
            message: message_of(payload.as_ref()),
            part: None,
            how: Broken::Panicked,
        },
    }
}

/// Somebody who is told about a sweep as it goes; all methods are called from one thread at a time or must
/// not mind.
pub trait Watcher: Sync {
    /// A worker takes a job.
    fn begins(&self, worker: usize, job: Job);
    /// A worker has finished a job.
    fn ends(&self, worker: usize, job: Job);
}

/// Nobody watches.
pub struct Nobody;

impl Watcher for Nobody {
    fn begins(&self, _: usize, _: Job) {}
    fn ends(&self, _: usize, _: Job) {}
}

/// Runs every job with `run` on `workers` threads until `stop` says so, and gives the results to `take` in
/// the order of the jobs, on the calling thread. Gives back how many were taken.
pub fn sweep<T: Send>(
    jobs: &[Job],
    workers: usize,
    stop: &AtomicBool,
    watcher: &dyn Watcher,
    run: &(dyn Fn(Job) -> T + Sync),
    take: &mut dyn FnMut(Job, Ended<T>),
) -> usize {
    // Results of one worker may come before those of an earlier job: they wait their turn. Once the sweep
    // is stopped there may be gaps, which nothing will fill.
    let (mut next, mut waiting) = (0, BTreeMap::new());
    let taken = drive(
        jobs,
        workers,
        stop,
        watcher,
        run,
        &mut |place, job, ended| {
            waiting.insert(place, (job, ended));
            while let Some((job, ended)) = waiting.remove(&next) {
                take(job, ended);
                next += 1;
            }
        },
    );
    for (job, ended) in waiting.into_values() {
        take(job, ended);
    }
    taken
}

/// The same, but results are taken as they come: none waits for a slower one before it, so that whoever
/// notes them loses nothing that is finished.
pub fn sweep_as_finished<T: Send>(
    jobs: &[Job],
    workers: usize,
    stop: &AtomicBool,
    watcher: &dyn Watcher,
    run: &(dyn Fn(Job) -> T + Sync),
    take: &mut dyn FnMut(Job, Ended<T>),
) -> usize {
    drive(jobs, workers, stop, watcher, run, &mut |_, job, ended| {
        take(job, ended);
    })
}

/// Gives each result with its place among the jobs to `take` as it comes; gives back how many came.
fn drive<T: Send>(
    jobs: &[Job],
    workers: usize,
    stop: &AtomicBool,
    watcher: &dyn Watcher,
    run: &(dyn Fn(Job) -> T + Sync),
    take: &mut dyn FnMut(usize, Job, Ended<T>),
) -> usize {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    let mut taken = 0;
    std::thread::scope(|scope| {
        for worker in 0..workers.max(1) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(place).copied() else {
                        break;
                    };
                    watcher.begins(worker, job);
                    let ended = match catch_unwind(AssertUnwindSafe(|| run(job))) {
                        Ok(value) => Ended::Done(value),
                        Err(payload) => Ended::Panicked(panic_of(payload)),
                    };
                    watcher.ends(worker, job);
                    if sender.send((place, job, ended)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (place, job, ended) in receiver {
            take(place, job, ended);
            taken += 1;
        }
    });
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Watcher for Nobody {
        fn begins(&self, _: usize, _: Job) {}
        fn ends(&self, _: usize, _: Job) {}
    }

    fn jobs(count: u64) -> Vec<Job> {
        (0..count)
            .map(|index| Job {
                index,
                seed: index * 10,
            })
            .collect()
    }

    fn run_all(
        workers: usize,
        run: &(dyn Fn(Job) -> u64 + Sync),
    ) -> Vec<(u64, Result<u64, Panic>)> {
        let mut results = Vec::new();
        let stop = AtomicBool::new(false);
        sweep(
            &jobs(20),
            workers,
            &stop,
            &Nobody,
            run,
            &mut |job, ended| {
                results.push((
                    job.index,
                    match ended {
                        Ended::Done(value) => Ok(value),
                        Ended::Panicked(panic) => Err(panic),
                    },
                ));
            },
        );
        results
    }

    #[test]
    fn results_come_in_the_order_of_the_jobs_whatever_the_workers() {
        let one = run_all(1, &|job| job.seed + 1);
        let four = run_all(4, &|job| job.seed + 1);
        assert_eq!(one, four);
        assert_eq!(one.len(), 20);
    }

    #[test]
    fn a_finished_job_waits_for_no_slower_one_before_it() {
        let stop = AtomicBool::new(false);
        let second_is_taken = AtomicBool::new(false);
        let mut order = Vec::new();
        let run = |job: Job| {
            // The first job ends only once the second is taken: in the order of jobs it would never be.
            while job.index == 0 && !second_is_taken.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
        };
        let taken = sweep_as_finished(&jobs(2), 2, &stop, &Nobody, &run, &mut |job, _| {
            second_is_taken.fetch_or(job.index == 1, Ordering::Relaxed);
            order.push(job.index);
        });
        assert_eq!((taken, order), (2, vec![1, 0]));
    }

    #[test]
    fn a_panic_fails_its_seed_alone_and_says_whose_it_was() {
        let results = run_all(2, &|job| match job.index {
            3 => of_part("service.enricher", || panic!("no such key")),
            5 => panic!("ours"),
            _ => job.seed,
        });
        let part = Some("service.enricher".to_owned());
        assert_eq!(
            results[3].1,
            Err(Panic {
                message: "no such key".to_owned(),
                part,
                how: Broken::Panicked,
            })
        );
        assert_eq!(
            results[5].1,
            Err(Panic {
                message: "ours".to_owned(),
                part: None,
                how: Broken::Panicked,
            })
        );
        assert!(results.iter().filter(|(_, result)| result.is_ok()).count() == 18);
    }

    #[test]
    fn a_stopped_sweep_keeps_what_is_finished() {
        let stop = AtomicBool::new(false);
        let mut taken = Vec::new();
        sweep(
            &jobs(1_000),
            2,
            &stop,
            &Nobody,
            &|job| {
                if job.index == 10 {
                    stop.store(true, Ordering::Relaxed);
                }
                job.index
            },
            &mut |job, _| taken.push(job.index),
        );
        assert!(taken.contains(&10) && taken.len() < 1_000);
    }
}
