//! The command line with the parts that come with Stormglass.

use std::process::ExitCode;

fn main() -> ExitCode {
    stormglass::main(&stormglass::Catalog::new())
}
