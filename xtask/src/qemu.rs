// SPDX-License-Identifier: MIT OR Apache-2.0
//! QEMU's arguments, built by small pure functions.
//!
//! The channel is QEMU's file descriptor 0, one end of a socket pair: it has no name in the file
//! system, and no other process can connect to it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use xtask::frame::PORT_NAME;

use crate::debian::Root;
use crate::exec;
use crate::paths::Paths;

/// The emulator.
pub const PROGRAM: &str = "qemu-system-x86_64";
/// The packages that provide it, if the host has none.
pub const PACKAGES: &[&str] = &["qemu-system-x86"];

/// The configuration of a machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The kernel's image.
    pub kernel: PathBuf,
    /// The archive that the kernel unpacks as its root.
    pub initramfs: PathBuf,
    /// The file that receives the console's output.
    pub console: PathBuf,
    /// Number of processors.
    pub smp: u32,
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// How the guest's instructions are executed.
    pub accelerator: Accelerator,
    /// Additional words for the kernel command line.
    pub append: String,
}

/// How the guest's instructions are executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accelerator {
    /// Hardware virtualization.
    Kvm,
    /// Software emulation.
    Tcg,
    /// Single-threaded software emulation with a clock that counts executed instructions: one
    /// instruction takes 1 ns, and results are reproducible.
    Icount,
}

impl Accelerator {
    /// The fastest that can be expected to work on this host.
    ///
    /// `/dev/kvm` by itself proves nothing: nested virtual machines may have it and hang.
    pub fn best() -> Self {
        let usable = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/kvm")
            .is_ok();
        let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        if usable && has_virtualization(&processor) {
            Self::Kvm
        } else {
            Self::Tcg
        }
    }

    fn arguments(self) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Kvm => &["-accel", "kvm", "-cpu", "host"],
            Self::Tcg => &["-accel", "tcg,thread=multi", "-cpu", EMULATED],
            Self::Icount => &[
                "-accel",
                "tcg,thread=single",
                "-icount",
                "shift=0,sleep=off,align=off",
                "-cpu",
                "max",
            ],
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }
}

/// Everything that QEMU can emulate, except what is fast in silicon but slow under emulation:
/// string instructions, which the kernel uses to clear and copy pages if the CPU advertises fast
/// ones, are emulated one element at a time, and five-level paging adds a level to every page walk.
///
/// With instruction counting the CPU model stays unchanged, because counts are compared with
/// earlier ones.
const EMULATED: &str = "max,erms=off,fsrm=off,la57=off";

fn has_virtualization(cpuinfo: &str) -> bool {
    cpuinfo
        .lines()
        .filter(|line| line.starts_with("flags"))
        .any(|line| {
            line.split_whitespace()
                .any(|flag| flag == "vmx" || flag == "svm")
        })
}

/// Whether QEMU is installed on the host.
pub fn on_machine() -> bool {
    exec::in_path(PROGRAM)
}

/// The command that runs the machine.
///
/// # Errors
/// Fails if there is no QEMU.
pub fn command(root: &Root, machine: &Machine) -> Result<Command> {
    // The kernel kills QEMU when we die, even by SIGKILL.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]);
    if on_machine() {
        command.arg(PROGRAM);
    } else {
        let program = format!("/usr/bin/{PROGRAM}");
        ensure!(
            root.join(&program).is_file(),
            "there is no {PROGRAM}, neither in PATH nor in {}: remove that folder, then run \
             `cargo xtask setup`",
            Paths::short(root.path())
        );
        let qemu = root.borrow(&program)?;
        command.arg(qemu.get_program()).args(qemu.get_args());
        command.env(
            "QEMU_MODULE_DIR",
            root.join("/usr/lib/x86_64-linux-gnu/qemu"),
        );
        for folder in ["/usr/share/qemu", "/usr/share/seabios"] {
            command.arg("-L").arg(root.join(folder));
        }
    }
    command.args(arguments(machine));
    Ok(command)
}

