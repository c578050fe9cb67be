//! Synthesis of an array alone, without a board's top, to learn what it takes.

use std::collections::BTreeMap;
use std::path::Path;

use spikegate_contract::array::ArrayConfig;

use super::table::Counts;
use super::Part;
use crate::open::{FlowError, CELLS_ECP5};
use crate::report;
use crate::step::{self, Step};
use crate::tools::{Tool, Toolbox};

/// Look-up tables of the cells that hold any. Carry cells of Xilinx parts stand beside their look-up tables; a cell of
/// the ECP5 that carries holds two.
const LUTS: &[(&str, u64)] = &[
    ("LUT4", 1),
    ("CCU2C", 2),
    ("TRELLIS_DPR16X4", 4),
    ("LUT1", 1),
    ("LUT2", 1),
    ("LUT3", 1),
    ("LUT5", 1),
    ("LUT6", 1),
    ("INV", 1),
    ("SRL16E", 1),
    ("SRLC32E", 1),
    ("RAM32X1D", 2),
    ("RAM64X1D", 2),
    ("RAM128X1D", 4),
    ("RAM32M", 4),
    ("RAM64M", 4),
    ("RAM32M16", 8),
    ("RAM64M8", 8),
];
const FLIP_FLOPS: &[&str] = &["TRELLIS_FF", "FDRE", "FDSE", "FDCE", "FDPE"];
const MEMORIES: &[(&str, u64)] =
    &[("DP16KD", 1), ("PDPW16KD", 1), ("RAMB18E1", 1), ("RAMB18E2", 1), ("RAMB36E1", 2), ("RAMB36E2", 2)];
const MULTIPLIERS: &[&str] = &["MULT18X18D", "DSP48E1", "DSP48E2"];
/// Cells that take none of the blocks counted here.
const FREE: &[&str] =
    &["CARRY4", "CARRY8", "MUXF7", "MUXF8", "MUXF9", "PFUMX", "L6MUX21", "GND", "VCC", "BUFG", "$scopeinfo"];

/// The UART bridge, from `synth_ecp5 -abc9` of it alone.
pub const UART: Counts = Counts { lut: 1176, ff: 554, bram: 2, dsp: 0 };

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

/// Counts the blocks of a netlist; the name of a cell that nothing is known of where there is one.
pub fn counts(cells: &BTreeMap<String, u64>) -> Result<Counts, String> {
    let mut counts = Counts::default();
    for (name, &n) in cells {
        let of =
            |table: &[(&str, u64)]| table.iter().find(|(cell, _)| cell == name).map(|&(_, each)| each * n);
        if let Some(luts) = of(LUTS) {
            counts.lut += luts;
        } else if FLIP_FLOPS.contains(&name.as_str()) {
            counts.ff += n;
        } else if let Some(blocks) = of(MEMORIES) {
            counts.bram += blocks;
        } else if MULTIPLIERS.contains(&name.as_str()) {
            counts.dsp += n;
        } else if !FREE.contains(&name.as_str()) {
            return Err(name.clone());
        }
    }
    Ok(counts)
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
    step::make_folder(folder)?;
    let sources = [("core.v", spikegate_hdl::generate(array, 0, 0)?), ("cells.v", CELLS_ECP5.to_owned())];
    for (name, text) in &sources {
        step::write(&folder.join(name), text.as_bytes())?;
    }
    let args = ["-q".to_owned(), "-p".to_owned(), script(part)];
    let mut inputs = vec![args.join("\n").into_bytes(), tools.version(Tool::Yosys)?.into_bytes()];
    inputs.extend(sources.map(|(_, text)| text.into_bytes()));
    let synth = Step { folder, name: "synth", inputs, outputs: &["cells.json"] };
    let log = folder.join("synth.log");
    synth.run::<FlowError>(|dir| Ok(tools.run(Tool::Yosys, &args, dir, &log)?))?;
    let path = folder.join("cells.json");
    Ok(report::cells(&path, &step::read(&path)?)?)
}
