//! Operations a cycle over operations a byte, below what array, memory and host allow.

use maud::{html, Markup};

use super::frame::{drawing, Words};
use crate::page::form::short;

/// Pixels of the drawing, and of the margins: left, top, right, bottom.
const SIZE: (f64, f64) = (400.0, 300.0);
const MARGIN: (f64, f64, f64, f64) = (48.0, 34.0, 20.0, 42.0);
/// Pixels of a digit, or of what stands between two.
const DIGIT: f64 = 6.5;

/// A way for bytes.
pub struct Roof {
    /// In words.
    pub name: String,
    /// Bytes a cycle at most.
    pub bytes_per_cycle: f64,
}

/// Something that computes.
pub struct Mark {
    /// In words.
    pub name: String,
    /// Operations for every byte that it moves.
    pub per_byte: f64,
    /// Operations a cycle.
    pub per_cycle: f64,
    /// The whole network; otherwise a layer.
    pub whole: bool,
}

/// A logarithmic axis of whole decades.
struct Axis {
    decades: (i32, i32),
    pixels: (f64, f64),
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, pixels: (f64, f64)) -> Self {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|v| v.is_finite() && *v > 0.0) {
            (least, most) = (least.min(value.log10()), most.max(value.log10()));
        }
        if least > most {
            (least, most) = (0.0, 1.0);
        }
        let decades = ((least - 0.1).floor() as i32, (most + 0.1).ceil() as i32);
        Self { decades, pixels }
    }

    fn at(&self, value: f64) -> f64 {
        let (first, last) = self.decades;
        let share = (value.log10() - f64::from(first)) / f64::from(last - first);
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }

    fn least(&self) -> f64 {
        10f64.powi(self.decades.0)
    }

    /// Decades, all or every second, with their places and names.
    fn ticks(&self) -> impl Iterator<Item = (f64, String)> + '_ {
        let (first, last) = self.decades;
        let each = if last - first > 7 { 2 } else { 1 };
        (first..=last).step_by(each).map(move |decade| {
            let value = 10f64.powi(decade);
            (self.at(value), if decade < -3 { format!("10^{decade}") } else { short(value) })
        })
    }
}

/// `peak` operations a cycle are the array's roof; the others are numbered in their order, from 1.
pub fn roofline(words: &Words, peak: f64, roofs: &[Roof], marks: &[Mark]) -> Markup {
    let (left, top) = (MARGIN.0, MARGIN.1);
    let (right, bottom) = (SIZE.0 - MARGIN.2, SIZE.1 - MARGIN.3);
    let ridges = roofs.iter().map(|roof| peak / roof.bytes_per_cycle);
    let x = Axis::over(ridges.chain(marks.iter().map(|m| m.per_byte)), (left, right));
    let y = Axis::over(marks.iter().map(|m| m.per_cycle).chain([peak, peak / 99.0]), (bottom, top));
    let slope = |roof: &Roof| {
        let start = x.least().max(y.least() / roof.bytes_per_cycle);
        let (ridge, rate) = (peak / roof.bytes_per_cycle, start * roof.bytes_per_cycle);
        format!("M{:.1} {:.1}L{:.1} {:.1}", x.at(start), y.at(rate), x.at(ridge), y.at(peak))
    };
    let content = html! {
        @for (at, name) in x.ticks() {
            path class="grid" d=(format!("M{at:.1} {top}V{bottom}")) {}
            text class="middle" x=(format!("{at:.1}")) y=(bottom + 15.0) { (name) }
        }
        @for (at, name) in y.ticks() {
            path class="grid" d=(format!("M{left} {at:.1}H{right}")) {}
            text class="end" x=(left - 5.0) y=(format!("{:.1}", at + 4.0)) { (name) }
        }
        text class="middle" x=((left + right) / 2.0) y=(SIZE.1 - 6.0) { "operations for a byte moved" }
        text x="2" y="12" { "operations a cycle" }
        path class="roof" d=(format!("M{left} {0:.1}H{right}", y.at(peak))) {}
        @for (at, roof) in roofs.iter().enumerate() {
            path class=(format!("roof dash{}", at % 4)) d=(slope(roof)) { title { (roof.name) } }
        }
        @for Label { place, level, numbers } in labels(roofs, |roof| x.at(peak / roof.bytes_per_cycle)) {
            @let above = y.at(peak) - 6.0 - 12.0 * level as f64;
            text class="middle name" x=(format!("{place:.1}")) y=(format!("{above:.1}")) { (numbers) }
        }
        @for mark in marks {
            @let (cx, cy) = (x.at(mark.per_byte), y.at(mark.per_cycle.max(y.least())));
            @if mark.whole {
                path class="glyph neurons" d=(format!("M{cx:.1} {:.1}l6 6l-6 6l-6 -6z", cy - 6.0)) { title { (mark.name) } }
            } @else {
                circle class="glyph weights" cx=(format!("{cx:.1}")) cy=(format!("{cy:.1}")) r="3.5" { title { (mark.name) } }
            }
        }
    };
    drawing(words, "chart", SIZE, content)
}

/// Numbers of roofs above the place where they meet the array's.
#[derive(Debug, PartialEq)]
struct Label {
    place: f64,
    /// How many others it stands above.
    level: usize,
    numbers: String,
}

impl Label {
    /// Whether two would touch.
    fn touches(&self, other: &Label) -> bool {
        let width = (self.numbers.len() + other.numbers.len() + 1) as f64 * DIGIT / 2.0;
        self.level == other.level && (self.place - other.place).abs() < width
    }
}

/// Labels from left to right; those of roofs that cannot be told apart are one.
fn labels(roofs: &[Roof], place: impl Fn(&Roof) -> f64) -> Vec<Label> {
    let mut labels: Vec<Label> = Vec::new();
    for (at, roof) in roofs.iter().enumerate() {
        let (place, number) = (place(roof), (at + 1).to_string());
        match labels.iter_mut().find(|label| (label.place - place).abs() < 2.0) {
            Some(label) => label.numbers += &format!(", {number}"),
            None => labels.push(Label { place, level: 0, numbers: number }),
        }
    }
    labels.sort_by(|a, b| a.place.total_cmp(&b.place));
    for at in 1..labels.len() {
        while labels[..at].iter().any(|before| before.touches(&labels[at])) {
            labels[at].level += 1;
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_do_not_touch() {
        let roof = |bytes_per_cycle| Roof { name: String::new(), bytes_per_cycle };
        let labels = labels(&[20.0, 10.0, 90.0, 10.5].map(roof), |roof| roof.bytes_per_cycle);
        let label = |place, level, numbers: &str| Label { place, level, numbers: numbers.to_owned() };
        assert_eq!(labels, [label(10.0, 0, "2, 4"), label(20.0, 1, "1"), label(90.0, 0, "3")]);
    }

    #[test]
    fn axes_hold_all_values_and_nothing_else() {
        let axis = Axis::over([0.5, 300.0, 0.0, f64::NAN].into_iter(), (0.0, 100.0));
        assert_eq!(axis.decades, (-1, 3));
        assert_eq!((axis.at(0.1), axis.at(1000.0)), (0.0, 100.0));
        assert_eq!(Axis::over([].into_iter(), (0.0, 1.0)).decades, (-1, 2));
    }
}
