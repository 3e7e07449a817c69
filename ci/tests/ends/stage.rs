//! A folder with a scenario, and the command line run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Long enough for a busy machine; no test waits for it unless it fails.
const DEADLINE: Duration = Duration::from_secs(120);

/// A folder of a test's own.
pub struct Stage {
    pub folder: PathBuf,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Stage {
    /// A folder called `name` with `scenario.toml`: a small pipeline whose operator is `operator`, and the
    /// service `service` beside it.
    pub fn new(name: &str, operator: &str, service: Option<&str>) -> Stage {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("ends")
            .join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("the folder is ours");
        }
        fs::create_dir_all(&folder).expect("there is room");
        let service = service.map_or(String::new(), |service| {
            format!("[service.other]\nservice = \"{service}\"\n")
        });
        let text = format!(
            "# Does it end well?\n\
             name = \"ends\"\n\
             [run]\nwarmup = \"1s\"\nchaos = \"2s\"\ntime_scale = 20\n\
             [source.orders]\narrival = {{ constant = \"50/s\" }}\nkeys = {{ count = 100 }}\n\
             to = \"broker.main/orders\"\n\
             [broker.main]\nkind = \"queue\"\ntopics.orders = {{}}\n\
             [processor.copy]\noperator = \"{operator}\"\nfrom = \"broker.main/orders\"\n\
             to = \"sink.rows\"\n\
             [sink.rows]\nkind = \"append\"\n{service}"
        );
        fs::write(folder.join("scenario.toml"), text).expect("there is room");
        Stage { folder }
    }

    /// Puts a text for another in the scenario.
    pub fn edit(&self, from: &str, to: &str) {
        let path = self.folder.join("scenario.toml");
        let text = fs::read_to_string(&path).expect("it was written");
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replace(from, to)).expect("there is room");
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let binary = std::env::current_exe().expect("this binary is a file");
        let mut command = Command::new(binary);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env(super::CHILD, "1")
            .env("STORMGLASS_PATIENCE", "3")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        let output = self.command(arguments).output().expect("the binary runs");
        let said = Said {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert!(
            !said.stderr.contains("RUST_BACKTRACE"),
            "no raw panic: {said:?}"
        );
        said
    }

    /// The lines of a file of results.
    pub fn lines(&self, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.folder.join("out").join(file)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The finished seeds, behind the line that says of which sweep they are.
    pub fn seeds(&self) -> Vec<String> {
        self.lines("seeds.ndjson").split_off(1)
    }

    /// Waits until so many seeds are finished.
    pub fn await_seeds(&self, count: usize) {
        let started = Instant::now();
        while self.lines("seeds.ndjson").len() <= count {
            assert!(started.elapsed() < DEADLINE, "the sweep comes no further");
            sleep(Duration::from_millis(20));
        }
    }
}
