//! Writes every rendering of a made-up sweep into a folder, for a look at them:
//! `cargo run -p stormglass-reports --example sample -- out/sample [passing]`.

#[path = "../tests/all/support/mod.rs"]
mod support;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use stormglass_reports::{Summary, artefacts, text};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(
        std::env::args()
            .nth(1)
            .unwrap_or_else(|| "out/sample".into()),
    );
    fs::create_dir_all(&folder)?;
    let passes = std::env::args()
        .nth(2)
        .is_some_and(|word| word == "passing");
    let report = if passes {
        support::passing()
    } else {
        support::report()
    };
    for (name, content) in artefacts(&report) {
        fs::write(folder.join(name), content)?;
    }
    let console = text::render(&Summary::of(&report), text::Ink::Plain);
    fs::write(folder.join("console.txt"), console)?;
    Ok(())
}