/// All arguments of a machine.
pub fn arguments(machine: &Machine) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    arguments.extend(
        machine
            .accelerator
            .arguments()
            .into_iter()
            .map(OsString::from),
    );
    arguments.extend(size_arguments(machine).into_iter().map(OsString::from));
    arguments.extend(BARE.iter().map(OsString::from));
    arguments.extend(channel_arguments().into_iter().map(OsString::from));
    arguments.extend(["-serial".into(), file_chardev(&machine.console)]);
    arguments.extend(["-kernel".into(), machine.kernel.clone().into()]);
    arguments.extend(["-initrd".into(), machine.initramfs.clone().into()]);
    arguments.extend(["-append".into(), command_line(machine).into()]);
    arguments
}

/// No display, network or monitor; QEMU exits when the guest reboots.
const BARE: &[&str] = &[
    "-nodefaults",
    "-display",
    "none",
    "-vga",
    "none",
    "-nic",
    "none",
    "-monitor",
    "none",
    "-no-reboot",
];

fn size_arguments(machine: &Machine) -> [String; 4] {
    // Instruction counting works on one processor only.
    let smp = if machine.accelerator == Accelerator::Icount {
        1
    } else {
        machine.smp
    };
    [
        "-m".into(),
        machine.memory_mib.to_string(),
        "-smp".into(),
        smp.to_string(),
    ]
}

fn channel_arguments() -> [String; 6] {
    [
        "-chardev".into(),
        "socket,id=channel,fd=0".into(),
        "-device".into(),
        "virtio-serial-pci".into(),
        "-device".into(),
        format!("virtserialport,chardev=channel,name={PORT_NAME}"),
    ]
}

fn file_chardev(path: &Path) -> OsString {
    let mut argument = OsString::from("file:");
    argument.push(path);
    argument
}

/// Warnings reach the console log, and a panic ends the machine at once. The timer check is
/// skipped: on a busy host an emulated timer interrupt comes late, and the kernel panics ("IO-APIC
/// + timer doesn't work!").
fn command_line(machine: &Machine) -> String {
    let fixed = "console=ttyS0 loglevel=5 panic=-1 mitigations=off no_timer_check rdinit=/init";
    format!("{fixed} {}", machine.append).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(accelerator: Accelerator) -> Machine {
        Machine {
            kernel: "/k/vmlinuz".into(),
            initramfs: "/k/initramfs".into(),
            console: "/k/console.log".into(),
            smp: 2,
            memory_mib: 1024,
            accelerator,
            append: String::new(),
        }
    }

    fn line(machine: &Machine) -> String {
        let words = arguments(machine);
        words
            .iter()
            .map(|word| word.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn an_emulated_machine() {
        let line = line(&machine(Accelerator::Tcg));
        assert!(
            line.starts_with(
                "-accel tcg,thread=multi -cpu max,erms=off,fsrm=off,la57=off -m 1024 -smp 2 "
            ),
            "{line}"
        );
        assert!(line.contains("-serial file:/k/console.log"), "{line}");
        assert!(
            line.ends_with("mitigations=off no_timer_check rdinit=/init"),
            "{line}"
        );
    }

    #[test]
    fn counting_instructions_takes_one_processor() {
        let line = line(&machine(Accelerator::Icount));
        assert!(
            line.contains("-icount shift=0,sleep=off,align=off"),
            "{line}"
        );
        assert!(line.contains("-smp 1 "), "{line}");
    }

    #[test]
    fn kvm_needs_a_processor_that_has_it() {
        assert!(has_virtualization(
            "model name : x\nflags\t\t: fpu vmx sse\n"
        ));
        assert!(!has_virtualization(
            "flags\t\t: fpu sse hypervisor\nvmx flags : ept\n"
        ));
    }

    #[test]
    fn further_words_come_last() {
        let machine = Machine {
            append: "slub_debug=FZP".into(),
            ..machine(Accelerator::Tcg)
        };
        assert!(command_line(&machine).ends_with("rdinit=/init slub_debug=FZP"));
    }
}
