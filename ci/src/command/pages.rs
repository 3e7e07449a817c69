//! `stormglass completions` and `stormglass man`: what shells and `man` are to know of the command line.

use crate::args::pages::{completions, pages};
use crate::args::{CompletionsArgs, ManArgs};
use crate::error::Failure;
use crate::out::write_file;
use crate::say;
use std::path::Path;

/// Prints the completions of a shell, for the name by which the binary was called.
pub fn complete(args: &CompletionsArgs) -> Result<u8, Failure> {
    let called = std::env::args_os().next();
    let name = called
        .as_deref()
        .and_then(|path| Path::new(path).file_stem()?.to_str());
    let text = completions(args.shell, name.unwrap_or("stormglass"));
    say(String::from_utf8_lossy(&text).trim_end())?;
    Ok(0)
}

/// Prints the page of the command line, or writes it and those of all commands into a folder.
pub fn man(args: &ManArgs) -> Result<u8, Failure> {
    let pages = pages().map_err(Failure::Console)?;
    let Some(folder) = &args.folder else {
        if let Some((_, first)) = pages.first() {
            say(String::from_utf8_lossy(first).trim_end())?;
        }
        return Ok(0);
    };
    for (name, text) in &pages {
        write_file(&folder.join(name), &String::from_utf8_lossy(text))?;
    }
    say(&format!("{} pages in {}", pages.len(), folder.display()))?;
    Ok(0)
}
