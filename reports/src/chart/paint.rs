//! Placeholder colours and what they become.

use plotters::style::RGBColor;

/// Everything that is drawn with a look of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Axis labels and text.
    Text,
    /// Axis lines.
    Axis,
    /// Grid lines.
    Grid,
    /// The n-th series of a chart; 0 is the calm one, higher ones more alarming.
    Series(u8),
    /// A required bound.
    Limit,
    /// Something violated or never.
    Bad,
    /// Hatch over the time that a fault was active.
    FaultHatch,
    /// The bar that carries a fault's name.
    FaultBar,
    /// Text on that bar.
    FaultText,
    /// Shade of every other phase of a run.
    PhaseShade,
    /// Fill under a line.
    Fill,
    /// What a chart stands on, so that grid lines end there.
    Ground,
    /// A number that is read, and not only a label of it.
    Value,
}

/// All looks: code of the placeholder, how it strokes, how it fills.
const LOOKS: [(Paint, u8, &str, &str); 17] = [
    (
        Paint::Text,
        1,
        "stroke=\"var(--muted)\"",
        "fill=\"var(--muted)\"",
    ),
    (
        Paint::Axis,
        2,
        "stroke=\"var(--axis)\"",
        "fill=\"var(--axis)\"",
    ),
    (
        Paint::Grid,
        3,
        "stroke=\"var(--grid)\"",
        "fill=\"var(--grid)\"",
    ),
    (
        Paint::Series(0),
        4,
        "stroke=\"var(--s0)\"",
        "fill=\"var(--s0)\"",
    ),
    (
        Paint::Series(1),
        5,
        "stroke=\"var(--s1)\" stroke-dasharray=\"9 3\"",
        "fill=\"var(--s1)\"",
    ),
    (
        Paint::Series(2),
        6,
        "stroke=\"var(--s2)\" stroke-dasharray=\"5 2 1 2\"",
        "fill=\"var(--s2)\"",
    ),
    (
        Paint::Series(3),
        7,
        "stroke=\"var(--s3)\" stroke-dasharray=\"2 2\"",
        "fill=\"var(--s3)\"",
    ),
    (
        Paint::Series(4),
        8,
        "stroke=\"var(--s4)\" stroke-dasharray=\"12 3 2 3\"",
        "fill=\"var(--s4)\"",
    ),
    (
        Paint::Limit,
        9,
        "stroke=\"var(--limit)\" stroke-dasharray=\"4 3\"",
        "fill=\"var(--limit)\"",
    ),
    (
        Paint::Bad,
        10,
        "stroke=\"var(--fail)\"",
        "fill=\"var(--fail)\"",
    ),
    (
        Paint::FaultHatch,
        11,
        "stroke=\"var(--fault)\"",
        "fill=\"url(#hatch)\"",
    ),
    (
        Paint::FaultBar,
        12,
        "stroke=\"var(--fault)\"",
        "fill=\"var(--fault)\"",
    ),
    (
        Paint::FaultText,
        13,
        "stroke=\"var(--fault-text)\"",
        "fill=\"var(--fault-text)\"",
    ),
    (
        Paint::PhaseShade,
        14,
        "stroke=\"none\"",
        "fill=\"var(--phase)\"",
    ),
    (Paint::Fill, 15, "stroke=\"none\"", "fill=\"var(--fill)\""),
    (
        Paint::Value,
        16,
        "stroke=\"var(--text)\"",
        "fill=\"var(--text)\"",
    ),
    (
        Paint::Ground,
        17,
        "stroke=\"var(--card)\"",
        "fill=\"var(--card)\"",
    ),
];

impl Paint {
    /// The placeholder that plotters draws with.
    pub fn colour(self) -> RGBColor {
        let code = LOOKS
            .iter()
            .find(|look| look.0 == self)
            .map_or(1, |look| look.1);
        RGBColor(0xFE, 0x01, code)
    }
}

/// Replaces placeholders, and the fixed size by a view box that fits its column.
pub fn finish(svg: &str, label: &str) -> String {
    let mut text = svg.to_owned();
    for (_, code, stroke, fill) in LOOKS {
        text = text.replace(&format!("stroke=\"#FE01{code:02X}\""), stroke);
        text = text.replace(&format!("fill=\"#FE01{code:02X}\""), fill);
    }
    text = text
        .replace(" opacity=\"1\"", "")
        .replace(" font-family=\"sans-serif\"", "");
    let text = text.replace(" xmlns=\"http://www.w3.org/2000/svg\"", "");
    let body = text.find("viewBox").map_or(text.as_str(), |at| &text[at..]);
    let label = label
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;");
    format!(
        "<svg class=\"chart\" role=\"img\" aria-label=\"{label}\" {}",
        body.trim_end()
    )
}
