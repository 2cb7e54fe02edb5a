// SPDX-License-Identifier: MIT OR Apache-2.0
//! The guest's end of the channel: a virtio-serial port found by its name.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use xtask::frame::{Frame, PORT_NAME};

const PORTS: &str = "/sys/class/virtio-ports";
/// The port appears a moment after its driver: longer than this is a broken kernel.
const PORT_DEADLINE: Duration = Duration::from_secs(10);

/// The channel to the host. Frames may be sent from several threads.
pub struct Channel {
    reader: Mutex<File>,
    writer: Mutex<File>,
}

impl Channel {
    /// Waits for the port and opens it.
    ///
    /// # Errors
    /// Where no port of that name appears within ten seconds, or it cannot be opened.
    pub fn open() -> Result<Self> {
        let path = wait_for_port()?;
        let port = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .with_context(|| format!("opening {}", path.display()))?;
        Ok(Self {
            reader: Mutex::new(port.try_clone()?),
            writer: Mutex::new(port),
        })
    }

    /// Sends one frame whole.
    ///
    /// # Errors
    /// What the port reports.
    pub fn send(&self, frame: &Frame) -> io::Result<()> {
        frame.write_to(&mut *self.writer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for one frame; `None` once the host has hung up.
    ///
    /// # Errors
    /// What the port reports, or that the channel is out of step.
    pub fn receive(&self) -> io::Result<Option<Frame>> {
        Frame::read_from(&mut *self.reader.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn wait_for_port() -> Result<PathBuf> {
    let deadline = Instant::now() + PORT_DEADLINE;
    loop {
        if let Some(path) = find_port() {
            return Ok(path);
        }
        if Instant::now() > deadline {
            bail!("no virtio port named {PORT_NAME} in {PORTS}");
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn find_port() -> Option<PathBuf> {
    let named = |entry: &fs::DirEntry| {
        fs::read_to_string(entry.path().join("name")).is_ok_and(|name| name.trim() == PORT_NAME)
    };
    let entry = fs::read_dir(PORTS)
        .ok()?
        .filter_map(Result::ok)
        .find(named)?;
    let device = PathBuf::from("/dev").join(entry.file_name());
    device.exists().then_some(device)
}
