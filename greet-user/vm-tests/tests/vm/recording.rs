// SPDX-License-Identifier: MIT OR Apache-2.0
//! A recording contains the entire run, however the run ends.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread::sleep,
    time::Duration,
};

use greet_trace::recording::{Entry, Reader, RecordingError};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::{
    detach::Attached,
    support::{
        KILLS, TRACED_EVERY, command, greet_user, require_vm, sentence_of, stdout_of, until,
    },
};

/// Greets until it is killed.
const ENDLESS: [&str; 4] = ["greet-user", "--flood", "-c", "1000000000"];

/// A test's own directory; removed on drop.
pub struct Folder(pub PathBuf);

impl Folder {
    /// Creates it below `/tmp`.
    pub fn new(name: &str) -> Self {
        require_vm();
        let path = PathBuf::from("/tmp").join(name);
        fs::create_dir(&path).expect("is not there yet");
        Self(path)
    }

    /// A path in it.
    pub fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("is there");
    }
}

/// Ends with the test, whatever happens.
pub struct Beside(pub Child);

impl Beside {
    /// Starts `greet-user`.
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = command(arguments);
        Self(command.stdout(Stdio::null()).spawn().expect("starts"))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.0.kill().expect("it is ours");
        self.0.wait().expect("ends");
    }
}

/// The entries up to the first error.
fn read(path: &str) -> (Vec<Entry>, Option<RecordingError>) {
    let file = fs::File::open(path).expect("is there");
    let mut entries = Vec::new();
    for entry in Reader::open(file, path).expect("a recording") {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(error) => return (entries, Some(error)),
        }
    }
    (entries, None)
}

fn events(entries: &[Entry]) -> usize {
    let events = entries.iter();
    events
        .filter(|entry| matches!(entry, Entry::Event(_)))
        .count()
}

#[test]
fn a_replay_shows_what_was_shown_live_to_the_byte() {
    let folder = Folder::new("replayed");
    let file = folder.file("run.greet");
    let nonsense = "ip link; ip link add x type nonsense; greet-user -q; exit 0";
    for arguments in [
        &["--trace", "-c", "3", "-i", "0.01"][..],
        &["--trace", "-c", "2", "-i", "0.01", "--no-ack"],
        &["--trace", "--flood", "-c", "200"],
        &["-c", "3", "-i", "0.01"],
        &["watch", "--", "ip", "link"],
        &["watch", "--", "sh", "-c", nonsense],
        &[
            "watch",
            "-p",
            "31",
            "--stages",
            "queue",
            "--",
            "greet-user",
            "-q",
        ],
        &[
            "watch",
            "-p",
            "31",
            "--",
            "greet-user",
            "-q",
            "--flood",
            "-c",
            "5000",
        ],
        &[
            "watch",
            "-p",
            "31",
            "--summary",
            "--",
            "greet-user",
            "-q",
            "-c",
            "50",
            "-i",
            "0",
        ],
    ] {
        for format in ["json", "human"] {
            let mut live: Vec<&str> = arguments.to_vec();
            let at = usize::from(arguments[0] == "watch");
            live.splice(at..at, ["--record", &file, "--format", format]);
            // The command's output would be mixed with the human-readable output.
            if format == "human" && at == 1 {
                continue;
            }
            let live = stdout_of(&greet_user(&live), 0);
            assert!(live.lines().count() > 1, "{live}");
            let mut replay = vec!["replay", &file, "--format", format];
            if arguments
                .iter()
                .any(|word| ["--flood", "--summary"].contains(word))
                && (at == 0 || arguments.contains(&"--summary"))
            {
                replay.push("--summary");
            }
            let replayed = stdout_of(&greet_user(&replay), 0);
            assert!(
                live == replayed,
                "{arguments:?}\nlive: {live}\nreplayed: {replayed}"
            );
        }
    }
}

#[test]
fn a_run_that_is_killed_at_any_moment_leaves_every_whole_frame() {
    let folder = Folder::new("killed");
    let (mut filled, mut cut) = (0, 0);
    for round in 0..KILLS {
        let file = folder.file(&format!("{round}.greet"));
        let is_traced = round % TRACED_EVERY == 0;
        let _flood = is_traced.then(|| Beside::start(&ENDLESS[1..]));
        let arguments = if is_traced {
            &["watch", "-p", "31"][..]
        } else {
            &ENDLESS[1..]
        };
        let mut run = command(arguments)
            .args(["--record", &file])
            .stdout(Stdio::null())
            .spawn()
            .expect("starts");
        let len = || fs::metadata(&file).map_or(0, |file| file.len());
        until("it has begun", || len() > 0);
        sleep(Duration::from_micros(fastrand::u64(0..40_000)));
        run.kill().expect("it runs");
        run.wait().expect("ends");

        let (entries, error) = read(&file);
        let Some(RecordingError::Truncated { offset, .. }) = error else {
            panic!("{error:?} after {} entries", entries.len());
        };
        assert!(matches!(entries.first(), Some(Entry::Opening(_))));
        assert!(offset <= len());
        filled += usize::from(entries.len() > 1);
        cut += usize::from(offset < len());
        let replay = greet_user(&["replay", &file, "--summary"]);
        let sentence = sentence_of(&replay, 2);
        let words = format!("at offset {offset}:");
        assert!(sentence.contains(&words), "{sentence}");
        if is_traced {
            let count = events(&entries);
            let events = if count == 1 { "event" } else { "events" };
            let seen = format!("{count} {events} seen");
            assert!(stdout_of(&replay, 2).contains(&seen), "{seen}");
        }
        fs::remove_file(&file).expect("is there");
    }
    println!("{KILLS} killed, {filled} with more than a begin, {cut} within a frame");
    assert!(
        filled > KILLS / 5,
        "{filled} of {KILLS} had more than a begin"
    );
}

