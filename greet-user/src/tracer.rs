// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loads the eBPF programs into the kernel, attaches them, and reads what they report.
//!
//! Everything that is attached lives in one [`Tracer`] and is detached with it. Nothing is
//! pinned: the kernel itself detaches what a killed process held.

mod checks;
mod error;
pub mod offsets;

use std::{
    fs,
    os::fd::{AsFd as _, AsRawFd as _},
};

use aya::{
    Btf, Ebpf, EbpfLoader,
    maps::{MapData, PerCpuArray, RingBuf},
    programs::{FEntry, FExit, KProbe, ProgramError},
};
use aya_log::EbpfLogger;
use tokio::io::{Interest, unix::AsyncFd};

pub use checks::check_privileges;
pub use error::TracerError;

use crate::{event::Event, stream};
use offsets::Offsets;

/// What `greet-ebpf` was compiled to; see `build.rs`.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/greet-ebpf"));

/// The kernel function that messages cross by.
const NETLINK_UNICAST: &str = "netlink_unicast";

/// What to look at.
#[derive(Clone, Debug)]
pub struct Filter<'a> {
    /// The one netlink protocol; `None` for all.
    pub protocol: Option<u32>,
    /// The one process; `None` for all.
    pub pid: Option<u32>,
    /// The receive callback in the kernel.
    pub callback: &'a str,
}

/// The attached programs and what they report.
pub struct Tracer {
    /// Holds the programs and their links: dropping it detaches them.
    programs: Ebpf,
    records: AsyncFd<RingBuf<MapData>>,
    dropped: PerCpuArray<MapData, u64>,
    logger: EbpfLogger<&'static dyn log::Log>,
    hooks: Vec<String>,
    malformed: u64,
}

impl Tracer {
    /// Checks that tracing can work here, then loads and attaches.
    ///
    /// # Errors
    /// [`TracerError`]: one sentence with the next step. Nothing is attached then.
    pub fn attach(filter: &Filter<'_>) -> Result<Self, TracerError> {
        check_privileges()?;
        checks::check_kernel(filter.callback)?;
        let offsets = Offsets::of_running_kernel()?;
        let mut programs = load(filter, &offsets)?;
        let logger = EbpfLogger::init(&mut programs).map_err(TracerError::setup)?;
        let records = take_map(&mut programs, "RECORDS")?;
        let records = RingBuf::try_from(records).map_err(TracerError::setup)?;
        let dropped = take_map(&mut programs, "DROPPED")?;
        let dropped = PerCpuArray::try_from(dropped).map_err(TracerError::setup)?;
        #[expect(
            unsafe_code,
            reason = "tokio cannot see that the descriptor stays open"
        )]
        // SAFETY: the ring buffer owns its descriptor and closes it when it is dropped, not before.
        let records = unsafe { AsyncFd::register_with_interest(records, Interest::READABLE) }
            .map_err(|error| TracerError::setup(error.to_string()))?;
        let hooks = attach(&mut programs, filter.callback)?;
        Ok(Self {
            programs,
            records,
            dropped,
            logger,
            hooks,
            malformed: 0,
        })
    }

    /// What is attached where, e.g. `fentry:netlink_unicast`.
    #[must_use]
    pub fn hooks(&self) -> &[String] {
        &self.hooks
    }

    /// Waits until there may be something to read.
    ///
    /// # Errors
    /// [`TracerError`] where waiting fails.
    pub async fn readable(&mut self) -> Result<(), TracerError> {
        let mut ready = self
            .records
            .readable_mut()
            .await
            .map_err(TracerError::setup)?;
        // Cleared before the buffer is read: what comes from now on makes it ready anew.
        ready.clear_ready();
        Ok(())
    }

    /// Hands every event that is there to `take`, without waiting.
    pub fn drain(&mut self, mut take: impl FnMut(Event)) {
        while let Some(record) = self.records.get_mut().next() {
            match stream::event(&record) {
                Ok(event) => take(event),
                Err(error) => {
                    self.malformed += 1;
                    log::warn!("the eBPF programs wrote {error}");
                }
            }
        }
        self.logger.flush();
    }

    /// Records that did not reach us: those for which there was no room, on any CPU, and
    /// those that could not be read.
    ///
    /// # Errors
    /// [`TracerError`] where the counters cannot be read.
    pub fn dropped(&self) -> Result<u64, TracerError> {
        let counts = self.dropped.get(&0, 0).map_err(TracerError::setup)?;
        Ok(counts.iter().sum::<u64>() + self.malformed)
    }

    /// Calls of the watched functions, by any process, for which the kernel did not run
    /// our program because the same program was at work on the same CPU already: on a
    /// preemptible kernel a task can be interrupted in the midst of it. The kernel counts
    /// them (`recursion_misses`); aya does not show them, `/proc` does.
    ///
    /// # Errors
    /// [`TracerError`] where the counters cannot be read.
    pub fn missed(&self) -> Result<u64, TracerError> {
        let mut missed = 0;
        for (_, program) in self.programs.programs() {
            let fd = program
                .fd()
                .map_err(TracerError::setup)?
                .as_fd()
                .as_raw_fd();
            let info = fs::read_to_string(format!("/proc/self/fdinfo/{fd}"));
            missed += recursion_misses(&info.map_err(TracerError::setup)?);
        }
        Ok(missed)
    }
}

