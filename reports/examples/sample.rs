//! Writes every rendering of a made-up sweep into a folder, for a look at them:
//! `cargo run -p stormglass-reports --example sample -- out/sample`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use stormglass_reports::{Summary, html, json, junit, markdown, text};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(
        std::env::args()
            .nth(1)
            .unwrap_or_else(|| "out/sample".into()),
    );
    fs::create_dir_all(&folder)?;
    let report = support::report();
    let summary = Summary::of(&report);
    fs::write(folder.join("report.html"), html::render(&report))?;
    fs::write(folder.join("summary.json"), json::render(&summary))?;
    fs::write(folder.join("junit.xml"), junit::render(&summary))?;
    fs::write(folder.join("summary.md"), markdown::render(&summary))?;
    fs::write(
        folder.join("console.txt"),
        text::render(&summary, text::Ink::Plain),
    )?;
    Ok(())
}
