//! Texts that parts of the toolchain write for each other, or a user for them.

use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use spikegate_bitstreams::image::Image;
use spikegate_bitstreams::{boards, gates, report};
use spikegate_contract::bundle::sha256;
use spikegate_testbench::shard::{merge, Results, Written, FORMAT_VERSION};
use std::path::Path;

use crate::scratch;

/// Results of any form, joined as they come.
#[derive(Serialize, Deserialize)]
struct Anything(Vec<Value>);

impl Results for Anything {
    fn join(&mut self, next: Self) -> Result<(), [String; 3]> {
        self.0.extend(next.0);
        Ok(())
    }
    fn follow(&mut self, next: Self) -> Result<(), [String; 3]> {
        self.join(next)
    }
}

/// Records whose hashes are right, one a line.
pub fn shard(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let written: Vec<Written> = (0..)
        .zip(text.lines().take(3))
        .filter_map(|(number, record)| {
            let hash = sha256(record.as_bytes());
            let text = format!(
                "{{\"format_version\":{FORMAT_VERSION},\"sha256\":\"{hash}\",\"record\":{record}}}\n"
            );
            Written::open(&scratch::file(&format!("{number}.json"), text.as_bytes())).ok()
        })
        .collect();
    // And as it is.
    let _ = Written::open(&scratch::file("raw.json", bytes));
    merge::<Anything>(&written).is_ok()
}

pub fn shard_seeds() -> Vec<Vec<u8>> {
    let part = |index: usize| {
        json!({
            "verb": "eval", "shard": {"index": index, "of": 2}, "images": {"from": 5 * (index - 1), "to": 5 * index, "of": 10},
            "run": {"model": "m"}, "results": [index]
        })
    };
    let layers = |index: usize| {
        json!({
            "verb": "simulate", "shard": {"index": index, "of": 2}, "images": {"from": 0, "to": 1, "of": 1},
            "layers": {"from": 3 * (index - 1), "to": 3 * index, "of": 6}, "run": {}, "results": []
        })
    };
    let both = |[one, two]: [Value; 2]| format!("{one}\n{two}\n").into_bytes();
    vec![both([1, 2].map(part)), both([1, 2].map(layers))]
}

pub fn board(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(board) = boards::parse("board.toml", text) else { return false };
    let _ = (board.port(true), board.capacity(128), board.timing(40.0), board.controller(), board.all_pins());
    true
}

pub fn board_seeds() -> Vec<Vec<u8>> {
    let texts = [
        include_str!("../../../bitstreams/boards/ecpix-5-85f.toml"),
        include_str!("../../../bitstreams/boards/ulx3s-85f.toml"),
        include_str!("../../../bitstreams/boards/acorn-cle215.toml"),
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

pub fn image_toml(bytes: &[u8]) -> bool {
    Image::read(&scratch::file("image.toml", bytes)).is_ok()
}

pub fn image_toml_seeds() -> Vec<Vec<u8>> {
    vec![include_bytes!("../../../bitstreams/ecpix-5-85f/gac_fashion_t4.toml").to_vec()]
}

pub fn netlist(bytes: &[u8]) -> bool {
    gates::verilog(Path::new("netlist.json"), bytes, "top").is_ok()
}

pub fn netlist_seeds() -> Vec<Vec<u8>> {
    let lut = json!({
        "type": "LUT4", "parameters": {"INIT": "0110100110010110"},
        "connections": {"A": [2], "B": [3], "C": ["0"], "D": ["1"], "Z": [4]}
    });
    let register = json!({
        "type": "TRELLIS_FF", "parameters": {"CEMUX": "1", "CLKMUX": "CLK", "GSR": "DISABLED", "LSRMUX": "LSR", "REGSET": "RESET",
        "SRMODE": "LSR_OVER_CE"}, "connections": {"CLK": [5], "DI": [4], "LSR": ["0"], "Q": [6]}
    });
    let port = |direction: &str, bits: &[u64]| json!({"direction": direction, "bits": bits});
    let module = json!({
        "attributes": {"top": "1"}, "ports": {"a": port("input", &[2, 3]), "c": port("input", &[5]), "y": port("output", &[6])},
        "cells": {"l": lut, "r": register}, "netnames": {}
    });
    vec![json!({"creator": "Yosys", "modules": {"top": module}}).to_string().into_bytes()]
}

/// The first byte says which report it is.
pub fn reports(bytes: &[u8]) -> bool {
    let Some((&first, bytes)) = bytes.split_first() else { return false };
    let path = Path::new("report.json");
    match first % 2 {
        0 => report::timing(path, bytes, 40.0).is_ok(),
        _ => report::cells(path, bytes).is_ok(),
    }
}

pub fn report_seeds() -> Vec<Vec<u8>> {
    let cell = |cell: &str| json!({"cell": cell, "loc": [1, 2], "port": "A"});
    let hop =
        |kind: &str| json!({"type": kind, "delay": 0.5, "from": cell("a"), "to": cell("b"), "net": "n"});
    let timing = json!({
        "fmax": {"clk": {"achieved": 50.5, "constraint": 40.0}},
        "critical_paths": [{"from": "posedge clk", "to": "posedge clk", "path": [hop("clk-to-q"), hop("routing"), hop("logic")]}],
        "utilization": {"DP16KD": {"used": 3, "available": 208}}
    });
    let cells = json!({"design": {"num_cells_by_type": {"LUT4": 12, "CCU2C": 3}}});
    vec![format!("0{timing}").into_bytes(), format!("1{cells}").into_bytes()]
}
