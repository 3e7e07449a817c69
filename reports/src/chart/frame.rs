//! Axes, ticks and labels that every chart shares.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::paint::{self, Paint};
use crate::model::value::{Micros, three_digits};

/// Width of every chart, in units of its view box.
pub const WIDTH: u32 = 1_040;
/// Room for labels of the vertical axis.
const LEFT: u32 = 62;
/// Room for the names of the series, at the right end of their lines.
const RIGHT: u32 = 140;
/// Room for labels of the horizontal axis.
const BOTTOM: u32 = 42;

/// The size of a chart and the room around its plot, in units of the view box.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    pub width: u32,
    pub height: u32,
    /// Above the plot.
    pub top: u32,
    /// To the left of it.
    pub left: u32,
    /// To the right of it.
    pub right: u32,
}

impl Frame {
    /// As wide as a page, with names of series at the right.
    pub const fn wide(height: u32, top: u32) -> Self {
        Self {
            width: WIDTH,
            height,
            top,
            left: LEFT,
            right: RIGHT,
        }
    }

    /// Half as wide, so that two stand side by side.
    pub const fn half(height: u32) -> Self {
        Self {
            width: WIDTH / 2,
            height,
            top: 46,
            left: LEFT,
            right: 24,
        }
    }
}

/// Width of the plot between its labels.
pub const PLOT_WIDTH: u32 = WIDTH - LEFT - RIGHT;

/// Where a chart is drawn.
pub type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// A drawing area with both axes linear (of logarithms, where an axis is logarithmic).
pub type Plot<'a, 'b> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;
/// What plotters reports; drawing into memory gives it no cause.
pub type Drawn<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// One axis: its range, its ticks and its name.
#[derive(Debug, Clone)]
pub struct Axis {
    pub low: f64,
    pub high: f64,
    /// Position and text, ascending.
    pub ticks: Vec<(f64, String)>,
    pub name: String,
    /// Whether it is the run's virtual time, in seconds: such charts share their cursor and their zoom.
    pub is_time: bool,
}

impl Axis {
    /// From zero to a round number above `max`.
    pub fn linear(max: f64, name: &str, text: impl Fn(f64) -> String) -> Self {
        let step = round_step(max.max(1e-9) / 4.0);
        let count = (max / step).ceil().max(1.0) as u64;
        let ticks = (0..=count).map(|turn| turn as f64 * step);
        let high = count as f64 * step;
        let ticks = ticks.map(|at| (at, text(at))).collect();
        Self {
            low: 0.0,
            high,
            ticks,
            name: name.to_owned(),
            is_time: false,
        }
    }

    /// Between round numbers around a range: from zero, unless all of it lies in the upper part.
    pub fn around(min: f64, max: f64, name: &str, text: impl Fn(f64) -> String) -> Self {
        if min < max * 0.5 || max <= min {
            return Self::linear(max, name, text);
        }
        let step = round_step((max - min) / 4.0);
        let first = (min / step).floor();
        let last = (max / step).ceil().max(first + 1.0);
        let ticks = (first as u64..=last as u64).map(|turn| turn as f64 * step);
        Self {
            low: first * step,
            high: last * step,
            ticks: ticks.map(|at| (at, text(at))).collect(),
            name: name.to_owned(),
            is_time: false,
        }
    }

    /// Durations on a logarithmic axis; positions are decimal logarithms of microseconds.
    pub fn log_duration(min: u64, max: u64, name: &str) -> Self {
        let round: Vec<u64> = (0..19)
            .flat_map(|power| [1, 2, 5].map(|factor| factor * 10_u64.pow(power)))
            .collect();
        let first = round
            .iter()
            .rposition(|micros| *micros <= min.max(1))
            .unwrap_or(0);
        let last = round
            .iter()
            .position(|micros| *micros >= max)
            .unwrap_or(round.len() - 1);
        let last = last.max(first + 1).min(round.len() - 1);
        let (low, high) = (log10(round[first]), log10(round[last]));
        // A short axis has room for 2 and 5 as well as for powers of ten.
        let is_short = high - low <= 2.4;
        let shown = round[first..=last].iter().enumerate();
        let shown = shown.filter(|(at, _)| is_short || (first + at).is_multiple_of(3));
        let ticks = shown.map(|(_, micros)| (log10(*micros), Micros(*micros).to_string()));
        Self {
            low,
            high,
            ticks: ticks.collect(),
            name: name.to_owned(),
            is_time: false,
        }
    }
}

