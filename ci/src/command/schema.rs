//! `stormglass schema`: the format of scenario files for editors, with the names that the catalogue knows.

use crate::error::Failure;
use crate::say;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::schema;

/// Runs the command.
pub fn schema(catalog: &Catalog) -> Result<u8, Failure> {
    say(schema::text(&catalog.names()).trim_end())?;
    Ok(0)
}
