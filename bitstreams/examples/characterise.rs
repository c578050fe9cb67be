//! Synthesises a set of arrays and writes what they take into the estimator's table.
//!
//!     cargo run -p spikegate-bitstreams --example characterise -- bitstreams/src/estimate/table.csv [ecp5|xc7|xcup]...
//!
//! An array takes one to ten minutes. What was synthesised is kept in `target/characterise` under the hash of its
//! Verilog, so that it can be interrupted; the table is written anew after every array. Rows that the table has already
//! stay as they are: delete those that are to be measured anew.

use anyhow::{anyhow, Context, Result};
use spikegate_bitstreams::estimate::table::{self, Row};
use spikegate_bitstreams::estimate::{cost, Part};
use spikegate_bitstreams::families;
use spikegate_bitstreams::files::hash;
use spikegate_bitstreams::tools::Toolbox;
use spikegate_bitstreams::{characterise, output};
use spikegate_contract::array::ArrayConfig;
use std::path::Path;

/// Lanes, CI, CO, post lanes, bits of a sum, and words of the code, spike, stream, weight and parameter memories.
const ARRAYS: [[usize; 10]; 12] = [
    [1, 4, 4, 1, 24, 2048, 2048, 1024, 1024, 64],
    [4, 4, 4, 1, 26, 4096, 4096, 2048, 8192, 128],
    [8, 4, 4, 1, 24, 1024, 512, 512, 512, 64],
    [2, 8, 4, 1, 28, 2048, 4096, 2048, 4096, 256],
    [4, 8, 8, 2, 28, 8192, 2048, 2048, 2048, 64],
    [4, 8, 8, 4, 24, 1024, 1024, 512, 1024, 32],
    [1, 16, 16, 4, 30, 4096, 8192, 4096, 512, 32],
    [2, 16, 8, 2, 26, 1024, 2048, 1024, 1024, 64],
    [8, 8, 8, 2, 25, 2048, 1024, 256, 4096, 128],
    [8, 16, 4, 1, 28, 512, 256, 128, 2048, 64],
    [4, 16, 16, 1, 28, 4096, 1024, 1024, 512, 256],
    [4, 16, 16, 4, 28, 2048, 2048, 512, 1024, 64],
];

/// The same with a memory port: its data bits, and bursts of the ring of spilled maps or 0 without one.
const PORTS: [([usize; 10], [usize; 2]); 6] = [
    ([1, 4, 4, 1, 24, 1024, 2048, 512, 128, 64], [32, 0]),
    ([4, 4, 4, 1, 26, 4096, 1024, 512, 512, 128], [128, 1024]),
    ([2, 8, 4, 1, 28, 2048, 2048, 1024, 256, 64], [64, 4096]),
    ([4, 8, 8, 2, 28, 2048, 1024, 1024, 512, 64], [128, 0]),
    ([8, 4, 4, 1, 24, 1024, 512, 512, 1024, 64], [64, 2048]),
    ([4, 8, 8, 1, 28, 2048, 1024, 256, 256, 64], [512, 2048]),
];

/// Sizes, port, counts and flags of an array.
type Options = ([usize; 10], [usize; 2], [usize; 3], [bool; 3]);