/// The counter in a program's `fdinfo`; it is there since Linux 5.12.
fn recursion_misses(fdinfo: &str) -> u64 {
    let mut lines = fdinfo.lines();
    let count = lines.find_map(|line| line.strip_prefix("recursion_misses:"));
    count
        .and_then(|count| count.trim().parse().ok())
        .unwrap_or(0)
}

fn load(filter: &Filter<'_>, offsets: &Offsets) -> Result<Ebpf, TracerError> {
    let protocol = filter.protocol.unwrap_or(u32::MAX);
    let pid = filter.pid.unwrap_or(0);
    // The eBPF side compares with the level's number; 0 is off.
    let log_level = u8::try_from(log::max_level() as usize).unwrap_or(0);
    let mut loader = EbpfLoader::new();
    loader
        .override_global("FILTER_PROTOCOL", &protocol, true)
        .override_global("FILTER_PID", &pid, true)
        .override_global(aya_log::LEVEL, &log_level, true);
    for (name, offset) in offsets.named() {
        loader.override_global(name, offset, true);
    }
    loader.override_global("SOCK_KERN_MASK", &offsets.sock_kern_mask, true);
    loader.load(OBJECT).map_err(TracerError::setup)
}

/// Attaches each program to its function; returns what is attached where.
fn attach(programs: &mut Ebpf, callback: &str) -> Result<Vec<String>, TracerError> {
    let btf = Btf::from_sys_fs().map_err(TracerError::setup)?;
    let failed = |function: &str| {
        let function = function.to_owned();
        move |error: ProgramError| TracerError::attach(function, error)
    };
    let cross: &mut FEntry = program(programs, "cross")?;
    cross
        .load(NETLINK_UNICAST, &btf)
        .map_err(failed(NETLINK_UNICAST))?;
    cross.attach().map_err(failed(NETLINK_UNICAST))?;
    let crossed: &mut FExit = program(programs, "crossed")?;
    crossed
        .load(NETLINK_UNICAST, &btf)
        .map_err(failed(NETLINK_UNICAST))?;
    crossed.attach().map_err(failed(NETLINK_UNICAST))?;
    for name in ["handle", "handled"] {
        let probe: &mut KProbe = program(programs, name)?;
        probe.load().map_err(failed(callback))?;
        probe.attach(callback, 0).map_err(failed(callback))?;
    }
    Ok(vec![
        format!("fentry:{NETLINK_UNICAST}"),
        format!("fexit:{NETLINK_UNICAST}"),
        format!("kprobe:{callback}"),
        format!("kretprobe:{callback}"),
    ])
}

fn program<'a, P>(programs: &'a mut Ebpf, name: &str) -> Result<&'a mut P, TracerError>
where
    &'a mut P: TryFrom<&'a mut aya::programs::Program, Error = ProgramError>,
{
    let program = programs
        .program_mut(name)
        .ok_or_else(|| TracerError::setup(format!("the object has no program {name}")))?;
    program.try_into().map_err(TracerError::setup)
}

fn take_map(programs: &mut Ebpf, name: &str) -> Result<aya::maps::Map, TracerError> {
    programs
        .take_map(name)
        .ok_or_else(|| TracerError::setup(format!("the object has no map {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_found_in_fdinfo() {
        let fdinfo = "pos:\t0\nprog_type:\t26\nrun_cnt:\t0\nrecursion_misses:\t17\n";
        assert_eq!(recursion_misses(fdinfo), 17);
        assert_eq!(recursion_misses("pos:\t0\n"), 0);
    }
}