/// The decimal logarithm of a whole number, for drawing only.
pub fn log10(number: u64) -> f64 {
    rounded(libm::log10(number as f64))
}

/// Rounded to a millionth, so that the last bit of a logarithm never moves a pixel.
pub fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

/// 1, 2 or 5 times a power of ten, at least `least`.
fn round_step(least: f64) -> f64 {
    let mut power = 1e-9;
    while power * 10.0 <= least {
        power *= 10.0;
    }
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|factor| factor * power >= least * 0.999_999);
    factor.unwrap_or(10.0) * power
}

/// A count on an axis, such as `12k`.
pub fn short_count(count: f64) -> String {
    let whole = count.round().max(0.0) as u128;
    match whole {
        0..=9_999 => whole.to_string(),
        10_000..=999_999 => format!("{}k", three_digits(whole, 1_000)),
        _ => format!("{}M", three_digits(whole, 1_000_000)),
    }
}

/// Draws a chart of `height` with `top` units kept free above the plot.
pub fn draw(
    (height, top): (u32, u32),
    axes: (&Axis, &Axis),
    label: &str,
    body: impl FnOnce(&Canvas<'_>, &mut Plot<'_, '_>) -> Drawn,
) -> String {
    draw_in(Frame::wide(height, top), axes, label, body)
}

/// Draws a chart in a frame of its own.
pub fn draw_in(
    frame: Frame,
    (horizontal, vertical): (&Axis, &Axis),
    label: &str,
    body: impl FnOnce(&Canvas<'_>, &mut Plot<'_, '_>) -> Drawn,
) -> String {
    let mut svg = String::new();
    {
        let size = (frame.width, frame.height);
        let canvas = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        axes(&canvas, frame, horizontal, vertical, body)
            .expect("drawing into memory does not fail");
        canvas.present().expect("drawing into memory does not fail");
    }
    let (left, top) = (frame.left, frame.top);
    let (right, bottom) = (frame.width - frame.right, frame.height - BOTTOM);
    let mut place = format!("data-plot=\"{left} {right} {top} {bottom}\"");
    if horizontal.is_time {
        place.push_str(&format!(
            " data-time=\"{} {}\"",
            horizontal.low, horizontal.high
        ));
    }
    paint::finish(&svg, label, &place)
}

fn axes(
    canvas: &Canvas<'_>,
    frame: Frame,
    horizontal: &Axis,
    vertical: &Axis,
    body: impl FnOnce(&Canvas<'_>, &mut Plot<'_, '_>) -> Drawn,
) -> Drawn {
    let mut plot = ChartBuilder::on(canvas)
        .margin_top(frame.top)
        .margin_right(frame.right)
        .set_label_area_size(LabelAreaPosition::Left, frame.left)
        .set_label_area_size(LabelAreaPosition::Bottom, BOTTOM)
        .build_cartesian_2d(horizontal.low..horizontal.high, vertical.low..vertical.high)?;
    let grid = Paint::Grid.colour().stroke_width(1);
    for (at, text) in &vertical.ticks {
        let ends = [(horizontal.low, *at), (horizontal.high, *at)];
        plot.draw_series([PathElement::new(ends, grid)])?;
        let (x, y) = pixel(&plot, (horizontal.low, *at));
        write(
            canvas,
            text,
            (x - 7, y),
            (HPos::Right, VPos::Center),
            Paint::Text,
        )?;
    }
    for (at, text) in &horizontal.ticks {
        let ends = [(*at, vertical.low), (*at, vertical.high)];
        plot.draw_series([PathElement::new(ends, grid)])?;
        let (x, y) = pixel(&plot, (*at, vertical.low));
        write(
            canvas,
            text,
            (x, y + 6),
            (HPos::Center, VPos::Top),
            Paint::Text,
        )?;
    }
    let floor = [
        (horizontal.low, vertical.low),
        (horizontal.high, vertical.low),
    ];
    plot.draw_series([PathElement::new(
        floor,
        Paint::Axis.colour().stroke_width(1),
    )])?;
    let (x, y) = pixel(
        &plot,
        (f64::midpoint(horizontal.low, horizontal.high), vertical.low),
    );
    write(
        canvas,
        &horizontal.name,
        (x, y + 22),
        (HPos::Center, VPos::Top),
        Paint::Text,
    )?;
    let (_, y) = pixel(&plot, (horizontal.low, vertical.high));
    write(
        canvas,
        &vertical.name,
        (2, y - 22),
        (HPos::Left, VPos::Bottom),
        Paint::Text,
    )?;
    body(canvas, &mut plot)
}

/// Where a point of the plot lies on the canvas.
pub fn pixel(plot: &Plot<'_, '_>, point: (f64, f64)) -> (i32, i32) {
    plot.plotting_area().map_coordinate(&point)
}

/// Writes on the canvas, anchored at `at`.
pub fn write(
    canvas: &Canvas<'_>,
    text: &str,
    at: (i32, i32),
    (horizontal, vertical): (HPos, VPos),
    paint: Paint,
) -> Drawn {
    let colour = paint.colour();
    let style = TextStyle::from(("sans-serif", 13).into_font())
        .color(&colour)
        .pos(Pos::new(horizontal, vertical));
    canvas.draw(&Text::new(text.to_owned(), at, style))?;
    Ok(())
}

/// Draws a line that is broken where there is no value.
pub fn line(
    plot: &mut Plot<'_, '_>,
    points: impl IntoIterator<Item = (f64, Option<f64>)>,
    paint: Paint,
) -> Drawn {
    let style = paint.colour().stroke_width(2);
    let mut run = Vec::new();
    for (x, y) in points {
        if let Some(y) = y {
            run.push((x, y));
            continue;
        }
        if run.len() > 1 {
            plot.draw_series([PathElement::new(std::mem::take(&mut run), style)])?;
        }
        run.clear();
    }
    if run.len() > 1 {
        plot.draw_series([PathElement::new(run, style)])?;
    }
    Ok(())
}

/// Names series at the right edge, each near the end of its line and none over another, with a
/// sample of its stroke.
pub fn name_series(
    canvas: &Canvas<'_>,
    plot: &Plot<'_, '_>,
    right: f64,
    names: &[(&str, f64, Paint)],
) -> Drawn {
    const LINE: i32 = 15;
    let floor = plot.plotting_area().get_pixel_range().1.end;
    let mut placed: Vec<_> = names
        .iter()
        .map(|(name, y, paint)| (pixel(plot, (right, *y)), *name, *paint))
        .collect();
    placed.sort_by_key(|((_, y), _, _)| *y);
    for index in 1..placed.len() {
        let least = placed[index - 1].0.1 + LINE;
        placed[index].0.1 = placed[index].0.1.max(least);
    }
    // What was pushed below the floor moves up again, and pushes those above it.
    let mut most = floor;
    for ((_, y), _, _) in placed.iter_mut().rev() {
        *y = (*y).min(most);
        most = *y - LINE;
    }
    for ((x, y), name, paint) in placed {
        let stroke = paint.colour().stroke_width(2);
        canvas.draw(&PathElement::new([(x + 5, y), (x + 25, y)], stroke))?;
        write(
            canvas,
            name,
            (x + 30, y),
            (HPos::Left, VPos::Center),
            Paint::Text,
        )?;
    }
    Ok(())
}
