// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs jobs, the longest first, several at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::tally::Tally;

/// A unit of work that does not depend on any other.
pub struct Job<'a> {
    /// Its name.
    pub name: String,
    /// Its expected duration, in seconds.
    pub seconds: f64,
    /// The work itself.
    pub work: Box<dyn FnOnce(&mut Tally) + Send + 'a>,
}

impl<'a> Job<'a> {
    /// Creates a job.
    pub fn new(
        name: impl Into<String>,
        seconds: f64,
        work: impl FnOnce(&mut Tally) + Send + 'a,
    ) -> Self {
        Self {
            name: name.into(),
            seconds,
            work: Box::new(work),
        }
    }
}

/// Runs all jobs, up to `at_once` in parallel. Times are relative to `began`.
pub fn work_off(mut jobs: Vec<Job<'_>>, at_once: usize, began: Instant) -> Tally {
    // The next job is popped from the end.
    jobs.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    let jobs = Mutex::new(jobs);
    let done = Mutex::new(Tally::default());
    let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let work = || {
        while let Some(Job { name, work, .. }) = next() {
            let mut tally = Tally::default();
            let mut its = Tally::default();
            let ended = tally.times.stage(began, &name, || {
                catch_unwind(AssertUnwindSafe(|| work(&mut its)))
            });
            if ended.is_err() {
                its.fail(format!("{name}: xtask panicked"));
            }
            tally.absorb(its);
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .absorb(tally);
        }
    };
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(work);
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_job_begins_first_and_all_are_counted() {
        let order = Mutex::new(Vec::new());
        let job = |name: &'static str, seconds| {
            let order = &order;
            Job::new(name, seconds, move |tally: &mut Tally| {
                order.lock().expect("no one panics here").push(name);
                tally.pass();
            })
        };
        let jobs = vec![job("short", 1.0), job("long", 9.0), job("middle", 5.0)];
        let tally = work_off(jobs, 1, Instant::now());
        assert_eq!(tally.passed(), 3);
        let names: Vec<_> = tally
            .times
            .stages
            .iter()
            .map(|stage| &*stage.name)
            .collect();
        assert_eq!(names, ["long", "middle", "short"]);
        assert_eq!(*order.lock().expect("all have ended"), names);
    }

    #[test]
    fn a_job_that_panics_has_failed_and_the_others_go_on() {
        let jobs = vec![
            Job::new("bad", 2.0, |_: &mut Tally| panic!("on purpose")),
            Job::new("good", 1.0, |tally: &mut Tally| tally.pass()),
        ];
        let tally = work_off(jobs, 1, Instant::now());
        assert_eq!((tally.passed(), tally.failed()), (1, 1));
    }
}
