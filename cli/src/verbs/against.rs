//! A design against the float network that it was compiled from.

use spikegate_compiler::quantise::{compare_each, difference, Comparison};
use spikegate_compiler::{graph, import};
use spikegate_contract::bundle::Design;
use spikegate_testbench::data::DataSet;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::args::Against;
use crate::failure::{Result, VerbError};
use crate::progress::Steps;

/// The float network, and on how many images it is compared.
pub struct Float {
    network: graph::Network,
    images: usize,
}

impl Float {
    /// The network that was asked for, if one was.
    ///
    /// # Errors
    /// The file is none of a model, or not the one that the design was compiled from.
    pub fn open(against: &Against, design: &Design) -> Result<Option<Self>> {
        let (Some(count), Some(path)) = (against.float, &against.model) else { return Ok(None) };
        let network = import::load_with(path, &against.request())?;
        let (got, expected) = (&network.origin.sha256, &design.manifest.model_hash);
        if got != expected {
            let text = format!(
                "{} is not the model of this design: its SHA-256 is {got}, that of the model compiled {expected}",
                path.display()
            );
            return Err(VerbError::input(text)
                .help("give the file that was compiled, or compile this one")
                .into());
        }
        if let Some(text) = difference(&network, &design.network) {
            let text = format!("{} with these constants is not what was compiled: {text}", path.display());
            return Err(VerbError::input(text)
                .help("give the constants and options that compile had")
                .into());
        }
        Ok(Some(Self { network, images: usize::try_from(count).unwrap_or(usize::MAX) }))
    }

    /// The places of as many of `len` images, evenly.
    pub fn places(&self, len: usize) -> impl Iterator<Item = usize> {
        let count = len.min(self.images);
        (0..count).map(move |i| i * len / count)
    }

    /// Compares on some images of a set, each by itself.
    pub fn compare(
        &self,
        design: &Design,
        set: &DataSet,
        numbers: &[usize],
        steps: &mut Steps,
    ) -> Result<Vec<Comparison>> {
        steps.next("compare with the float network");
        let pixels = set.take(numbers)?;
        let (finished, count) = (AtomicU64::new(0), numbers.len() as u64);
        let done = || steps.count(finished.fetch_add(1, Ordering::Relaxed) + 1, count);
        Ok(compare_each(&self.network, &design.network, &pixels, &done)?)
    }
}
