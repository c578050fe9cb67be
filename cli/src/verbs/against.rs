//! A design against the float network that it was compiled from.

use spikegate_compiler::quantise::{compare, difference, Comparison};
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

    /// Compares on as many of these images of a set, evenly.
    pub fn compare(
        &self,
        design: &Design,
        set: &DataSet,
        chosen: &[usize],
        steps: &mut Steps,
    ) -> Result<Comparison> {
        steps.next("compare with the float network");
        let count = chosen.len().min(self.images);
        let numbers: Vec<usize> = (0..count).map(|i| chosen[i * chosen.len() / count]).collect();
        let pixels = set.take(&numbers)?;
        let finished = AtomicU64::new(0);
        let done = || steps.count(finished.fetch_add(1, Ordering::Relaxed) + 1, count as u64);
        Ok(compare(&self.network, &design.network, &pixels, &done)?)
    }
}
