//! Board files: the ones here read, wrong ones are refused by name.
#![allow(clippy::unwrap_used)]

use spikegate_bitstreams::board::{Flow, Host};
use spikegate_bitstreams::boards::{builtin, parse, resolve, BoardError};
use spikegate_bitstreams::families;
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
        ("ulx3s-85f", "site = \"B2\"", "site = \"B2;x\"", "the text is \"B2;x\", expected"),
        ("ulx3s-85f", "site = \"B2\"", "site = \"B2-x\"", "site of led[0]"),
        ("ulx3s-85f", "speed = \"6\"", "speed = 6", "line 15: invalid type: integer `6`"),
        ("ulx3s-85f", "[pins]", "[pins", "line"),
        ("ulx3s-85f", "mebibytes = 32", "mebibytes = 18446744073709551615", "memories.mebibytes is 18446744073709551615, expected 1 to"),
        ("ulx3s-85f", "bits = 16\nmebibytes", "bits = 0\nmebibytes", "memories.bits is 0, expected 1 to"),
        ("ecpix-5-85f", "latency = 19", "latency = 70000", "memories.timing.latency is 70000, expected 0 to 65535"),
        ("ecpix-5-85f", "latency = 19", "latencies = 19", "did you mean \"latency\""),
        ("ecpix-5-85f", "read = 8.0", "read = 17.0", "memories.timing.read is 17, expected 0.001 to 16 bytes"),
        ("ecpix-5-85f", "write = 8.0", "write = 0.0", "memories.timing.write is 0, expected 0.001"),
        ("ecpix-5-85f", "write = 8.0\n", "", "missing field `write`"),
        ("ecpix-5-85f", "refresh_every = 508", "refresh_every = 40", "refresh_every is 40, expected 41 to"),
        ("ecpix-5-85f", "row_bytes = 2048", "row_bytes = 2000", "row_bytes is 2000, expected a power of two"),
        ("ecpix-5-85f", "banks = 8", "banks = 0", "banks is 0, expected 1 to"),
        ("ecpix-5-85f", "ahead = 16", "ahead = 0", "memories.timing.ahead is 0, expected 1 to"),
        ("ecpix-5-85f", "ahead = 16", "ahead = -1", "invalid value: integer `-1`"),
        ("ecpix-5-85f", "[memories.timing]\n", "[x]\n", "there is no key \"x\""),
        ("acorn-cle215", "connected = false", "connected = false\ntiming = { latency = 1, acknowledge = 1, read = 1.0, \
            write = 1.0, refresh_every = 9, refresh_cycles = 1, turn_to_write = 1, turn_to_read = 1, row_bytes = 64, \
            row_miss = 1, banks = 8, bank_change = 1, ahead = 1 }", "memories.timing is there, expected none"),
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
    assert!(matches!(resolve("nowhere/x.toml"), Err(BoardError::File(_))));
    let own = tempfile::tempdir().unwrap().keep().join("own.toml");
    std::fs::write(&own, text("kcu105")).unwrap();
    assert_eq!(resolve(own.to_str().unwrap()).unwrap(), resolve("kcu105").unwrap());
}

/// Rows of `BOARDS.md`: key, and whether it must be there.
fn page() -> Vec<(String, bool)> {
    let rows = include_str!("../BOARDS.md").lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let (key, rest) = row.split_once("` |").unwrap();
        (key.to_owned(), rest.trim_start().starts_with("yes"))
    })
    .collect()
}

/// The board that has a section, and the section in the file.
const SECTIONS: [(&str, &str, &str); 12] = [
    ("ulx3s-85f", "", "format_version ="),
    ("ulx3s-85f", "device", "[device]"),
    ("ulx3s-85f", "resources", "[resources]"),
    ("ulx3s-85f", "clock", "[clock]"),
    ("ulx3s-85f", "host", "[host]"),
    ("acorn-cle215", "host", "[host]"),
    ("ulx3s-85f", "programmer", "[programmer]"),
    ("ulx3s-85f", "pins", "[pins]"),
    ("ulx3s-85f", "leds", "[[leds]]"),
    ("ulx3s-85f", "memories", "[[memories]]"),
    ("ecpix-5-85f", "memories.timing", "[memories.timing]"),
    ("kcu105", "vendor", "[vendor]"),
];

#[test]
fn the_page_lists_every_key_that_is_read_and_no_other() {
    let mut read = std::collections::BTreeSet::new();
    for (id, section, mark) in SECTIONS {
        let good = text(id);
        let spoilt = match section {
            "" => format!("no_such_key = 1\n{good}"),
            _ if good.contains(mark) => good.replacen(mark, &format!("{mark}\nno_such_key = 1"), 1),
            _ => format!("{good}\n{mark}\nno_such_key = 1\n"),
        };
        let Err(BoardError::Key { valid, .. }) = parse(id, &spoilt) else { panic!("{id} {section}") };
        let dot = if section.is_empty() { "" } else { "." };
        read.extend(valid.split(", ").map(|key| format!("{section}{dot}{key}")));
    }
    // The tag of a host is taken before its keys are looked at.
    read.insert("host.link".to_owned());
    let listed = page().into_iter().map(|(key, _)| key).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(read, listed);
}

