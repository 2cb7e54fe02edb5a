// SPDX-License-Identifier: MIT OR Apache-2.0
//! The greeting module: is it there, does it answer, and is its callback found?

use std::{fs, io, time::Duration};

use greet_common::wire::NETLINK_TEST_PROTOCOL;

use super::{report::Check, sysctl};
use crate::{
    client::{self, Answer, ClientError},
    sockets::{KernelSocket, SocketsError},
    tracer::has_function,
};

const MODULE: &str = "NetlinkGreetingsLKM";
const CALLBACK: &str = "netlink_recv_msg_fn";
/// How long to wait for the answer to a greeting.
const PATIENCE: Duration = Duration::from_secs(2);
const LOAD: &str = "try `sudo insmod kmod/NetlinkGreetingsLKM.ko`, or `cargo xtask demo` for a \
                    virtual machine that has it";

/// `module`.
#[must_use]
pub fn check_module() -> Check {
    module(fs::read_to_string("/proc/modules"))
}

fn module(modules: io::Result<String>) -> Check {
    const NAME: &str = "module";
    let means = "nobody answers greetings; other netlink traffic can be watched";
    match modules {
        Ok(list)
            if list
                .lines()
                .any(|line| line.starts_with(&format!("{MODULE} "))) =>
        {
            Check::ok(NAME, format!("{MODULE} is loaded"), "it answers greetings")
        }
        Ok(_) => Check::warning(NAME, format!("{MODULE} is not loaded"), means).advise(LOAD),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Check::warning(NAME, "this kernel loads no modules", means)
                .advise("`cargo xtask demo` runs a kernel that does in a virtual machine")
        }
        Err(error) => {
            let found = format!("/proc/modules cannot be read ({error})");
            Check::not_checked(NAME, found, "it answers greetings")
        }
    }
}

/// `greeting`: greets once, from this network namespace.
pub async fn check_greeting() -> Check {
    greeting(greet().await)
}

async fn greet() -> Result<(u64, Answer), ClientError> {
    let mut socket = client::open()?;
    let sent = client::greet(&mut socket, "Are you well?", true).await?;
    let answer = client::receive_answer(&socket, &sent, PATIENCE).await?;
    Ok((sent.time_ns, answer))
}

fn greeting(answered: Result<(u64, Answer), ClientError>) -> Check {
    const NAME: &str = "greeting";
    match answered {
        Ok((sent_ns, answer)) => {
            let micros = answer.time_ns.saturating_sub(sent_ns) / 1000;
            let found = format!("answered after {micros} µs");
            Check::ok(NAME, found, "protocol 31 works in this network namespace")
        }
        Err(ClientError::NoProtocol { protocol }) => {
            let found = format!("no socket of protocol {protocol} can be opened (EPROTONOSUPPORT)");
            Check::warning(NAME, found, "the module is not loaded").advise(LOAD)
        }
        Err(ClientError::NobodyListens { protocol }) => {
            let found = format!("nobody listens on protocol {protocol} (ECONNREFUSED)");
            let means = "the module's socket is in another network namespace";
            Check::warning(NAME, found, means)
                .advise("try `sudo nsenter --net --target 1 greet-user`")
        }
        Err(error) => Check::warning(NAME, error.to_string(), "greetings are not answered"),
    }
}

/// `callback symbol`: kprobes are attached by name.
#[must_use]
pub fn check_symbol() -> Check {
    const NAME: &str = "callback symbol";
    let restricted = sysctl("kernel/kptr_restrict").unwrap_or_else(|_| "?".to_owned());
    match has_function(CALLBACK) {
        Ok(true) => {
            let found = format!("{CALLBACK} (kernel.kptr_restrict = {restricted})");
            Check::ok(NAME, found, "a kprobe finds it by its name")
        }
        Ok(false) => {
            let found = format!("/proc/kallsyms has no {CALLBACK}");
            let means = "the greeting module is not loaded";
            Check::warning(NAME, found, means).advise(LOAD)
        }
        Err(error) => {
            let advice = "a kernel with CONFIG_KALLSYMS=y has it";
            Check::warning(NAME, error.to_string(), "no kprobe finds its function").advise(advice)
        }
    }
}

/// `callback`: what the kernel's own table of sockets names for the protocol.
#[must_use]
pub fn check_callback(sockets: &Result<Vec<KernelSocket>, SocketsError>) -> Check {
    const NAME: &str = "callback";
    let sockets = match sockets {
        Ok(sockets) => sockets,
        Err(SocketsError::Privileges { missing }) => {
            let means = "the receive callbacks are in the kernel's table of sockets";
            return Check::not_checked(NAME, format!("needs {missing}"), means)
                .advise("try `sudo greet-user doctor`");
        }
        Err(error) => {
            let means = "receive callbacks must be named with `--callback`";
            return Check::warning(NAME, error.to_string(), means);
        }
    };
    let of_greetings = sockets
        .iter()
        .filter(|socket| socket.protocol == NETLINK_TEST_PROTOCOL);
    let named = of_greetings
        .clone()
        .find_map(|socket| socket.callback.as_ref());
    match named {
        Some(callback) => {
            let module = callback.module.as_deref().unwrap_or("the kernel itself");
            let found = format!(
                "{} in {module}, {} namespaces",
                callback.symbol,
                of_greetings.count()
            );
            Check::ok(
                NAME,
                found,
                "the stages handle and handled know where to look",
            )
        }
        None => {
            let found = format!(
                "none for protocol {NETLINK_TEST_PROTOCOL} among {} sockets of the kernel",
                sockets.len()
            );
            Check::warning(NAME, found, "the greeting module is not loaded").advise(LOAD)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::Verdict;

    #[test]
    fn the_module_is_found_by_its_whole_name() {
        let line = "NetlinkGreetingsLKM 16384 0 - Live 0x0000000000000000 (OE)\n";
        assert_eq!(module(Ok(line.to_owned())).verdict, Verdict::Ok);
        for list in [
            "",
            "NetlinkGreetingsLKM2 16384 0 - Live 0x0 (OE)\n",
            "nlmon 16384 0 -\n",
        ] {
            assert_eq!(
                module(Ok(list.to_owned())).verdict,
                Verdict::Warning,
                "{list}"
            );
        }
        let none = module(Err(io::ErrorKind::NotFound.into()));
        assert_eq!(
            (none.verdict, &*none.found),
            (Verdict::Warning, "this kernel loads no modules")
        );
    }

    #[test]
    fn what_keeps_a_greeting_from_its_answer_is_named() {
        let protocol = NETLINK_TEST_PROTOCOL;
        let absent = greeting(Err(ClientError::NoProtocol { protocol }));
        assert!(absent.found.contains("EPROTONOSUPPORT") && absent.advice.contains("insmod"));
        let elsewhere = greeting(Err(ClientError::NobodyListens { protocol }));
        assert!(elsewhere.found.contains("ECONNREFUSED") && elsewhere.advice.contains("nsenter"));
        let overflow = greeting(Err(ClientError::QueueOverflow));
        assert_eq!(overflow.verdict, Verdict::Warning);
    }
}
