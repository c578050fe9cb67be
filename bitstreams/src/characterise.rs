//! Synthesis of an array alone, without a board's top, to learn what it takes.

use std::collections::BTreeMap;
use std::path::Path;

use spikegate_contract::array::ArrayConfig;

use crate::families::Family;
use crate::files;
use crate::flow::FlowError;
use crate::held::Held;
use crate::report;
use crate::step::Step;
use crate::tools::{Toolbox, YOSYS};

/// Yosys' script for `core.v` (and `cells.v`) above the present folder.
pub fn script(family: &dyn Family) -> String {
    let cells = family.cells().map_or("", |_| "read_verilog -overwrite ../cells.v; ");
    let (synth, top) = (family.synthesis(), spikegate_hdl::TOP);
    format!("read_verilog ../core.v; {cells}{synth} -top {top}; tee -q -o cells.json stat -json")
}

/// Synthesises the core of an array in `folder`, which takes minutes unless it was done there before; the cells by
/// type.
///
/// # Errors
/// The tool is missing or fails, or a file cannot be written.
pub fn cells(
    array: &ArrayConfig,
    family: &dyn Family,
    folder: &Path,
    tools: &Toolbox,
) -> Result<BTreeMap<String, u64>, FlowError> {
    let args = ["-q".to_owned(), "-p".to_owned(), script(family)];
    let settings = vec![args.join("\n").into_bytes(), tools.version(&YOSYS)?.into_bytes()];
    let core = spikegate_hdl::generate(array, 0, 0)?.into_bytes();
    let mut files = vec![("../core.v", core.into())];
    files.extend(family.cells().map(|text| ("../cells.v", text.as_bytes().into())));
    let folder = &Held::cache(folder)?;
    let synth = Step { folder, name: "synth", settings, files, outputs: &["cells.json"] };
    let log = folder.join("synth.log");
    synth.run::<FlowError>(|dir| Ok(tools.run(&YOSYS, &args, dir, &log).map(drop)?))?;
    let path = folder.join("cells.json");
    Ok(report::cells(&path, &files::read(&path, files::TEXT)?)?)
}
