// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counts of a protocol's errors. Linux has fewer than 134 errnos; any other number in a message
//! counts as `other`.

use nix::errno::Errno;

use super::times::Counter;

/// `EHWPOISON`, 133, is the last; 0 is for all others.
const ERRNOS: usize = 134;

/// What was lost or refused.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Messages that a full queue had no room for.
    pub(super) overruns: Counter,
    /// Messages that could not be delivered, by error.
    pub(super) failures: Errors,
    /// Requests that the kernel refused, by error.
    pub(super) refusals: Errors,
}

/// Counters by error.
#[derive(Debug)]
pub(super) struct Errors([Counter; ERRNOS]);

impl Default for Errors {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Counter::default()))
    }
}

impl Errors {
    /// Adds `more` of an error, a negative errno; `None` if it is unknown.
    pub(super) fn add(&self, error: Option<i32>, more: u64) {
        let errno = error.and_then(|error| usize::try_from(error.checked_neg()?).ok());
        let known = errno.filter(|errno| *errno < ERRNOS && number(*errno).is_some());
        self.0[known.unwrap_or(0)].add(more);
    }

    /// Those that occurred, by name.
    pub(super) fn occurred(&self) -> impl Iterator<Item = (String, u64)> {
        let counts = self.0.iter().map(Counter::get).enumerate();
        counts
            .filter(|(_, count)| *count > 0)
            .map(|(errno, count)| (name(errno).unwrap_or_else(|| "other".to_owned()), count))
    }
}

fn number(errno: usize) -> Option<Errno> {
    let errno = Errno::from_raw(i32::try_from(errno).ok()?);
    (errno != Errno::UnknownErrno).then_some(errno)
}

/// As in errno(3).
fn name(errno: usize) -> Option<String> {
    number(errno).map(|errno| format!("{errno:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_their_names() {
        let errors = Errors::default();
        for error in [Some(-17), Some(-105), Some(-17), None, Some(i32::MIN)] {
            errors.add(error, 1);
        }
        // Successes, a kernel-internal errno, and numbers without a name.
        for error in [0, 5, -512, -41, -134] {
            errors.add(Some(error), 1);
        }
        let found: Vec<_> = errors.occurred().collect();
        let found: Vec<_> = found
            .iter()
            .map(|(n, count)| (n.as_str(), *count))
            .collect();
        assert_eq!(found, [("other", 7), ("EEXIST", 2), ("ENOBUFS", 1)]);
    }
}
