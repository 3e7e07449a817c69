//! However a sweep ends, it says what it found: parts that loop, panic or block, signals, and a folder that
//! takes no results. The binary is its own subject: with [`CHILD`] set it is the command line with the parts
//! of `parts.rs`, which is why it brings its own harness.

#![allow(missing_docs, reason = "a test has no readers of its items")]

mod broken;
mod codes;
mod parts;
mod results;
mod signalled;
mod stage;

use std::process::ExitCode;

/// Set in the environment of a child that is to be the command line.
const CHILD: &str = "STORMGLASS_ENDS_CHILD";

/// A claim and the test that holds it against the binary.
type Claim = (&'static str, fn());

fn main() -> ExitCode {
    if std::env::var_os(CHILD).is_some() {
        return parts::main();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_list = arguments.iter().any(|argument| argument == "--list");
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    let claims = [
        broken::CLAIMS,
        codes::CLAIMS,
        signalled::CLAIMS,
        results::CLAIMS,
    ]
    .concat();
    let mut failed = 0;
    for (name, test) in claims {
        if filter.is_some_and(|filter| !name.contains(filter.as_str())) {
            continue;
        }
        if is_list {
            eprintln!("{name}: test");
            continue;
        }
        let result = std::panic::catch_unwind(test);
        failed += usize::from(result.is_err());
        eprintln!(
            "test {name} ... {}",
            if result.is_ok() { "ok" } else { "FAILED" }
        );
    }
    ExitCode::from(if failed == 0 { 0 } else { 101 })
}
