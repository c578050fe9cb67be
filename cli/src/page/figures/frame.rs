//! What every drawing has: a size, a name and a description.

use maud::{html, Markup};

/// A drawing in words.
pub struct Words<'a> {
    /// Unique in the page.
    pub id: &'a str,
    /// What it is.
    pub title: &'a str,
    /// What it shows; empty where the title says it.
    pub says: &'a str,
}

/// A drawing of a width and height, in pixels at its natural size.
pub fn drawing(words: &Words, class: &str, (width, height): (f64, f64), content: Markup) -> Markup {
    let (title, says) = (format!("{}-title", words.id), format!("{}-says", words.id));
    let names = if words.says.is_empty() { title.clone() } else { format!("{title} {says}") };
    html! {
        svg class=(class) role="img" aria-labelledby=(names) viewBox=(format!("0 0 {width:.0} {height:.0}"))
            style=(format!("--width:{width:.0}px")) {
            title id=(title) { (words.title) }
            @if !words.says.is_empty() { desc id=(says) { (words.says) } }
            (content)
        }
    }
}
