//! The format of `summary.json` as a JSON schema (draft 2020-12), made from the types that are written, so that both
//! change together.
//!
//! It says what may stand in a file of this version, and leaves open what later ones may add.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::summary::{SCHEMA, Summary};

/// The schema.
#[must_use]
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut root = settings.into_generator().into_root_schema_for::<Summary>();
    root.insert("title".to_owned(), "Stormglass summary".into());
    root.insert(
        "description".to_owned(),
        format!("What `summary.json` holds, {SCHEMA}.").into(),
    );
    let mut root = root.to_value();
    if let Some(version) = root.pointer_mut("/properties/schema") {
        version["const"] = SCHEMA.into();
    }
    root
}

/// The text of the schema, always the same bytes.
#[must_use]
pub fn text() -> String {
    format!("{:#}\n", schema())
}
