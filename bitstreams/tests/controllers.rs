//! The kept controllers of boards' memories: they are what their descriptions say, with everything mended that the generator
//! leaves wrong.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::fs;

use spikegate_bitstreams::boards::builtin;
use spikegate_bitstreams::controller::{names, of, Controller};

fn file(name: &str) -> String {
    fs::read_to_string(format!("{}/controllers/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn controllers() -> Vec<Controller> {
    names().into_iter().map(|name| of(name).unwrap_or_else(|| panic!("{name} does not read"))).collect()
}

#[test]
fn every_connected_memory_has_its_controller() {
    let boards = builtin().unwrap();
    let used: HashSet<String> = boards.iter().filter_map(|b| b.controller()).map(|c| c.name).collect();
    assert_eq!(used, names().into_iter().map(str::to_owned).collect());
    for board in boards {
        let Some(controller) = board.controller() else { continue };
        let memory = board.memories.iter().find(|m| m.connected).unwrap();
        assert_eq!(controller.lanes * 8, memory.bits as usize, "{}", board.id);
        // No ball twice, with those that the board has otherwise.
        let mut sites: Vec<String> = board.all_pins().iter().map(|(_, pin)| pin.site.to_string()).collect();
        sites.extend(controller.pins.iter().flat_map(|pin| pin.sites.clone()));
        let count = sites.len();
        assert_eq!(sites.into_iter().collect::<HashSet<_>>().len(), count, "{}", board.id);
    }
}

#[test]
fn the_kept_files_are_mended() {
    for controller in controllers() {
        let name = &controller.name;
        let (verilog, phy) = (file(&format!("{name}.v")), file(&format!("{name}_phy.v")));
        for text in [&verilog, &phy] {
            for word in ["Date", "LiteX on", "sha1", "`timescale", "/tmp", "/home", "/work"] {
                assert!(!text.contains(word), "{name}: {word}");
            }
            let mut seen = HashSet::new();
            for line in text.lines().filter(|line| line.starts_with("assign ")) {
                assert!(seen.insert(line), "{name}: {line} stands twice");
            }
        }
        for pin in &controller.pins {
            let direction = if pin.out { "output" } else { "inout" };
            let port = phy.lines().find(|l| l.trim_end_matches(',').ends_with(&format!(" {}", pin.name)));
            let port = port.unwrap_or_else(|| panic!("{name}: no {}", pin.name)).trim_start();
            assert!(port.starts_with(direction), "{name}: {port}");
        }
        assert!(controller.pins.iter().any(|pin| !pin.out), "{name}: nothing can be read");
        // The port is as wide as a burst of the memory, and the refresh takes no longer than it must.
        let port = format!("[{}:0] s_axi_rdata", controller.axi_bits - 1);
        assert!(verilog.contains(&port), "{name}: no {port}");
        let json: serde_json::Value = serde_json::from_str(&file(&format!("{name}.json"))).unwrap();
        let [takes, every] = ["refresh_cycles", "refresh_every"].map(|key| json[key].as_f64().unwrap());
        assert!(every / controller.clock_mhz <= 7.82, "{name}: a refresh every {every} cycles");
        assert!((0.25..0.3).contains(&(takes / controller.clock_mhz)), "{name}: a refresh of {takes} cycles");
        assert!(controller.recipe().steps.iter().all(|step| step.wait >= 512), "{name}: a step is too short");
    }
}

#[test]
fn the_licence_is_kept() {
    let text = file("LICENSE-LITEDRAM");
    assert!(text.contains("EnjoyDigital") && text.contains("THIS SOFTWARE IS PROVIDED"));
}