/// The same with options: groups of the lists and words of their presence memory, images of a batch; whether maps are moved,
/// whether there is parity, whether weights can be packed.
const OPTIONS: [Options; 13] = [
    ([4, 8, 8, 2, 28, 2048, 1024, 1024, 512, 64], [128, 0], [0, 0, 1], [false, false, true]),
    ([4, 8, 8, 2, 28, 2048, 1024, 1024, 512, 64], [0, 0], [8, 2048, 1], [false; 3]),
    ([4, 8, 8, 1, 28, 2048, 1024, 1024, 512, 64], [128, 0], [0, 0, 4], [false; 3]),
    ([4, 8, 8, 1, 28, 2048, 1024, 512, 512, 64], [128, 2048], [0, 0, 1], [true, false, false]),
    ([2, 8, 4, 1, 28, 2048, 2048, 1024, 512, 64], [64, 0], [16, 1024, 1], [false; 3]),
    ([4, 4, 4, 1, 26, 2048, 2048, 1024, 512, 64], [32, 0], [0, 0, 1], [false, true, false]),
    ([4, 16, 8, 1, 28, 2048, 1024, 512, 512, 128], [128, 4096], [0, 0, 1], [true, false, true]),
    ([2, 8, 8, 2, 26, 2048, 2048, 1024, 1024, 64], [0, 0], [0, 0, 1], [false, true, true]),
    ([1, 4, 4, 1, 24, 2048, 2048, 1024, 1024, 64], [0, 0], [4, 1024, 1], [false; 3]),
    ([4, 4, 4, 2, 26, 1024, 2048, 1024, 512, 128], [64, 1024], [0, 0, 3], [false; 3]),
    ([8, 4, 4, 1, 24, 1024, 1024, 512, 512, 64], [128, 2048], [0, 0, 1], [true, false, false]),
    ([6, 8, 4, 1, 26, 2048, 1024, 512, 512, 64], [64, 2048], [4, 512, 1], [false, false, true]),
    ([4, 16, 16, 1, 28, 4096, 1024, 1024, 512, 256], [0, 0], [0, 0, 1], [false, false, true]),
];

fn array(
    [lanes, ci, co, post, sum_bits, code, spike, stream, weight, param]: [usize; 10],
    [port, ring]: [usize; 2],
    [groups, presence, batch]: [usize; 3],
    [moves, parity, packed]: [bool; 3],
) -> Result<ArrayConfig> {
    let array = ArrayConfig {
        sum_bits,
        code_depth: code,
        spike_depth: spike,
        stream_depth: stream,
        weight_depth: weight,
        param_depth: param,
        instr_depth: 1024,
        memory_bits: port,
        spill_depth: ring,
        skip_groups: groups,
        presence_depth: presence,
        batch,
        moves,
        parity,
        packed,
        ..ArrayConfig::new(lanes, 1, ci, co)?.with_post(post)?
    };
    array.check()?;
    Ok(array)
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let path = args.next().context("expected the file of the table")?;
    let parts: Vec<Part> = args
        .map(|name| Part::named(&name).with_context(|| format!("{name}: expected ecp5, xc7 or xcup")))
        .collect::<Result<_>>()?;
    let parts = if parts.is_empty() { Part::ALL.to_vec() } else { parts };
    let tools = Toolbox::from_environment();
    let old = table::read(&std::fs::read_to_string(&path).unwrap_or_else(|_| table::HEADER.to_owned()))?;
    let mut rows: Vec<Row> = old;
    let plain = |(sizes, port): ([usize; 10], [usize; 2])| (sizes, port, [0, 0, 1], [false; 3]);
    let arrays = PORTS.into_iter().chain(ARRAYS.map(|sizes| (sizes, [0, 0]))).map(plain);
    for (sizes, port, counts, flags) in OPTIONS.into_iter().chain(arrays) {
        let array = array(sizes, port, counts, flags)?;
        let hash = hash(spikegate_hdl::generate(&array, 0, 0)?.as_bytes());
        for &part in &parts {
            let family = families::with(part).with_context(|| format!("no family is a {}", part.name()))?;
            if rows.iter().any(|row| row.part == part && row.array == array) {
                continue;
            }
            let folder = Path::new("target/characterise").join(format!("{}-{}", part.name(), &hash[..16]));
            let began = std::time::Instant::now();
            let cells = characterise::cells(&array, family, &folder, &tools)?;
            let counts =
                cost::counts(&cells).map_err(|cell| anyhow!("{}: unknown cell {cell}", part.name()))?;
            rows.push(Row { part, array: array.clone(), counts });
            eprintln!("{} ({} s)", table::line(&rows[rows.len() - 1]), began.elapsed().as_secs());
            let lines: Vec<String> = rows.iter().map(table::line).collect();
            output::write(Path::new(&path), format!("{}\n{}\n", table::HEADER, lines.join("\n")).as_bytes())?;
        }
    }
    Ok(())
}
