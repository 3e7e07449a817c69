//! `stormglass schema`: the format of scenario files for editors, with the names that the catalogue knows, or that of
//! `summary.json` for programs that read it.

use crate::args::SchemaArgs;
use crate::error::Failure;
use crate::say;
use stormglass_scenarios::catalog::Catalog;

/// Runs the command.
pub fn schema(catalog: &Catalog, args: &SchemaArgs) -> Result<u8, Failure> {
    let text = if args.summary {
        stormglass_reports::schema::text()
    } else {
        stormglass_scenarios::schema::text(&catalog.names())
    };
    say(text.trim_end())?;
    Ok(0)
}
