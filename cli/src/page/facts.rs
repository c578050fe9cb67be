//! What the page is made of.

use spikegate_bitstreams::board::Board;
use spikegate_bitstreams::report::Implementation;
use spikegate_compiler::quantise::Comparison;
use spikegate_compiler::report::Report;
use spikegate_contract::bundle::Design;
use spikegate_testbench::data::About;
use spikegate_testbench::evaluate::Evaluation;

use super::watch::Watched;

/// All that is known of a design.
pub struct Facts<'a> {
    /// The design.
    pub design: &'a Design,
    /// Its report.
    pub report: &'a Report,
    /// Bitstreams of it.
    pub made: &'a [Implementation],
    /// Boards whose host links are of interest.
    pub boards: &'a [Board],
    /// What images have shown; none without any.
    pub data: Option<Data>,
}

/// What images have shown.
pub struct Data {
    /// The data set.
    pub about: About,
    /// Whether its labels may stand for other classes than the network's.
    pub doubt: Option<String>,
    /// Over all images.
    pub evaluation: Evaluation,
    /// Over one.
    pub watched: Watched,
    /// Layer by layer against the float network, if that was asked for.
    pub float: Option<Comparison>,
}

impl Data {
    /// Name of a class: that of its folder, where there is one, or its number.
    pub fn class(&self, class: usize) -> String {
        let named = self.about.classes.iter().find(|named| usize::from(named.label) == class);
        named.map_or_else(|| class.to_string(), |named| named.name.clone())
    }
}
