//! Numbers, sources, bars and tables in HTML. The page is XML too: tests parse it as such.

use maud::{html, Markup, PreEscaped, Render};
use spikegate_compiler::report::{Number, Source};

use crate::ui::grouped;

/// Where a figure comes from, beside it.
pub fn source(text: &str) -> Markup {
    html! { span class="source" { (text) } }
}

/// The word for a source.
pub fn said(source: Source) -> Markup {
    self::source(&source.to_string())
}

/// A whole number with its source.
pub fn counted(number: Number<u64>) -> Markup {
    html! { (grouped(number.value)) " " (said(number.source)) }
}

/// A share between 0 and 1 with two decimals.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A share with one decimal, where there is little room.
pub fn short_percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A number in three digits: `1.23 M`.
pub fn short(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        v if v >= 1e9 => (value / 1e9, " G"),
        v if v >= 1e6 => (value / 1e6, " M"),
        v if v >= 1e3 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let decimals = match scaled.abs() {
        v if v >= 100.0 || v == v.trunc() => 0,
        v if v >= 10.0 => 1,
        v if v >= 0.1 => 2,
        _ => 4,
    };
    format!("{scaled:.decimals$}{unit}")
}

/// Extents: `64×32×32`.
pub fn extents(shape: [usize; 3]) -> String {
    shape.map(|n| n.to_string()).join("×")
}

/// A bar for a share, drawn beside the number that says the same.
pub fn bar(share: f64) -> Markup {
    let width = 100.0 * share.clamp(0.0, 1.0);
    html! { span class="bar" aria-hidden="true" { span style=(format!("width:{width:.1}%")) {} } }
}

/// A class of one of nine shades, 0 to 8, for a value between 0 and 1; all above 0 is at least 1.
pub fn shade(share: f64) -> usize {
    (8.0 * share.clamp(0.0, 1.0)).ceil() as usize
}

/// What the shades stand for; the numbers beside them say it too.
pub fn scale() -> Markup {
    html! {
        span class="scale" aria-hidden="true" {
            "none " @for shade in 0..=8 { span class=(format!("f{shade}")) {} } " most"
        }
    }
}

/// A cell of a table.
pub enum Cell {
    /// Names what the row is about.
    Head(Markup),
    /// Words.
    Text(Markup),
    /// A number, to the right.
    Number(Markup),
}

impl Cell {
    pub fn head(of: impl Render) -> Self {
        Self::Head(of.render())
    }
    pub fn text(of: impl Render) -> Self {
        Self::Text(of.render())
    }
    pub fn number(of: impl Render) -> Self {
        Self::Number(of.render())
    }
    /// A number of things.
    pub fn count(of: u64) -> Self {
        Self::number(grouped(of))
    }
    /// A share, with a bar.
    pub fn share(of: f64) -> Self {
        Self::Number(html! { (short_percent(of)) " " (bar(of)) })
    }
}

/// A table in its [`scrolling`] place.
pub fn table(caption: impl Render, header: &[&str], rows: impl IntoIterator<Item = Vec<Cell>>) -> Markup {
    let rows: Vec<Vec<Cell>> = rows.into_iter().collect();
    let numbers = |at: usize| rows.first().is_some_and(|row| matches!(row.get(at), Some(Cell::Number(_))));
    let caption = caption.render();
    let table = html! {
        table {
            caption { (caption) }
            thead { tr {
                @for (at, name) in header.iter().enumerate() {
                    th scope="col" class=[numbers(at).then_some("r")] { (name) }
                }
            } }
            tbody {
                @for row in &rows {
                    tr {
                        @for cell in row {
                            @match cell {
                                Cell::Head(of) => { th scope="row" { (of) } }
                                Cell::Text(of) => { td { (of) } }
                                Cell::Number(of) => { td class="n" { (of) } }
                            }
                        }
                    }
                }
            }
        }
    };
    scrolling(&caption, table)
}

/// What can be scrolled sideways where it is too wide, also by keyboard; who listens to the page hears its name there.
pub fn scrolling(name: &Markup, content: Markup) -> Markup {
    html! { div class="scroll" tabindex="0" role="group" aria-label=(words(name)) { (content) } }
}

/// The words of some HTML, for an attribute.
fn words(of: &Markup) -> Markup {
    // Neither words nor attributes have `<` or `>` that are not escaped.
    let pieces = of.0.split('<').enumerate();
    PreEscaped(
        pieces
            .map(|(at, piece)| if at == 0 { piece } else { piece.split_once('>').map_or("", |p| p.1) })
            .collect(),
    )
}

/// Pairs of a name and what is so called.
pub fn pairs(pairs: impl IntoIterator<Item = (&'static str, Markup)>) -> Markup {
    html! {
        dl {
            @for (name, value) in pairs { div { dt { (name) } dd { (value) } } }
        }
    }
}

/// A part of the page.
pub struct Section {
    /// Where links lead to; unique.
    pub id: &'static str,
    pub title: &'static str,
    pub body: Markup,
}

/// What is not there, and the command that gets it.
pub fn missing(what: &str, command: &str) -> Markup {
    html! { p class="missing" { (what) " " code { (command) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_have_three_digits() {
        let right = [
            (0.0, "0"),
            (7.0, "7"),
            (0.006, "0.0060"),
            (1.5, "1.50"),
            (999.0, "999"),
            (1234.0, "1.23 k"),
            (56.7e6, "56.7 M"),
        ];
        for (value, text) in right {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn words_are_without_elements() {
        let html = html! { "a " span title="<b>" { "& \"c\"" } "." };
        assert_eq!(words(&html).0, "a &amp; &quot;c&quot;.");
    }

    #[test]
    fn shades_start_above_nothing() {
        assert_eq!([0.0, 1e-9, 0.125, 0.126, 1.0, 7.0].map(shade), [0, 1, 1, 2, 8, 8]);
    }
}
