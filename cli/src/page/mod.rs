//! The report of a design as a page for a browser: one file that needs nothing else, no network and no script.
//!
//! Facts become figures, figures become sections, sections become the page:
//!
//! | module | what |
//! | --- | --- |
//! | `facts` | what the page is made of |
//! | `watch` | one image through the golden model: maps, rasters and histograms, added up while it runs |
//! | `form` | numbers, sources, bars and tables in HTML |
//! | `figures` | drawings in SVG |
//! | `sections` | the parts of the page, from the network to the boards |
//! | `document` | the whole |
//!
//! What is drawn is bounded, not the network: maps are averaged, neurons sampled, long lists cut with a word on what is
//! left out. Equal facts give equal bytes.

mod document;
mod facts;
mod figures;
mod form;
mod sections;
mod watch;

pub use document::document;
pub use facts::{Data, Facts};
pub use watch::watch;
