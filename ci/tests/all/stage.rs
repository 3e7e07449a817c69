//! Folders of a test's own, and the command line run in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An empty folder for the test `name` among those of `group`.
pub fn folder(group: &str, name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(group)
        .join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("the folder is ours");
    }
    fs::create_dir_all(&folder).expect("there is room");
    folder
}

/// The path of a scenario that ships.
pub fn shipped(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    root.join(path).display().to_string()
}

/// The command line with the words of `line`, on nobody's CI.
pub fn command(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stormglass"));
    command.args(line.split_whitespace()).current_dir(folder);
    command.env_remove("CI").env_remove("GITHUB_STEP_SUMMARY");
    command
}

/// How a command ended, and both its streams one after the other.
pub fn said(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().expect("the binary runs");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (output.status.code(), text)
}

/// How the command line with the words of `line` ended, and what it said.
pub fn say(folder: &Path, line: &str) -> (Option<i32>, String) {
    said(&mut command(folder, line))
}
