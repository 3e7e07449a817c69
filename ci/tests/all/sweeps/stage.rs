//! A folder with a scenario, the command line run in it, and its results compared.

use crate::stage::{command, folder, say};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a sweep writes that is a function of the sweep alone.
pub const RESULTS: [&str; 5] = [
    "seeds.ndjson",
    "summary.json",
    "report.html",
    "junit.xml",
    "summary.md",
];

/// A folder of a test's own.
pub struct Stage {
    pub folder: PathBuf,
}

impl Stage {
    /// A folder called `name` with `storm.toml`: what `init` writes, with fewer events, and two variants of
    /// which one fails.
    pub fn new(name: &str) -> Stage {
        let stage = Stage {
            folder: folder("sweeps", name),
        };
        assert_eq!(stage.say("init storm.toml").0, Some(0));
        let text = stage.read("storm.toml").replace("200/s", "50/s");
        stage.write("storm.toml", &text);
        stage
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = command(&self.folder, line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The exit code, and both streams one after the other.
    pub fn say(&self, line: &str) -> (Option<i32>, String) {
        say(&self.folder, line)
    }

    /// Runs a line that has to end with `code`.
    pub fn ends(&self, code: i32, line: &str) -> String {
        let (ended, text) = self.say(line);
        assert_eq!(ended, Some(code), "{line}: {text}");
        text
    }

    /// Runs a line that is a mistake, and says so with `what` and a hint.
    pub fn refuses(&self, line: &str, what: &str) {
        let text = self.ends(2, line);
        assert!(text.contains(what), "{line}: {text}");
        assert!(text.contains("hint: "), "{line}: {text}");
        assert_eq!(text.matches("error: ").count(), 1, "{line}: {text}");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn read(&self, name: &str) -> String {
        let read = fs::read_to_string(self.path(name));
        read.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it stands in a folder")).expect("there is room");
        fs::write(path, text).expect("there is room");
    }

    /// How many seeds the last sweep into the folder ran itself.
    pub fn seeds_run(&self, folder: &str) -> u64 {
        let text = self.read(&format!("{folder}/env.json"));
        let environment: Value = serde_json::from_str(&text).expect("it is JSON");
        environment["seeds_run"].as_u64().expect("it is a number")
    }

    /// Whole lines of seeds in a list.
    pub fn finished(&self, folder: &str) -> u64 {
        let text = fs::read(self.path(folder).join("seeds.ndjson")).unwrap_or_default();
        let lines = text.iter().filter(|byte| **byte == b'\n').count() as u64;
        lines.saturating_sub(1)
    }

    /// Both folders hold the same bytes.
    pub fn assert_same(&self, one: &str, other: &str) {
        for name in RESULTS {
            let read = |folder: &str| self.read(&format!("{folder}/{name}"));
            assert!(read(one) == read(other), "{name} of {one} and {other}");
        }
        assert!(!self.path(other).join("running.ndjson").exists());
        assert!(!self.path(other).join("seeds.ndjson.new").exists());
    }
}