#[test]
fn keys_that_must_be_there_are_missed_by_name() {
    for (key, must) in page().into_iter().filter(|(key, _)| key.contains('.')) {
        let (section, name) = key.rsplit_once('.').unwrap();
        let line = format!("{name} = ");
        for (id, _, mark) in SECTIONS.iter().filter(|(_, s, _)| *s == section) {
            let good = text(id);
            let Some(begin) = good.find(mark) else { continue };
            let Some(at) = good[begin..].find(&format!("\n{line}")).map(|at| begin + at + 1) else {
                continue;
            };
            // Not in the next section.
            if good[begin + 1..at].contains("\n[") {
                continue;
            }
            let end = at + good[at..].find('\n').unwrap() + 1;
            let without = format!("{}{}", &good[..at], &good[end..]);
            match parse(id, &without) {
                Ok(_) => assert!(!must, "{id} reads without {key}"),
                Err(error) => {
                    assert!(must || section == "pins" || section == "device", "{id}, {key}: {error}");
                    assert!(error.to_string().contains(name), "{id}, {key}: {error}");
                }
            }
        }
    }
}

#[test]
fn a_family_that_is_not_known_is_answered_with_all() {
    let said = refusal("ulx3s-85f", "family = \"ecp5\"", "family = \"ice40\"");
    assert!(
        said.contains("device.family is \"ice40\", expected one of ecp5, artix7, kintexu, virtexuplus"),
        "{said}"
    );
    let said = refusal("ulx3s-85f", "family = \"ecp5\"", "family = \"artix7\"");
    assert!(said.contains("flow is open, expected vendor for the Xilinx Artix-7 family"), "{said}");
}

#[test]
fn every_family_has_a_board_and_says_what_comes_next() {
    let mut seen = std::collections::BTreeSet::new();
    for board in builtin().unwrap() {
        let family = families::of(&board).unwrap();
        seen.insert(family.name());
        assert!(family.make().contains("`spikegate synth`"), "{}", family.name());
        assert_eq!(family.clock(&board, None).unwrap(), board.core_mhz, "{}", board.id);
    }
    assert!(families::names().iter().all(|name| seen.contains(name)), "a family without a board: {seen:?}");
}

/// Every text of a board file that goes into a command, a script or a source.
#[test]
fn no_text_means_something_to_a_program() {
    let texts = [
        ("ulx3s-85f", "name = \"Radiona ULX3S with LFE5U-85F\""),
        ("ulx3s-85f", "part = \"LFE5U-85F-6BG381C\""),
        ("ulx3s-85f", "size = \"85k\""),
        ("ulx3s-85f", "package = \"CABGA381\""),
        ("ulx3s-85f", "speed = \"6\""),
        ("ulx3s-85f", "bram_name = \"DP16KD (18 kbit)\""),
        ("ulx3s-85f", "dsp_name = \"MULT18X18D\""),
        ("ulx3s-85f", "tool = \"openFPGALoader\""),
        ("ulx3s-85f", "board = \"ulx3s\""),
        ("ulx3s-85f", "site = \"G2\""),
        ("ulx3s-85f", "io = \"LVCMOS33\""),
        ("ulx3s-85f", "kind = \"SDR SDRAM\""),
        ("litefury", "part = \"xc7a100tfgg484-2L\""),
        ("litefury", "part = \"xc7a100tfgg484\""),
        ("litefury", "location = \"X0Y0\""),
        ("litefury", "\"GTPE2_CHANNEL_X0Y6\""),
        ("litefury", "\"CONFIG_VOLTAGE 3.3\""),
        ("alveo-u250", "quad = \"GTY_Quad_227\""),
    ];
    for (id, from) in texts {
        let text = from.rsplit_once('"').unwrap().0.rsplit_once('"').unwrap().1;
        for bad in [
            "[exec touch x]",
            "x\\nrun_evil",
            "x; exec y",
            "x\\\\",
            "$env(HOME)",
            "run=evil.py\\t",
            "@ports@",
            "",
        ] {
            let to = from.replace(text, bad);
            let said = refusal(id, from, &to);
            assert!(said.starts_with(&format!("board file {id}")), "{id}, {to}: {said}");
        }
    }
    // A word that only this program's family knows.
    let said = refusal("ulx3s-85f", "size = \"85k\"", "size = \"run\"");
    assert!(
        said.contains("device.size is \"run\", expected nextpnr-ecp5's option for the device: 12k, "),
        "{said}"
    );
    let said = refusal("ulx3s-85f", "lut = 83640", "lut = 9223372036854775807");
    assert!(said.contains("resources.lut is 9223372036854775807, expected at most"), "{said}");
}

#[test]
fn a_board_file_is_a_small_regular_file() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("x.toml");
    let said = || resolve(path.to_str().unwrap()).unwrap_err().in_a_line();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert!(said().contains("x.toml: it is not a regular file"), "{}", said());
    std::fs::remove_file(&path).unwrap();
    std::fs::File::create(&path).unwrap().set_len(3 << 30).unwrap();
    assert!(said().contains("it holds more than"), "{}", said());
}
