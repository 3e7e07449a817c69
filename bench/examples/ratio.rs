//! Exits with 1 if the kernel has become slower against a bare heap loop than `bench/ratio.toml` allows.

use std::io::Write;
use std::process::ExitCode;
use stormglass_bench::pipeline::Pipeline;
use stormglass_bench::ratio::{Committed, RED, measure};

fn main() -> std::io::Result<ExitCode> {
    let (measured, committed) = (measure(&Pipeline::throughput()), Committed::read());
    let green = committed.allows(measured);
    writeln!(
        std::io::stdout(),
        "pipeline steps over bare heap pops: {measured:.4}, committed {:.4}, red under {:.4}: {}",
        committed.ratio,
        committed.ratio * RED,
        if green { "green" } else { "red" }
    )?;
    Ok(if green {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
