//! `summary.json`: every figure of the report, schema-versioned.

use crate::summary::Summary;

/// The file, indented and ending in a newline.
#[must_use]
pub fn render(summary: &Summary) -> String {
    let mut text = serde_json::to_string_pretty(summary)
        .expect("a summary has only text keys and no failing writer");
    text.push('\n');
    text
}

/// One line that may stand inside a `<script>` element: `<`, `>` and `&` are escaped as the JSON
/// escapes of their code points, so that no text of a scenario can end the element.
#[must_use]
pub fn island(summary: &Summary) -> String {
    let text = serde_json::to_string(summary).expect("as in `render`");
    let text = text
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026");
    text.replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}
