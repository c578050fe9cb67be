//! What a verb that can be divided leaves behind for `spikegate merge`.

use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::Value;
use spikegate_bitstreams::files;
use spikegate_bitstreams::output::Output;
use spikegate_contract::bundle::read::bounded;
use spikegate_contract::bundle::sha256;
use spikegate_testbench::shard::Record;
use std::io::Write;
use std::path::Path;

use crate::args::Preset;
use crate::failure::{Result, VerbError};

/// Of this program: what another one makes of the same may differ.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a shard prints that has no image, as where there are fewer images than shards.
pub const NO_IMAGES: &str = "no image is of this shard\n";

/// A model and what was said about it.
#[derive(Serialize)]
pub struct Model<'a> {
    sha256: &'a str,
    /// Hash of the file of constants beside it.
    constants: Option<String>,
    preset: Option<&'static str>,
    weights: Option<&'a str>,
    last_lif: Option<bool>,
}

impl<'a> Model<'a> {
    /// The model in a file whose hash is known.
    pub fn new(
        (path, sha256): (&Path, &'a str),
        preset: Option<Preset>,
        weights: Option<&'a str>,
        last_lif: Option<bool>,
    ) -> Self {
        let constants = bounded(&path.with_extension("toml"), files::TEXT).ok();
        let constants = constants.map(|bytes| self::sha256(&bytes));
        Self { sha256, constants, preset: preset.map(Preset::name), weights, last_lif }
    }
}

/// Writes a record.
pub fn write<R: Serialize>(mut output: Output, record: &Record<R>) -> Result<()> {
    let said = |e| VerbError::check("the results cannot be written as JSON").because(e);
    let text = record.text().map_err(said)?;
    output.write_all(text.as_bytes()).map_err(|e| output.failed(e))?;
    Ok(output.keep()?)
}

/// A part of what a record says was run.
pub fn part<T: DeserializeOwned>(run: &Value, name: &str) -> Result<T> {
    let said = |e| VerbError::input(format!("the records do not say `run.{name}`")).because(e);
    let value = serde_json::from_value(run.get(name).cloned().unwrap_or_default()).map_err(said)?;
    Ok(value)
}
