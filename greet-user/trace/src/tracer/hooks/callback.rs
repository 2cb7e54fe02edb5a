// SPDX-License-Identifier: MIT OR Apache-2.0
//! The receive callbacks: they may be in modules, which fentry does not reach.

use aya::programs::KProbe;

use crate::{
    kernel::{TracerError, programs::Programs, switches::check_kprobes},
    tracer::Attached,
};

/// Attaches to the receive callbacks, which may be in modules, which fentry does not reach.
pub(super) fn attach(programs: &mut Programs, attached: &mut Attached) -> Result<(), TracerError> {
    let missing = |error: &TracerError| format!("not seen: handle, handled ({error})");
    if attached.callbacks.is_empty() {
        let why = "no module has a receive callback here; `--stages handle` selects the kernel's \
                   own callbacks, `--callback SYMBOL` any function";
        attached
            .missing
            .push(format!("not seen: handle, handled ({why})"));
        return Ok(());
    }
    if let Err(error) = check_kprobes() {
        attached.missing.push(missing(&error));
        return Ok(());
    }
    for (name, way) in [("handled", "kretprobe"), ("handle", "kprobe")] {
        let probe: &mut KProbe = programs.program(name).map_err(TracerError::setup)?;
        if let Err(error) = probe.load() {
            let error = TracerError::attach(attached.symbols().join(", "), error);
            attached.missing.push(missing(&error));
            return Ok(());
        }
        for callback in attached.symbols() {
            match probe.attach(&callback, 0) {
                Ok(_) => attached.hooks.push(format!("{way}:{callback}")),
                Err(error) => {
                    let error = TracerError::attach(callback, error);
                    attached.missing.push(missing(&error));
                }
            }
        }
    }
    Ok(())
}
