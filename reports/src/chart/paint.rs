//! Placeholder colours and what they become.

use plotters::style::RGBColor;

use crate::html::words::tame;

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
    /// How many samples a cell holds: 0 few, 4 the most.
    Heat(u8),
    /// A moment of a story: of the followed event, of what struck the system, or another.
    Moment(Mark),
    /// A message between two moments; whether it carried the followed event.
    Message(bool),
    /// A node's line through time.
    Life,
}

/// What a moment is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Followed,
    Struck,
    Other,
}

/// All looks: code of the placeholder, how it strokes, how it fills.
const LOOKS: [(Paint, u8, &str, &str); 28] = [
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
        "class=\"s0\" stroke=\"var(--s0)\"",
        "class=\"s0\" fill=\"var(--s0)\"",
    ),
    (
        Paint::Series(1),
        5,
        "class=\"s1\" stroke=\"var(--s1)\" stroke-dasharray=\"9 3\"",
        "class=\"s1\" fill=\"var(--s1)\"",
    ),
    (
        Paint::Series(2),
        6,
        "class=\"s2\" stroke=\"var(--s2)\" stroke-dasharray=\"5 2 1 2\"",
        "class=\"s2\" fill=\"var(--s2)\"",
    ),
    (
        Paint::Series(3),
        7,
        "class=\"s3\" stroke=\"var(--s3)\" stroke-dasharray=\"2 2\"",
        "class=\"s3\" fill=\"var(--s3)\"",
    ),
    (
        Paint::Series(4),
        8,
        "class=\"s4\" stroke=\"var(--s4)\" stroke-dasharray=\"12 3 2 3\"",
        "class=\"s4\" fill=\"var(--s4)\"",
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
    (Paint::Heat(0), 16, "stroke=\"none\"", "fill=\"var(--h0)\""),
    (Paint::Heat(1), 17, "stroke=\"none\"", "fill=\"var(--h1)\""),
    (Paint::Heat(2), 18, "stroke=\"none\"", "fill=\"var(--h2)\""),
    (Paint::Heat(3), 19, "stroke=\"none\"", "fill=\"var(--h3)\""),
    (Paint::Heat(4), 20, "stroke=\"none\"", "fill=\"var(--h4)\""),
    (
        Paint::Moment(Mark::Followed),
        21,
        "class=\"m\" stroke=\"var(--s0)\"",
        "class=\"m\" fill=\"var(--s0)\"",
    ),
    (
        Paint::Moment(Mark::Struck),
        22,
        "class=\"m\" stroke=\"var(--fail)\"",
        "class=\"m\" fill=\"var(--fail)\"",
    ),
    (
        Paint::Moment(Mark::Other),
        23,
        "class=\"m\" stroke=\"var(--s3)\"",
        "class=\"m\" fill=\"var(--s3)\"",
    ),
    (
        Paint::Message(true),
        24,
        "class=\"a\" stroke=\"var(--s0)\"",
        "fill=\"var(--s0)\"",
    ),
    (
        Paint::Message(false),
        25,
        "class=\"a\" stroke=\"var(--axis)\" stroke-opacity=\".7\"",
        "fill=\"var(--axis)\"",
    ),
    (
        Paint::Life,
        26,
        "stroke=\"var(--line)\"",
        "fill=\"var(--line)\"",
    ),
    (
        Paint::Value,
        27,
        "stroke=\"var(--text)\"",
        "fill=\"var(--text)\"",
    ),
    (
        Paint::Ground,
        28,
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

/// Replaces placeholders, and the fixed size by a view box that fits its column; `place` says where the plot lies.
pub fn finish(svg: &str, label: &str, place: &str) -> String {
    let mut text = svg.to_owned();
    for (_, code, stroke, fill) in LOOKS {
        text = text.replace(&format!("stroke=\"#FE01{code:02X}\""), stroke);
        text = text.replace(&format!("fill=\"#FE01{code:02X}\""), fill);
    }
    text = text
        .replace(" opacity=\"1\"", "")
        .replace(" font-family=\"sans-serif\"", "");
    let text = text.replace(" xmlns=\"http://www.w3.org/2000/svg\"", "");
    let text = tame(&text);
    let body = text.find("viewBox").map_or(text.as_str(), |at| &text[at..]);
    let label = tame(label)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;");
    format!(
        "<svg class=\"chart\" role=\"img\" aria-label=\"{label}\" {place} {}",
        body.trim_end()
    )
}
