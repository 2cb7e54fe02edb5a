// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loads the eBPF programs into the kernel, attaches them, and reads what they report.
//!
//! Everything attached belongs to one [`Tracer`] and is detached when it is dropped. Nothing is
//! pinned: if the process is killed, the kernel detaches its programs.

mod callbacks;
mod filter;
mod hooks;
mod missed;
mod owners;
mod plan;
mod waiting;

use std::time::Duration;

use aya::maps::{Array, HashMap, MapData, PerCpuArray, RingBuf};
use aya_log::EbpfLogger;
use tokio::io::{Interest, unix::AsyncFd};

pub use callbacks::{Callback, Callbacks};
pub use filter::{Filter, Tasks};
pub use hooks::{
    functions,
    trial::{Tried, TriedKind, try_each},
};
pub use plan::{Attached, Hooks, Plan, buffer_size};

use crate::{
    event::Event,
    kernel::{
        TracerError,
        btf::Btf,
        check_privileges, checks, loader,
        offsets::{OffsetError, Offsets},
        programs::Programs,
    },
    sockets::{self, KernelSocket, SocketsError},
    stream::Stream,
};
use hooks::{Kernel, witness::Witness};
use missed::Shared;
use owners::Owners;

/// How long to let records accumulate before they are read: whenever a reader waits for the buffer,
/// the next record wakes it, at the expense of the watched program.
pub const GATHER: Duration = Duration::from_millis(5);
/// If the buffer is empty, anything older than this has been read; ns.
pub const SETTLED_NS: u64 = 20_000_000;
/// Number of records to read before anything else gets its turn.
pub const BATCH: usize = 4096;
/// Maximum number of processes that a watched command may start.
const FAMILY_SIZE: u32 = 65_536;
/// In the map `FAMILY`: not watched itself, but its children are.
const PARENT: u32 = 0;
/// In the map `FAMILY`: watched.
const MEMBER: u32 = 1;

/// The attached programs and their events.
pub struct Tracer {
    /// Holds the programs and their links: dropping it detaches them. `None` once detached.
    programs: Option<Programs>,
    family: HashMap<MapData, u32, u32>,
    calls: Array<MapData, waiting::CallBytes>,
    records: AsyncFd<RingBuf<MapData>>,
    stream: Stream,
    /// Events already read while the hooks were being attached.
    early: Vec<Event>,
    dropped: PerCpuArray<MapData, u64>,
    logger: EbpfLogger<&'static dyn log::Log>,
    attached: Attached,
    owners: Owners,
    shared: Shared,
    malformed: u64,
}

impl Tracer {
    /// Checks that tracing can work here, then loads and attaches the programs.
    ///
    /// # Errors
    /// [`TracerError`]: one sentence with the next step. Nothing is attached in that case.
    pub fn attach(filter: &Filter, plan: &Plan) -> Result<Self, TracerError> {
        check_privileges()?;
        checks::check_kernel()?;
        let types = Btf::of_running_kernel().map_err(OffsetError::from)?;
        Self::attach_to(filter, plan, types)
    }