#[test]
fn a_full_disk_ends_the_run_and_its_command() {
    let folder = Folder::new("full");
    let before = Attached::now();
    mount(
        "none",
        &folder.0,
        "tmpfs",
        MountFlags::empty(),
        Some(c"size=64k"),
    )
    .expect("mounts");
    let file = folder.file("run.greet");
    let mut watch = command(&["watch", "-p", "31", "--record", &file, "--"]);
    let output = watch.args(ENDLESS).output().expect("starts");
    let sentence = sentence_of(&output, 2);
    assert!(sentence.contains(&file), "{sentence}");
    assert!(sentence.contains("No space left on device"), "{sentence}");
    until("everything is detached", || Attached::now() == before);
    let (entries, error) = read(&file);
    assert!(
        matches!(error, Some(RecordingError::Truncated { .. })),
        "{error:?}"
    );
    assert!(events(&entries) > 100);
    unmount(&folder.0, UnmountFlags::empty()).expect("is mounted");
}

#[test]
fn a_file_that_cannot_be_written_is_named_before_anything_begins() {
    let folder = Folder::new("unwritable");
    let inside = folder.file("nowhere/run.greet");
    let directory = folder.0.display().to_string();
    let read_only = Folder::new("read-only");
    mount("none", &read_only.0, "tmpfs", MountFlags::RDONLY, None).expect("mounts");
    for (path, words) in [
        (&*inside, "No such file or directory"),
        (&*directory, "Is a directory"),
        (&*read_only.file("run.greet"), "Read-only file system"),
    ] {
        for arguments in [
            &["watch", "--record", path, "--", "touch"][..],
            &["--record", path],
        ] {
            let mut arguments = arguments.to_vec();
            let begun = folder.file("begun");
            if arguments[0] == "watch" {
                arguments.push(&begun);
            }
            let sentence = sentence_of(&greet_user(&arguments), 2);
            assert!(
                sentence.contains(path) && sentence.contains(words),
                "{sentence}"
            );
            assert!(!Path::new(&begun).exists(), "the command was started");
        }
    }
    unmount(&read_only.0, UnmountFlags::empty()).expect("is mounted");
}

#[test]
fn a_run_that_cannot_begin_costs_no_older_recording() {
    let folder = Folder::new("older");
    let file = folder.file("run.greet");
    stdout_of(&greet_user(&["--record", &file, "-c", "2", "-i", "0"]), 0);
    let older = fs::read(&file).expect("is there");
    let impossible = [
        "--trace",
        "--callback",
        "no_such_function",
        "--record",
        &file,
    ];
    sentence_of(&greet_user(&impossible), 2);
    assert!(fs::read(&file).expect("is there") == older);
    stdout_of(&greet_user(&["--record", &file]), 0);
    assert!(fs::read(&file).expect("is there").len() < older.len());
    assert!(read(&file).1.is_none(), "nothing of the older one is left");
}

#[test]
fn where_nobody_reads_on_the_recording_has_its_end() {
    let folder = Folder::new("unread");
    let file = folder.file("run.greet");
    let mut watch = command(&[
        "watch", "-p", "31", "--format", "json", "--record", &file, "--",
    ]);
    let mut watch = watch
        .args(ENDLESS)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(watch.stdout.take().expect("is piped"));
    let mut line = String::new();
    while !line.contains("\"exchange\"") {
        line.clear();
        assert_ne!(lines.read_line(&mut line).expect("reads"), 0);
    }
    drop(lines);
    assert_eq!(watch.wait().expect("ends by itself").code(), Some(1));
    let (entries, error) = read(&file);
    assert!(error.is_none(), "{error:?}");
    assert!(matches!(entries.last(), Some(Entry::Closing(_))));
}

#[test]
fn a_recording_goes_through_a_pipe_while_it_is_made() {
    let folder = Folder::new("piped");
    let file = folder.file("run.greet");
    let script = format!(
        "greet-user watch -p 31 --record - -- greet-user -q -c 20 -i 0.01 | tee {file} | \
         greet-user replay - --format json"
    );
    let piped = std::process::Command::new("sh")
        .args(["-c", &script])
        .output();
    let piped = stdout_of(&piped.expect("starts"), 0);
    let replayed = stdout_of(&greet_user(&["replay", &file, "--format", "json"]), 0);
    assert_eq!(piped, replayed);
    assert_eq!(piped.matches("\"kind\":\"exchange\"").count(), 20);
}
