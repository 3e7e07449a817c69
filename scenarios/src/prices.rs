//! Price files: what a user pays for nodes, traffic and disks. Read as strictly as a scenario; no number has a
//! default, because none is anybody's but the user's.

use crate::error::{ScenarioError, SourceText};
use crate::spec::document;
use serde::Deserialize;
use std::path::Path;
use stormglass_core::time::Span;
use stormglass_core::units::parse_span;
use toml::Spanned;
use toml::de::DeValue;

/// More than this is no price list.
const FILE_MAX: u64 = 1 << 16;

/// The prices of a file; what it leaves out is not paid for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prices {
    /// The code of the currency, three capital letters.
    pub currency: String,
    /// A node for an hour.
    pub node_hour: Option<f64>,
    /// A GB (10^9 bytes) sent from one node to another.
    pub gb_sent: Option<f64>,
    /// A GB of it that leaves its zone, on top.
    pub gb_cross_zone: Option<f64>,
    /// A million packets between nodes.
    pub million_packets: Option<f64>,
    /// A million writes to disks.
    pub million_disk_writes: Option<f64>,
    /// A million syncs of disks.
    pub million_disk_syncs: Option<f64>,
    /// A GB written to disks.
    pub gb_written: Option<f64>,
    /// A GB stored for a month of 730 hours, and how long what an event leaves on disks is stored.
    pub gb_stored_month: Option<(f64, Span)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    currency: Spanned<String>,
    node_hour: Option<Spanned<f64>>,
    gb_sent: Option<Spanned<f64>>,
    gb_cross_zone: Option<Spanned<f64>>,
    million_packets: Option<Spanned<f64>>,
    million_disk_writes: Option<Spanned<f64>>,
    million_disk_syncs: Option<Spanned<f64>>,
    gb_written: Option<Spanned<f64>>,
    gb_stored_month: Option<Spanned<f64>>,
    stored_for: Option<Spanned<String>>,
}

/// Reads the file.
///
/// # Errors
/// At the first mistake.
pub fn load(path: &Path) -> Result<Prices, ScenarioError> {
    let file = path.display().to_string();
    let hint = "write it as docs/compare.md says, or leave --prices out";
    let wrong = |message: String| ScenarioError::of_file(&file, message, hint);
    let length =
        std::fs::metadata(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    if length.len() > FILE_MAX {
        return Err(wrong(format!(
            "{} bytes are no list of prices",
            length.len()
        )));
    }
    let text =
        std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    parse(&SourceText { file, text })
}

/// Reads a text.
///
/// # Errors
/// As [`load`].
pub fn parse(source: &SourceText) -> Result<Prices, ScenarioError> {
    let root = document::parse(source)?;
    let whole = 0..source.text.len();
    let node = Spanned::new(whole.clone(), DeValue::Table(root));
    let written: Written = document::typed(source, node, whole.clone())?;
    let currency = written.currency;
    let code = currency.get_ref();
    if code.len() != 3 || !code.bytes().all(|letter| letter.is_ascii_uppercase()) {
        let hint = "write its code (ISO 4217), such as currency = \"EUR\"";
        return Err(source.error(currency.span(), format!("{code:?} is no currency"), hint));
    }
    let price = |written: Option<Spanned<f64>>| {
        let Some(price) = written else {
            return Ok(None);
        };
        let number = *price.get_ref();
        if number.is_finite() && number >= 0.0 {
            return Ok(Some(number));
        }
        let hint = "write what a unit costs, such as 0.08, or leave the line out";
        Err(source.error(price.span(), format!("{number} is no price"), hint))
    };
    let prices = Prices {
        currency: code.clone(),
        node_hour: price(written.node_hour)?,
        gb_sent: price(written.gb_sent)?,
        gb_cross_zone: price(written.gb_cross_zone)?,
        million_packets: price(written.million_packets)?,
        million_disk_writes: price(written.million_disk_writes)?,
        million_disk_syncs: price(written.million_disk_syncs)?,
        gb_written: price(written.gb_written)?,
        gb_stored_month: stored(source, written.gb_stored_month, written.stored_for, price)?,
    };
    let nothing = Prices {
        currency: code.clone(),
        ..Prices::default()
    };
    if prices == nothing {
        let hint = "add one, such as node_hour = 0.192";
        return Err(source.error(whole, "there is no price here", hint));
    }
    Ok(prices)
}

/// The price of storage, which says nothing without how long something is stored.
fn stored(
    source: &SourceText,
    written: Option<Spanned<f64>>,
    stored_for: Option<Spanned<String>>,
    price: impl Fn(Option<Spanned<f64>>) -> Result<Option<f64>, ScenarioError>,
) -> Result<Option<(f64, Span)>, ScenarioError> {
    let (month, kept) = match (written, stored_for) {
        (None, None) => return Ok(None),
        (Some(month), Some(kept)) => (month, kept),
        (Some(month), None) => {
            let hint = "add for how long each event stays, such as stored_for = \"7d\"";
            let message = "storage has a price, and nothing says for how long it is used";
            return Err(source.error(month.span(), message, hint));
        }
        (None, Some(kept)) => {
            let hint = "add gb_stored_month, or leave it out";
            return Err(source.error(kept.span(), "what is stored has no price", hint));
        }
    };
    let length = parse_span(kept.get_ref())
        .map_err(|message| source.error(kept.span(), message, "such as stored_for = \"7d\""))?;
    let month = price(Some(month))?;
    Ok(month.map(|month| (month, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "currency = \"USD\"\nnode_hour = 0.192\ngb_cross_zone = 0.02\n\
                         gb_stored_month = 1\nstored_for = \"7d\"\n";

    fn read(text: &str) -> Result<Prices, ScenarioError> {
        parse(&SourceText {
            file: "prices.toml".to_owned(),
            text: text.to_owned(),
        })
    }

    #[test]
    fn a_list_is_read_and_what_is_left_out_is_not_paid_for() {
        let prices = read(WHOLE).unwrap();
        assert_eq!(prices.currency, "USD");
        assert_eq!((prices.node_hour, prices.gb_sent), (Some(0.192), None));
        let week = Span::secs(7 * 86_400);
        assert_eq!(prices.gb_stored_month, Some((1.0, week)));
    }

    #[test]
    fn mistakes_are_pointed_at() {
        for (from, to, line, said) in [
            ("node_hour", "node_hours", 2, "did you mean `node_hour`"),
            ("0.192", "-1", 2, "-1 is no price"),
            ("0.192", "nan", 2, "NaN is no price"),
            ("0.192", "\"cheap\"", 2, "expected a number"),
            ("\"USD\"", "\"usd\"", 1, "is no currency"),
            ("currency = \"USD\"\n", "", 1, "missing"),
            ("stored_for = \"7d\"\n", "", 4, "for how long"),
            ("\"7d\"", "\"7\"", 5, "needs a unit"),
            ("gb_stored_month = 1\n", "", 4, "has no price"),
        ] {
            let error = read(&WHOLE.replace(from, to)).unwrap_err();
            assert!(error.to_string().contains(said), "{said}: {error}");
            assert_eq!(error.line, line, "{error}");
            assert!(!error.hint.is_empty(), "{error}");
        }
        let nothing = read("currency = \"USD\"\n").unwrap_err();
        assert!(nothing.message.contains("there is no price"), "{nothing}");
    }
}