    /// The same for a kernel with the given types.
    ///
    /// # Errors
    /// As above.
    pub fn attach_to(filter: &Filter, plan: &Plan, types: Btf) -> Result<Self, TracerError> {
        let offsets = Offsets::of(&types)?;
        let layout = sockets::layout::of(&types);
        let known = layout.as_deref().unwrap_or_default();
        let mut programs = load(filter, &offsets, known, plan.buffer)?;
        let logger = EbpfLogger::init(programs.aya()).map_err(TracerError::setup)?;
        let records = programs.take_map("RECORDS")?;
        let mut records = RingBuf::try_from(records).map_err(TracerError::setup)?;
        let dropped = programs.take_map("DROPPED")?;
        let dropped = PerCpuArray::try_from(dropped).map_err(TracerError::setup)?;
        let family = programs.take_map("FAMILY")?;
        let mut family = HashMap::try_from(family).map_err(TracerError::setup)?;

        let calls = programs.take_map("CALLS")?;
        let calls = Array::try_from(calls).map_err(TracerError::setup)?;
        let mut callbacks = Vec::new();
        if plan.wants_callbacks() {
            let walk = || -> Result<Vec<KernelSocket>, SocketsError> {
                layout.map_err(OffsetError::from)?;
                sockets::walk::check_fields(&offsets)?;
                let walked = sockets::walk::through(&programs, &mut records, &dropped, &types)?;
                Ok(sockets::kernels(walked))
            };
            callbacks = plan.callbacks.choose(filter.protocols, walk)?;
        }
        let kernel = Kernel {
            types: &types,
            offsets: &offsets,
        };
        let mut stream = Stream::default();
        let mut witness = Witness::new(&mut records, &mut stream, &mut family, filter);
        let (mut attached, shared) =
            hooks::attach(&mut programs, kernel, plan, callbacks, &mut witness)?;
        let early = witness.into_events();
        if filter.early && !attached.has("netlink_unicast") {
            let why = "not seen: requests before they are handled (`--early` needs fentry or \
                       kprobes, and one of the stages send to sent)";
            attached.missing.push(why.to_owned());
        }
        drop(types);
        #[expect(
            unsafe_code,
            reason = "tokio cannot see that the descriptor stays open"
        )]
        // SAFETY: the ring buffer owns its descriptor and closes it only when dropped.
        let records = unsafe { AsyncFd::register_with_interest(records, Interest::READABLE) }
            .map_err(|error| TracerError::setup(error.to_string()))?;
        Ok(Self {
            programs: Some(programs),
            family,
            calls,
            records,
            stream,
            early,
            dropped,
            logger,
            attached,
            owners: Owners::default(),
            shared,
            malformed: 0,
        })
    }

    /// What is attached where, and what could not be attached.
    #[must_use]
    pub const fn attached(&self) -> &Attached {
        &self.attached
    }

    /// Starts a process with `start`, and follows it and its descendants from their first
    /// instruction: the eBPF programs record a child of this process before it runs. Requires a
    /// plan with `family`, and [`Tasks::Command`].
    ///
    /// # Errors
    /// [`TracerError`] if the map cannot be written; the result of `start` is passed through.
    pub fn follow<T>(&mut self, start: impl FnOnce() -> T) -> Result<T, TracerError> {
        let pid = std::process::id();
        let family = &mut self.family;
        family.insert(pid, PARENT, 0).map_err(TracerError::setup)?;
        let started = start();
        family.remove(&pid).map_err(TracerError::setup)?;
        Ok(started)
    }

    /// Waits until there may be something to read.
    ///
    /// # Errors
    /// [`TracerError`] if waiting fails.
    pub async fn readable(&mut self) -> Result<(), TracerError> {
        let mut ready = self
            .records
            .readable_mut()
            .await
            .map_err(TracerError::setup)?;
        // Cleared before the buffer is read: anything that arrives from now on makes it ready
        // again.
        ready.clear_ready();
        Ok(())
    }

    /// Passes up to `limit` available events to `take`, without waiting. Returns the number of
    /// records read.
    pub fn drain(&mut self, limit: usize, mut take: impl FnMut(Event)) -> usize {
        let mut read = limit.min(self.early.len());
        self.early.drain(..read).for_each(&mut take);
        while read < limit
            && let Some(record) = self.records.get_mut().next()
        {
            read += 1;
            let owners = &mut self.owners;
            let mut named = |mut event| {
                owners.name(&mut event);
                take(event);
            };
            if let Err(error) = self.stream.read(&record, &mut named) {
                self.malformed += 1;
                log::warn!("the eBPF programs wrote {error}");
            }
        }
        self.logger.flush();
        read
    }

    /// Detaches, and passes the remaining events to `take`; in summary mode, this includes those
    /// that would have been reported when the message was read. Returns [`Self::missed`], which is
    /// not available afterwards.
    ///
    /// # Errors
    /// [`TracerError`] if the calls in progress cannot be read.
    pub fn finish(&mut self, mut take: impl FnMut(Event)) -> Result<u64, TracerError> {
        let missed = self.missed()?;
        self.programs = None;
        self.drain(usize::MAX, &mut take);
        waiting::events(&self.calls, &mut take)?;
        Ok(missed)
    }

    /// Number of records that did not reach us: those that had no room, on any CPU, and those that
    /// could not be decoded.
    ///
    /// # Errors
    /// [`TracerError`] if the counters cannot be read.
    pub fn dropped(&self) -> Result<u64, TracerError> {
        let counts = self.dropped.get(&0, 0).map_err(TracerError::setup)?;
        Ok(counts.iter().sum::<u64>() + self.malformed)
    }

    /// Number of calls of the watched functions, by any process, that our programs did not see; see
    /// `missed.rs`.
    ///
    /// # Errors
    /// [`TracerError`] if the counters cannot be read.
    pub fn missed(&self) -> Result<u64, TracerError> {
        missed::count(&self.shared).map_err(TracerError::setup)
    }
}

fn load(
    filter: &Filter,
    offsets: &Offsets,
    layout: &[(&'static str, u64)],
    buffer: u32,
) -> Result<Programs, TracerError> {
    let (tasks, pid) = filter.tasks_and_pid();
    let [comm_low, comm_high] = filter::words(filter.comm.as_deref());
    let [process_low, process_high] = filter::words(filter.process.as_deref());
    let (port, port_set) = (filter.port.unwrap_or(0), u32::from(filter.port.is_some()));
    // If only some tasks are watched, a message may not be seen until it is read, so reporting it
    // cannot be deferred until then.
    let is_of_all = filter.tasks == Tasks::Any && filter.comm.is_none() && filter.process.is_none();
    let summary = filter.summary && is_of_all;
    let (netns, summary) = (filter.netns.unwrap_or(0), u32::from(summary));
    let early = u32::from(filter.early);
    // Without a command, the map of its processes is made as small as possible.
    let family = match filter.tasks {
        Tasks::Command => FAMILY_SIZE,
        Tasks::Any | Tasks::Process(_) => 1,
    };
    // The eBPF side compares this with the level's number; 0 is off.
    let log_level = u8::try_from(log::max_level() as usize).unwrap_or(0);
    let mut loader = loader(offsets, layout);
    loader
        .override_global("FILTER_PROTOCOLS", &filter.protocols, true)
        .override_global("FILTER_TASKS", &tasks, true)
        .override_global("FILTER_PID", &pid, true)
        .override_global("FILTER_NETNS", &netns, true)
        .override_global("FILTER_PORT", &port, true)
        .override_global("FILTER_PORT_SET", &port_set, true)
        .override_global("FILTER_COMM_LOW", &comm_low, true)
        .override_global("FILTER_COMM_HIGH", &comm_high, true)
        .override_global("FILTER_PROCESS_LOW", &process_low, true)
        .override_global("FILTER_PROCESS_HIGH", &process_high, true)
        .override_global("SNAPLEN", &filter.snaplen, true)
        .override_global("SUMMARY", &summary, true)
        .override_global("EARLY", &early, true)
        .override_global(aya_log::LEVEL, &log_level, true)
        .map_max_entries("RECORDS", buffer)
        .map_max_entries("FAMILY", family);
    Programs::load(&mut loader)
}
