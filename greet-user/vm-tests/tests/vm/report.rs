// SPDX-License-Identifier: MIT OR Apache-2.0
//! A report replaces an older one when it is finished, and not before. Its contents are checked by
//! a browser, on the host.

use std::{fs, process::Stdio};

use greet_user::client;
use rustix::{
    mount::{MountFlags, UnmountFlags, mount, unmount},
    process::Signal,
};

use crate::{
    detach::Attached,
    recording::Folder,
    support::{command, greet_user, in_vm, of_kind, open, sentence_of, stdout_of, until},
    watching::{Watching, signal},
};

const OLDER: &str = "an older report";

/// The number of entries in the directory.
fn entries(folder: &Folder) -> usize {
    fs::read_dir(&folder.0).expect("is there").count()
}

fn whole(file: &str) -> String {
    let page = fs::read_to_string(file).expect("is there, and is text");
    assert!(page.contains("<!doctype html>"));
    assert!(page.ends_with("</html>\n"));
    page
}

#[test]
fn it_is_there_when_the_run_is_over() {
    in_vm(async {
        let folder = Folder::new("reported");
        let file = folder.file("run.html");
        fs::write(&file, OLDER).expect("writes");
        let mut watching = Watching::start(&["-p", "31", "--report", &file]);
        let mut socket = open();
        client::greet(&mut socket, "<b>bold</b>", true)
            .await
            .expect("sends");
        socket.receive().await.expect("an answer");
        watching.read_until("the exchange", |line| line["kind"] == "exchange");
        assert_eq!(fs::read_to_string(&file).expect("is there"), OLDER);
        assert_eq!(entries(&folder), 1);
        let lines = watching.stop();
        assert_eq!(of_kind(&lines, "exchange").len(), 1);
        let page = whole(&file);
        assert!(!page.contains("<b>bold"), "a message became markup");
        assert_eq!(entries(&folder), 1, "nothing is left beside it");

        let traced = ["--trace", "-c", "2", "-i", "0", "--report", "-"];
        let page = stdout_of(&greet_user(&traced), 0);
        assert!(page.ends_with("</html>\n"), "and nothing else");
    });
}

#[test]
fn whoever_is_killed_leaves_the_older_one() {
    let folder = Folder::new("killed-reports");
    let file = folder.file("run.html");
    fs::write(&file, OLDER).expect("writes");
    let before = Attached::now();
    let mut watch = command(&["watch", "--format", "json", "--report", &file]);
    let mut watch = watch.stdout(Stdio::null()).spawn().expect("starts");
    until("it is attached", || Attached::now() != before);
    watch.kill().expect("it runs");
    watch.wait().expect("ends");
    assert_eq!(fs::read_to_string(&file).expect("is there"), OLDER);
    assert_eq!(entries(&folder), 1);
    until("everything is detached", || Attached::now() == before);

    let mut watch = command(&["watch", "-p", "31", "--report", &file, "--"]);
    let watch = watch.args(["sh", "-c", "greet-user -q -c 3 -i 0; exec sleep 1000"]);
    let mut watch = watch.stdout(Stdio::null()).spawn().expect("starts");
    until("it is attached", || Attached::now() != before);
    signal(watch.id(), Signal::TERM);
    assert!(watch.wait().expect("ends").code().is_some());
    whole(&file);
    assert_eq!(entries(&folder), 1);
}

#[test]
fn a_full_disk_leaves_the_older_one() {
    let folder = Folder::new("full-reports");
    let size = Some(c"size=32k");
    mount("none", &folder.0, "tmpfs", MountFlags::empty(), size).expect("mounts");
    let file = folder.file("run.html");
    fs::write(&file, OLDER).expect("writes");
    let sentence = sentence_of(&greet_user(&["--trace", "-q", "--report", &file]), 2);
    for part in [&*file, "No space left on device", "free some space"] {
        assert!(sentence.contains(part), "{sentence}");
    }
    assert_eq!(fs::read_to_string(&file).expect("is there"), OLDER);
    assert_eq!(entries(&folder), 1);
    unmount(&folder.0, UnmountFlags::empty()).expect("is mounted");
}
