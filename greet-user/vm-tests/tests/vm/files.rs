// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that root writes into the directory of a malicious user.

use std::{
    env, fs,
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command},
};

use greet_user::target::{Finish as _, Replacement, Target, make_folder, write_public};

use crate::support::{command, greet_user, sentence_of};

const NOBODY: u32 = 65_534;
/// Per writer.
const ATTEMPTS: usize = 1_000;
/// The directory to attack, for the process that is the attacker.
const ATTACK: &str = "GREET_ATTACK";
const SECRET: &str = "root's own";
const NAMES: [&str; 2] = ["file", "inner/file"];

/// Files that belong to root, next to a directory of another user.
struct Scene {
    all: PathBuf,
    theirs: PathBuf,
}

impl Scene {
    fn new(name: &str) -> Self {
        let all = PathBuf::from("/tmp").join(format!("files-{name}"));
        let theirs = all.join("theirs");
        fs::create_dir_all(theirs.join("inner")).expect("folders");
        fs::create_dir(all.join("roots")).expect("a folder");
        let scene = Self { all, theirs };
        fs::write(scene.secret(), SECRET).expect("writes");
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(scene.secret(), mode).expect("root may");
        for folder in [scene.theirs.clone(), scene.theirs.join("inner")] {
            chown(folder, Some(NOBODY), Some(NOBODY)).expect("root may");
        }
        scene
    }

    fn secret(&self) -> PathBuf {
        self.all.join("roots/secret")
    }

    /// Checks that nothing outside the attacker's directory has changed.
    fn assert_untouched(&self) {
        let secret = self.secret();
        assert_eq!(fs::read_to_string(&secret).expect("it is there"), SECRET);
        let is = fs::metadata(&secret).expect("it is there");
        assert_eq!((is.mode() & 0o7777, is.uid()), (0o600, 0));
        let entries = fs::read_dir(self.all.join("roots")).expect("a folder");
        assert_eq!(entries.count(), 1, "one more file of root's");
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.all).unwrap_or_default();
    }
}

/// Another user, attacking the directory until dropped.
struct Attacker(Child);

impl Attacker {
    fn begin(scene: &Scene) -> Self {
        let mut command = Command::new(env::current_exe().expect("Linux knows"));
        command.args(["--exact", "files::an_attacker"]);
        command.env(ATTACK, &scene.all).uid(NOBODY).gid(NOBODY);
        Self(
            command
                .stdout(std::process::Stdio::null())
                .spawn()
                .expect("starts"),
        )
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        self.0.kill().expect("it goes on until then");
        self.0.wait().expect("it ends");
    }
}

/// Does nothing, except in the attacker's process.
#[test]
fn an_attacker() {
    let Some(all) = env::var_os(ATTACK).map(PathBuf::from) else {
        return;
    };
    let theirs = all.join("theirs");
    let (secret, roots) = (all.join("roots/secret"), all.join("roots"));
    loop {
        for name in NAMES {
            swap(&theirs.join(name), |new| symlink(&secret, new));
            swap(&theirs.join(name), |new| fs::write(new, "theirs"));
        }
        // Partially written files too.
        for entry in fs::read_dir(&theirs).into_iter().flatten().flatten() {
            if entry.file_name().as_encoded_bytes().ends_with(b".part") {
                swap(&entry.path(), |new| symlink(&secret, new));
            }
        }
        let (inner, aside) = (theirs.join("inner"), theirs.join("aside"));
        if fs::rename(&inner, &aside).is_ok() {
            symlink(&roots, &inner).unwrap_or_default();
            fs::remove_file(&inner).unwrap_or_default();
            fs::rename(&aside, &inner).unwrap_or_default();
        }
    }
}

/// Atomically replaces `place`. Concurrent changes by root may get in the way.
fn swap(place: &Path, make: impl FnOnce(&Path) -> io::Result<()>) {
    let new = place.with_extension("new");
    fs::remove_file(&new).unwrap_or_default();
    if make(&new).is_ok() {
        fs::rename(&new, place).unwrap_or_default();
    }
}

/// Writes repeatedly while under attack; some attempts must succeed, and some must be refused.
fn under_attack(name: &str, write: impl Fn(&Path) -> io::Result<()>) {
    let scene = Scene::new(name);
    let attacker = Attacker::begin(&scene);
    let (mut written, mut refused) = (0, 0);
    for attempt in 0..ATTEMPTS {
        let path = scene.theirs.join(NAMES[attempt % NAMES.len()]);
        match write(&path) {
            Ok(()) => written += 1,
            Err(_) => refused += 1,
        }
    }
    drop(attacker);
    println!("{name}: {written} written, {refused} refused");
    assert!(written > 0 && refused > 0, "{written} {refused}");
    scene.assert_untouched();
}

#[test]
fn a_recording_goes_nowhere_else() {
    under_attack("recording", |path| {
        let mut target = Target::open(path, "")?;
        target.write_all(b"frames")
    });
}

#[test]
fn a_report_goes_nowhere_else() {
    under_attack("report", |path| {
        let mut report = Replacement::open(path, "")?;
        report.write_all(b"<!DOCTYPE html>")?;
        report.finish()
    });
}

#[test]
fn a_manual_goes_nowhere_else() {
    under_attack("manual", |path| {
        make_folder(path.parent().expect("a folder"))?;
        write_public(path, b".TH")
    });
}

#[test]
fn what_root_writes_is_for_root_or_the_sudoer() {
    let scene = Scene::new("modes");
    let path = scene.theirs.join("report.html");
    fs::write(&path, "older").expect("writes");
    // As their old file was: anyone who ran it would have been root.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o4755)).expect("root may");
    let shown = |path: &Path| {
        let is = fs::metadata(path).expect("it is there");
        (is.mode() & 0o7777, is.uid(), is.gid())
    };
    for (argument, name) in [
        ("--report", "report.html"),
        ("--record", "run.greet"),
        ("--pcapng", "run.pcapng"),
    ] {
        let path = scene.theirs.join(name);
        let run = |user: Option<&str>| {
            let mut command = command(&["--trace", argument, path.to_str().expect("UTF-8")]);
            command.env_remove("SUDO_UID").env_remove("SUDO_GID");
            if let Some(user) = user {
                command.env("SUDO_UID", user).env("SUDO_GID", user);
            }
            let output = command.output().expect("starts");
            assert!(output.status.success(), "{output:?}");
        };
        run(None);
        assert_eq!(shown(&path), (0o600, 0, 0), "{name}");
        fs::remove_file(&path).expect("root may");
        run(Some("65534"));
        assert_eq!(shown(&path), (0o600, NOBODY, NOBODY), "{name}");
    }
    let link = scene.theirs.join("link");
    symlink(scene.secret(), &link).expect("links");
    rustix::fs::chownat(
        rustix::fs::CWD,
        &link,
        Some(rustix::fs::Uid::from_raw(NOBODY)),
        None,
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
    )
    .expect("root may");
    for argument in ["--report", "--record", "--pcapng"] {
        let output = greet_user(&["--trace", argument, link.to_str().expect("UTF-8")]);
        let said = sentence_of(&output, 2);
        assert!(said.contains("symbolic link of user 65534"), "{said}");
        assert!(output.stdout.is_empty(), "before anything begins");
    }
    scene.assert_untouched();
}
