//! Every module prints, and Verilator accepts it.
use spikegate_contract::array::ArrayConfig;
use spikegate_hdl::lang::verilog;

fn lint(name: &str, text: &str) {
    let dir = std::env::temp_dir().join(format!("sg_lint_{name}"));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join(format!("{name}.v"));
    std::fs::write(&file, text).unwrap();
    let out = std::process::Command::new("verilator")
        .args(["--lint-only", "-Wall", "-Wno-WIDTH", "-Wno-UNUSED", "-Wno-DECLFILENAME", "--top-module", name])
        .arg(&file)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn modules_print_and_lint() {
    use spikegate_hdl::{array::*, control::*};
    let a = ArrayConfig::new(4, 1, 8, 8).unwrap();
    lint("column", &verilog::write(&column::Column::new(&a), "column").unwrap());
    lint("slot", &verilog::write(&slot::Slot::new(&a), "slot").unwrap());
    lint("pixels", &verilog::write(&pixels::Pixels::new(&a), "pixels").unwrap());
    lint("window", &verilog::write(&window::Window::new(), "window").unwrap());
    lint("drain", &verilog::write(&drain::Drain::new(&a), "drain").unwrap());
    lint("requantise", &verilog::write(&spikegate_hdl::post::requantise::Requantise::new(&a), "requantise").unwrap());
    lint("lif", &verilog::write(&spikegate_hdl::post::lif::LifLane::new(4, 2), "lif").unwrap());
    lint("statistics", &verilog::write(&spikegate_hdl::encoder::statistics::Statistics::new(2), "statistics").unwrap());
    lint("temporal", &verilog::write(&spikegate_hdl::encoder::temporal::TemporalAttention::new(4), "temporal").unwrap());
    lint("gate", &verilog::write(&spikegate_hdl::encoder::gate::Gate::new(4), "gate").unwrap());
    lint("lane", &verilog::write(&lane::Lane::new(&a), "lane").unwrap());
    lint("datapath", &verilog::write(&spikegate_hdl::datapath::Datapath::new(&a), "datapath").unwrap());
    lint("spikegate", &verilog::write(&spikegate_hdl::top::Accelerator::new(&a, 1, 2), "spikegate").unwrap());
    lint("sequencer", &verilog::write(&sequencer::Sequencer::new(&a), "sequencer").unwrap());
}
