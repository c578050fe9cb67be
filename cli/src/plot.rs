//! A plot of an exploration as one SVG file that needs nothing else.

use spikegate_bitstreams::points::Exploration;
use spikegate_bitstreams::shell::size;
use std::fmt::Write;

/// Size of the picture, and of the margins around the axes: left, top, right, bottom.
const SIZE: (f64, f64) = (720.0, 440.0);
const MARGIN: (f64, f64, f64, f64) = (70.0, 40.0, 120.0, 50.0);

/// Images a second over the share of the fullest kind of block.
pub fn svg(e: &Exploration) -> String {
    let (left, top) = (MARGIN.0, MARGIN.1);
    let (right, bottom) = (SIZE.0 - MARGIN.2, SIZE.1 - MARGIN.3);
    let most = e.pareto.iter().map(|p| p.computed_per_second.value).fold(0.0, f64::max);
    let step = tick(most);
    let scale = step * (most / step).ceil().max(1.0);
    let x = |share: f64| left + share * (right - left);
    let y = |images: f64| bottom - images / scale * (bottom - top);

    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{left}\" y=\"22\" font-size=\"14\">{}: images/s that the arrays that fit compute (estimate)</text>",
        SIZE.0,
        SIZE.1,
        escaped(&e.board)
    );
    for percent in (0..=100).step_by(20) {
        let at = x(f64::from(percent) / 100.0);
        let _ = writeln!(
            out,
            "<path d=\"M{at:.1} {top}V{bottom}\" stroke=\"#ddd\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{percent} %</text>",
            bottom + 18.0
        );
    }
    for n in 0..=(scale / step).round() as usize {
        let (value, at) = (n as f64 * step, y(n as f64 * step));
        let _ = writeln!(
            out,
            "<path d=\"M{left} {at:.1}H{right}\" stroke=\"#ddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            left - 8.0,
            at + 4.0
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">share of the fullest kind of block</text>",
        (left + right) / 2.0,
        SIZE.1 - 12.0
    );
    let places: Vec<(f64, f64)> =
        e.pareto.iter().map(|p| (x(p.fullest), y(p.computed_per_second.value))).collect();
    let line: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(out, "<polyline points=\"{}\" fill=\"none\" stroke=\"#1f77b4\"/>", line.join(" "));
    for (p, (x, y)) in e.pareto.iter().zip(&places) {
        let name = size(&p.array);
        let _ = writeln!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"#1f77b4\"><title>{name}, {} post lanes: {} images/s, \
             {:.1} % of the {}</title></circle><text x=\"{:.1}\" y=\"{:.1}\">{name}</text>",
            p.array.post,
            p.computed_per_second.value,
            100.0 * p.fullest,
            p.fullest_block,
            x + 7.0,
            y - 5.0
        );
    }
    out + "</svg>\n"
}

/// A step of 1, 2 or 5 times a power of ten that divides an axis up to `most` into four to ten parts.
fn tick(most: f64) -> f64 {
    let power = 10f64.powf((most.max(1e-3) / 10.0).log10().ceil());
    [0.2, 0.5, 1.0].map(|f| f * power).into_iter().find(|step| most / step <= 10.0).unwrap_or(power)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_steps() {
        for (most, step) in
            [(95.0, 10.0), (101.0, 20.0), (5.0, 0.5), (21.0, 5.0), (1.0, 0.1), (1234.0, 200.0)]
        {
            assert!((tick(most) - step).abs() < 1e-9, "{most}: {}", tick(most));
        }
    }
}
