//! Board files: the ones here read, wrong ones are refused by name.
#![allow(clippy::unwrap_used)]

use spikegate_bitstreams::board::{builtin, parse, resolve, BoardError, Flow, Host};
use spikegate_contract::failure::Failure;

fn text(id: &str) -> String {
    std::fs::read_to_string(format!("{}/boards/{id}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The message of a board file with one change.
fn refusal(id: &str, from: &str, to: &str) -> String {
    let good = text(id);
    assert!(good.contains(from), "{from:?} is not in {id}");
    parse(id, &good.replacen(from, to, 1)).unwrap_err().in_a_line()
}

#[test]
fn every_file_is_a_board_of_its_name() {
    let boards = builtin().unwrap();
    let mut ids: Vec<&str> = boards.iter().map(|b| b.id.as_str()).collect();
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/boards")).unwrap();
    let mut names: Vec<String> =
        files.map(|f| f.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    ids.sort_unstable();
    names.sort_unstable();
    assert_eq!(ids, names);
    for board in &boards {
        assert_eq!(resolve(&board.id).unwrap(), *board);
        assert!(text(&board.id).starts_with("# P"), "{}: its first lines name the sources", board.id);
        assert_eq!(board.flow == Flow::Open, matches!(board.host, Host::Uart { .. }));
    }
    // The two cards share pins and not the part.
    let (acorn, litefury) = (resolve("acorn-cle215").unwrap(), resolve("litefury").unwrap());
    assert_eq!(acorn.pins, litefury.pins);
    assert!(acorn.device.part.starts_with("xc7a200t") && litefury.device.part.starts_with("xc7a100t"));
}

#[test]
fn an_unknown_key_is_answered_with_the_nearest() {
    let said = refusal("ulx3s-85f", "package = ", "pakage = ");
    let want = "board file ulx3s-85f, line 14: there is no key \"pakage\" (did you mean \"package\"?); \
                use one of: family, part, size, package, speed";
    assert_eq!(said, want);
    let said = refusal("ulx3s-85f", "uart_tx =", "uart_txd =");
    assert!(said.contains("\"uart_txd\" (did you mean \"uart_tx\"?)"), "{said}");
    let said = refusal("ulx3s-85f", "id = ", "qqqqqqqqqqqqqq = 1\nid = ");
    assert!(said.contains("no key \"qqqqqqqqqqqqqq\";"), "{said}");
    let said = refusal("ulx3s-85f", "baud =", "bauds =");
    assert!(said.contains("\"bauds\" (did you mean \"baud\"?)"), "{said}");
}

#[test]
fn wrong_values_are_named() {
    let cases = [
        ("ulx3s-85f", "format_version = 1", "format_version = 2", "format_version is 2, expected 1"),
        ("ulx3s-85f", "id = \"ulx3s-85f\"", "id = \"../x\"", "id is \"../x\""),
        ("ulx3s-85f", "core_mhz = 25.0", "core_mhz = 0.0", "core_mhz is 0"),
        ("ulx3s-85f", "flow = \"open\"", "flow = \"vendor\"", "flow is vendor"),
        ("ulx3s-85f", "size = \"85k\"\n", "", "device.size is missing"),
        ("ulx3s-85f", "baud = 1000000", "baud = 1", "host.baud is 1, expected 9600"),
        ("ulx3s-85f", "uart_rx = {", "uart_rx2 = {", "did you mean \"uart_rx\""),
        ("ulx3s-85f", "site = \"B2\"", "site = \"G2\"", "site is G2 for clock and led[0]"),
        ("ulx3s-85f", "site = \"B2\"", "site = \"B2;x\"", "site of led[0]"),
        ("ulx3s-85f", "speed = \"6\"", "speed = 6", "line 15: invalid type: integer `6`"),
        ("ulx3s-85f", "[pins]", "[pins", "line"),
        ("acorn-cle215", "lanes = 4", "lanes = 3", "host.lanes is 3"),
        ("acorn-cle215", "generation = 2", "generation = 4", "host.generation is 4"),
        ("acorn-cle215", "axi_bits = 128", "axi_bits = 127", "host.axi_bits is 127"),
        ("acorn-cle215", "axi_bits = 128", "axi_bits = 64", "core_mhz is 125, expected lanes x 2"),
        ("acorn-cle215", "\"GTPE2_CHANNEL_X0Y7\"", "", "host.channels is 3"),
        ("acorn-cle215", "pcie_clock_p = { site = \"F6\" }\n", "", "pins.pcie_clock_p is missing"),
    ];
    for (id, from, to, want) in cases {
        let said = refusal(id, from, to);
        assert!(said.contains(want), "{to:?}: {said}");
    }
}

#[test]
fn an_unknown_board_is_answered_with_the_nearest() {
    let said = resolve("ulx3").unwrap_err().in_a_line();
    assert!(said.contains("(did you mean \"ulx3s-85f\"?)") && said.contains("alveo-u250"), "{said}");
    assert!(matches!(resolve("de10"), Err(BoardError::Unknown { nearest: None, .. })));
    assert!(matches!(resolve("nowhere/x.toml"), Err(BoardError::Io { .. })));
    let own = tempfile::tempdir().unwrap().keep().join("own.toml");
    std::fs::write(&own, text("kcu105")).unwrap();
    assert_eq!(resolve(own.to_str().unwrap()).unwrap(), resolve("kcu105").unwrap());
}
