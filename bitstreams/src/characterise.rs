//! Synthesis of an array alone, without a board's top, to learn what it takes.

use std::collections::BTreeMap;
use std::path::Path;

use spikegate_contract::array::ArrayConfig;

use crate::estimate::Part;
use crate::families::ecp5::{FlowError, CELLS_TEXT};
use crate::files;
use crate::held::Held;
use crate::report;
use crate::step::Step;
use crate::tools::{Tool, Toolbox};

/// Yosys' script for `core.v` (and `cells.v`) above the present folder.
pub fn script(part: Part) -> String {
    let synth = match part {
        Part::Ecp5 => "read_verilog -overwrite ../cells.v; synth_ecp5 -abc9".to_owned(),
        Part::Xc7 | Part::Xcup => {
            format!("synth_xilinx -family {} -flatten -noiopad -noclkbuf -abc9", part.name())
        }
    };
    format!("read_verilog ../core.v; {synth} -top {}; tee -q -o cells.json stat -json", spikegate_hdl::TOP)
}

/// Synthesises the core of an array in `folder`, which takes minutes unless it was done there before; the cells by
/// type.
///
/// # Errors
/// The tool is missing or fails, or a file cannot be written.
pub fn cells(
    array: &ArrayConfig,
    part: Part,
    folder: &Path,
    tools: &Toolbox,
) -> Result<BTreeMap<String, u64>, FlowError> {
    let args = ["-q".to_owned(), "-p".to_owned(), script(part)];
    let settings = vec![args.join("\n").into_bytes(), tools.version(Tool::Yosys)?.into_bytes()];
    let core = spikegate_hdl::generate(array, 0, 0)?.into_bytes();
    let files = vec![("../core.v", core.into()), ("../cells.v", CELLS_TEXT.as_bytes().into())];
    let folder = &Held::cache(folder)?;
    let synth = Step { folder, name: "synth", settings, files, outputs: &["cells.json"] };
    let log = folder.join("synth.log");
    synth.run::<FlowError>(|dir| Ok(tools.run(Tool::Yosys, &args, dir, &log).map(drop)?))?;
    let path = folder.join("cells.json");
    Ok(report::cells(&path, &files::read(&path, files::TEXT)?)?)
}
