// SPDX-License-Identifier: MIT OR Apache-2.0
//! What tracing can do on this machine, and how to fix what it cannot.
//!
//! Each check asks the running kernel: it attaches and detaches hooks, sends a greeting, fills a
//! queue. [`report`] holds the results; [`human`] and [`json`] show them.

mod config;
mod hooks;
pub mod human;
pub mod json;
mod kernel;
mod limits;
mod module;
pub mod report;
mod rights;

use std::{
    fs,
    io::{self, IsTerminal as _, Write as _},
};

use greet_trace::{
    kernel::{btf::Btf, chain},
    sockets::{self, KernelSocket, SocketsError},
    tracer::{self, Callback},
};
use rustix::termios::tcgetwinsize;

use config::Config;
use report::{Check, Report, Verdict};

/// The advice if an earlier check has already named the cause: one cause, one warning.
const ABOVE: &str = "see above";

/// Checks everything.
pub async fn examine() -> Report {
    let release = kernel::release();
    let mut checks = vec![
        kernel::check_release(&release),
        kernel::check_config(Config::running(&release).as_ref()),
        kernel::check_file_systems(),
    ];
    let (read, types) = kernel::check_types();
    checks.extend(read);
    checks.extend(rights::checks());
    checks.extend([
        limits::check_jit(),
        kernel::check_preemption(),
        kernel::check_ftrace(),
        kernel::check_kprobes(),
    ]);
    let sockets = sockets::kernel_callbacks();
    let may_trace = !checks.iter().any(|check| check.verdict == Verdict::Failure);
    match types {
        Some(types) if may_trace => {
            let causes = ["perf events", "kprobes"];
            let warned = checks.iter().any(|check| {
                check.verdict == Verdict::Warning && causes.contains(&check.name.as_str())
            });
            checks.extend(tried(&types, &sockets, warned));
        }
        _ => checks.extend(untried()),
    }
    checks.push(limits::check_locked_memory(
        &release,
        tracer::buffer_size().into(),
    ));
    checks.extend([limits::check_receive_buffer(), limits::check_send_buffer()]);
    checks.extend(module::checks(&sockets).await);
    let warned = |name: &str| {
        let mut named = checks.iter().filter(|check| check.name == name);
        named.any(|check| check.verdict == Verdict::Warning)
    };
    // Walking the socket table needs the JIT.
    if warned("JIT") && warned("callback") {
        let refused = checks.iter_mut().filter(|check| check.name == "callback");
        refused.for_each(|check| {
            check.verdict = Verdict::NotChecked;
            ABOVE.clone_into(&mut check.advice);
        });
    }
    Report { checks }
}

/// Checks the hooks and what they require.
fn tried(
    types: &Btf,
    sockets: &Result<Vec<KernelSocket>, SocketsError>,
    warned: bool,
) -> Vec<Check> {
    const NAME: &str = "ring buffer";
    let size = tracer::buffer_size();
    match tracer::try_each(
        types,
        callbacks(sockets.as_deref().unwrap_or_default()),
        size,
    ) {
        Ok((kinds, handler)) => {
            let descriptors = kinds.iter().map(|kind| kind.descriptors).max();
            let mut checks = hooks::checks(&kinds, &handler, warned);
            let found = format!("{} MiB available", size >> 20);
            checks.push(Check::ok(
                NAME,
                found,
                "as much as `greet-user watch` takes",
            ));
            checks.push(limits::check_open_files(descriptors.unwrap_or(0)));
            checks
        }
        Err(error) => {
            let means = "the programs and maps cannot be loaded";
            vec![Check::failure("hooks", chain(&error), means)]
        }
    }
}

/// The callbacks of modules, as `--trace` uses them; otherwise that of NETLINK_ROUTE, which always
/// exists.
fn callbacks(sockets: &[KernelSocket]) -> Vec<Callback> {
    let named = sockets.iter().filter_map(|socket| {
        let callback = socket
            .callback
            .as_ref()
            .filter(|callback| callback.is_named())?;
        Some((socket.protocol, callback))
    });
    let of = |wanted: fn(u32, &sockets::Callback) -> bool| {
        let mut found: Vec<_> = named
            .clone()
            .filter(|(protocol, callback)| wanted(*protocol, callback))
            .map(|(protocol, callback)| Callback {
                symbol: callback.symbol.clone(),
                protocols: 1 << (protocol & 31),
            })
            .collect();
        found.sort_by(|one, other| one.symbol.cmp(&other.symbol));
        found.dedup_by(|one, other| one.symbol == other.symbol);
        found
    };
    let modules = of(|_, callback| callback.module.is_some());
    if modules.is_empty() {
        of(|protocol, _| protocol == 0)
    } else {
        modules
    }
}

fn untried() -> [Check; 3] {
    ["hooks", "ring buffer", "open files"]
        .map(|name| Check::not_checked(name, "tracing cannot work here", "").advise(ABOVE))
}

/// Shows the report on standard output, for people or as JSON lines. Returns the exit status.
///
/// # Errors
/// If it cannot be written.
pub fn show(report: &Report, as_json: bool) -> io::Result<u8> {
    let mut text = Vec::new();
    if as_json {
        json::write(&mut text, report)?;
    } else {
        human::write(&mut text, report, width())?;
    }
    let mut out = anstream::stdout().lock();
    out.write_all(&text)?;
    out.flush()?;
    Ok(report.status())
}

/// The terminal's width in columns; `None` if standard output is not a terminal.
fn width() -> Option<usize> {
    let out = io::stdout();
    let size = out.is_terminal().then(|| tcgetwinsize(&out).ok())??;
    (size.ws_col > 0).then_some(size.ws_col.into())
}

/// Reads a file below `/proc/sys`.
fn sysctl(path: &str) -> io::Result<String> {
    let value = fs::read_to_string(format!("/proc/sys/{path}"))?;
    Ok(value.trim_end().to_owned())
}

#[cfg(test)]
mod tests;
