//! Annotations for GitHub Actions: workflow commands on the console, which the host shows beside the changed
//! lines. It shows ten of a kind and drops the rest in silence, so the last of ten says how many more there are.

use crate::findings::{self, Finding, Level};
use crate::html::words::tame;
use crate::summary::Summary;

/// What the host shows of one step.
pub const MOST: usize = 10;
/// Bytes of a message; hosts cut longer ones.
const BYTES: usize = 4_000;

/// Every finding that a reviewer has to see as an annotation, the heaviest first. What is known is none.
#[must_use]
pub fn annotations(summary: &Summary) -> Vec<String> {
    let findings = findings::of(summary);
    let heavy = findings
        .iter()
        .filter(|finding| finding.level != Level::Note);
    heavy.map(|finding| annotation(finding, summary)).collect()
}

/// What is printed of the annotations of a whole step: all of ten, else nine and how many more.
#[must_use]
pub fn shown(all: &[String]) -> Vec<String> {
    if all.len() <= MOST {
        return all.to_vec();
    }
    let mut shown = all[..MOST - 1].to_vec();
    let more = all.len() - shown.len();
    shown.push(format!(
        "::warning title=stormglass::+{more} more findings are in the reports"
    ));
    shown
}

fn annotation(finding: &Finding, summary: &Summary) -> String {
    let command = match finding.level {
        Level::Error => "error",
        Level::Warning | Level::Note => "warning",
    };
    let mut message = finding.message.clone();
    if message.len() > BYTES {
        let end = (0..=BYTES).rev().find(|at| message.is_char_boundary(*at));
        message.truncate(end.unwrap_or(0));
        message.push('…');
    }
    format!(
        "::{command} file={},line={},title={}::{}",
        property(&tame(&summary.identity.file)),
        finding.line,
        property(&finding.title),
        data(&message)
    )
}

/// Text that may not end the command, nor be taken for an escape.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The same where commas and colons mean something.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_more_than_ten_the_last_says_how_many_more() {
        let all: Vec<String> = (0..23).map(|n| format!("::error::{n}")).collect();
        assert_eq!(shown(&all[..10]).len(), 10);
        let shown = shown(&all);
        assert_eq!(shown.len(), MOST);
        assert!(
            shown[9].ends_with("+14 more findings are in the reports"),
            "{shown:?}"
        );
    }

    #[test]
    fn text_cannot_end_a_command() {
        assert_eq!(
            property("a,b:c\n::error::d%"),
            "a%2Cb%3Ac%0A%3A%3Aerror%3A%3Ad%25"
        );
        assert_eq!(data("a\r\n::error::b"), "a%0D%0A::error::b");
    }
}
