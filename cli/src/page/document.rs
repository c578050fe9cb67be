//! The page as a whole. It is HTML and XML at once: no element is left open, so that any parser reads it the same.

use maud::{html, PreEscaped};
use spikegate_contract::text::printable_lines;

use super::facts::Facts;
use super::form::Section;
use super::sections::{sections, summary};

/// Colours, type and spacing, for light and dark.
const STYLE: &str = include_str!("style.css");
/// Where figures come from.
const SOURCES: [(&str, &str); 6] = [
    ("estimate", "computed from shapes and the array, or by the estimator of an FPGA family"),
    ("synthesis", "counted in a synthesised netlist"),
    ("route", "counted in a placed and routed netlist"),
    ("simulation", "counted while the Verilog ran in Verilator"),
    ("measured", "measured by running the networks in software"),
    ("model", "operations times published figures for one of them"),
];

/// The page. Nothing in it is fetched or run, which its policy tells the browser too.
pub fn document(facts: &Facts) -> String {
    let name = &facts.report.network.name;
    let sections = sections(facts);
    let manifest = &facts.design.manifest;
    let body = html! {
        a class="skip" href="#main" { "To the report" }
        header {
            p class="quiet" { "SpikeGate report" }
            h1 { (name) }
            (summary(facts))
        }
        nav aria-label="Parts of the report" {
            ul { @for section in &sections { li { a href=(format!("#{}", section.id)) { (section.title) } } } }
        }
        main id="main" {
            @for Section { id, title, body } in &sections {
                @let heading = format!("{id}-heading");
                section id=(id) aria-labelledby=(heading) {
                    h2 id=(heading) { (title) }
                    (body)
                }
            }
        }
        footer {
            h2 { "Where figures come from" }
            dl { @for (name, what) in SOURCES { div { dt { span class="source" { (name) } } dd { (what) } } } }
            p { "Nothing here was measured on a physical board." }
            p class="quiet" {
                "Design " code { (manifest.manifest_hash) } ", made by spikegate " (env!("CARGO_PKG_VERSION")) "."
            }
        }
    };
    let head = html! {
        title { (name) " – SpikeGate report" }
        style { (PreEscaped(STYLE)) }
    };
    // Elements without content, which HTML and XML close differently, are written here alone.
    printable_lines(&format!(
        "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n\
         {}\n</head>\n<body>\n{}\n</body>\n</html>\n",
        head.into_string(),
        body.into_string()
    ))
}
