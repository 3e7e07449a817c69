//! The first line of a list of seeds: which sweep it is of, and all that its report needs besides outcomes.

use crate::seeds::{Seeds, Shard};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::io::Read;
use std::sync::OnceLock;
use stormglass_core::digest::Digest;
use stormglass_reports::ExitClass;
use stormglass_reports::model::against::Against;
use stormglass_reports::model::known::KnownFailure;
use stormglass_reports::model::{Identity, Setting};
use stormglass_reports::packed;

/// The version of this format.
pub const FORMAT: u32 = 1;

/// Which sweep a list of seeds is of. Two lists belong together if all of it is the same, the shard excepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the tool.
    pub stormglass: String,
    /// The version of this format.
    pub format: u32,
    /// A hash of the binary: a seed says nothing about another one, which may hold other code of its user.
    pub binary: String,
    /// The scenario.
    pub scenario: String,
    /// Its variant; empty for the scenario as written.
    pub variant: String,
    /// A hash of the scenario's text and of all that it reads from other files.
    pub hash: String,
    /// Versions of the models.
    pub models: Vec<String>,
    /// The version of the fingerprint.
    pub fingerprint: String,
    /// All seeds of the sweep, those of other shards included.
    pub seeds: Seeds,
    /// Whether each seed ran twice.
    pub twice: bool,
    /// The driver asked for.
    pub driver: String,
    /// The scenario file, as given.
    pub file: String,
    /// The objectives of the command line.
    pub slo: Vec<String>,
    /// All cases of the gate that this one is of, in order; empty for `run`.
    pub cases: Vec<String>,
    /// The exit code that this case is known to give.
    pub exit: u8,
    /// What else its report tells, packed: an [`About`].
    pub about: String,
    /// The part of the seeds that is here; none if all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
}

/// What the report of a sweep tells besides its outcomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// What was run.
    pub identity: Identity,
    /// The configuration.
    pub configuration: Vec<Setting>,
    /// The scenario's text.
    pub text: String,
    /// The points that must be reached: name, share of the seeds in parts of a million, and seeds.
    pub points: Vec<(String, u32, u64)>,
    /// What became of the baseline's figures: every shard runs the baseline's seeds, so that the first to be
    /// merged knows.
    pub baseline: Option<Against>,
    /// The known failures of the case; none without a list.
    pub known: Option<Vec<KnownFailure>>,
    /// Classes that do not decide the exit code.
    pub warn: BTreeSet<ExitClass>,
}

impl Header {
    /// What its report tells; none if the line is damaged.
    #[must_use]
    pub fn about(&self) -> Option<About> {
        packed::unpack(&self.about).ok()
    }

    /// The case's name, as a folder of results is called.
    #[must_use]
    pub fn case(&self) -> String {
        case_name(&self.scenario, &self.variant)
    }

    /// The first thing in which another list differs, shards excepted: its name, and what each of the two
    /// says.
    #[must_use]
    pub fn difference(&self, other: &Header) -> Option<(&'static str, String, String)> {
        let words = |header: &Header| {
            let command = header.about().map(|about| about.identity.command);
            [
                ("stormglass", header.stormglass.clone()),
                ("format", header.format.to_string()),
                ("scenario", header.case()),
                ("file", header.file.clone()),
                ("--slo", header.slo.join(", ")),
                ("text of the scenario", header.hash.clone()),
                ("models", header.models.join(", ")),
                ("fingerprint", header.fingerprint.clone()),
                ("seeds", header.seeds.to_string()),
                ("--twice", header.twice.to_string()),
                ("--driver", header.driver.clone()),
                ("gated cases", header.cases.join(", ")),
                ("known exit", header.exit.to_string()),
                ("binary", header.binary.clone()),
                ("command", command.unwrap_or_default()),
                ("settings", header.about.clone()),
            ]
        };
        let pairs = words(self).into_iter().zip(words(other));
        let mut pairs = pairs.map(|((what, mine), (_, theirs))| (what, mine, theirs));
        pairs.find(|(_, mine, theirs)| mine != theirs)
    }
}

/// A case's name, as a folder of results is called.
#[must_use]
pub fn case_name(scenario: &str, variant: &str) -> String {
    if variant.is_empty() {
        scenario.to_owned()
    } else {
        format!("{scenario}.{variant}")
    }
}

/// A digest of what is written into it.
struct Hashed(Digest);

impl Write for Hashed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.bytes(text.as_bytes());
        Ok(())
    }
}

/// A hash of a text and of a value as it prints for people who mend code: the same in every process of one
/// binary.
#[must_use]
pub fn hash_of(text: &str, value: &impl fmt::Debug) -> String {
    let mut hashed = Hashed(Digest::new());
    let written = write!(hashed, "{text}{value:?}");
    assert!(written.is_ok(), "a digest takes every text");
    format!("{:016x}", hashed.0.value())
}

/// A hash of the binary that runs; `unknown` where the system does not show it.
#[must_use]
pub fn binary() -> String {
    static BINARY: OnceLock<Option<u64>> = OnceLock::new();
    let hash = BINARY.get_or_init(|| {
        let mut file = std::fs::File::open(std::env::current_exe().ok()?).ok()?;
        let (mut digest, mut buffer) = (Digest::new(), Vec::new());
        loop {
            buffer.clear();
            file.by_ref().take(1 << 20).read_to_end(&mut buffer).ok()?;
            if buffer.is_empty() {
                return Some(digest.value());
            }
            digest.bytes(&buffer);
        }
    });
    hash.map_or("unknown".to_owned(), |hash| format!("{hash:016x}"))
}
