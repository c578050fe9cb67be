//! The script that builds, and what Vivado must read before it.

use std::fmt::Write;

use super::link::Link;
use crate::board::Board;

/// Oldest Vivado that the project is written for: the first with version 4.1 of the XDMA block for all boards here.
pub const VIVADO: &str = "2020.1";

/// Transceivers of lanes that are not in the block's order. A transceiver that has a place already cannot get another
/// one, so this is read before the block's own constraints, which Vivado then reports as critical warnings.
pub(super) fn early_xdc(link: &Link<'_>) -> String {
    let mut out = String::from("# Places of the lanes' transceivers.\n");
    for (lane, channel) in link.channels.iter().enumerate() {
        let cells = format!("*pipe_lane[{lane}].gt_wrapper_i/gtp_channel.gtpe2_channel_i");
        let _ =
            writeln!(out, "set_property LOC {channel} [get_cells -hierarchical -filter {{NAME =~ {cells}}}]");
    }
    out
}

/// Settings of the XDMA block: one AXI4-Stream channel each way, registers on BAR 0 (64 KiB), one user interrupt.
fn settings(board: &Board, link: &Link<'_>) -> Vec<(&'static str, String)> {
    let rate = match link.generation {
        1 => "2.5_GT/s",
        2 => "5.0_GT/s",
        _ => "8.0_GT/s",
    };
    let mut out = vec![
        ("mode_selection", "Advanced".to_owned()),
        ("pcie_blk_locn", link.location.to_string()),
        ("pl_link_cap_max_link_width", format!("X{}", link.lanes)),
        ("pl_link_cap_max_link_speed", rate.to_owned()),
        ("ref_clk_freq", format!("{}_MHz", board.clock.mhz)),
        ("axi_data_width", format!("{}_bit", link.axi_bits)),
        ("axisten_freq", board.core_mhz.to_string()),
        ("xdma_axi_intf_mm", "AXI_Stream".to_owned()),
        ("xdma_rnum_chnl", "1".to_owned()),
        ("xdma_wnum_chnl", "1".to_owned()),
        ("xdma_num_usr_irq", "1".to_owned()),
        ("axilite_master_en", "true".to_owned()),
        ("axilite_master_scale", "Kilobytes".to_owned()),
        ("axilite_master_size", "64".to_owned()),
        ("pf0_device_id", format!("{:04X}", link.device_id)),
        ("pf0_msix_enabled", "true".to_owned()),
        ("cfg_mgmt_if", "false".to_owned()),
    ];
    if let Some(quad) = link.quad.filter(|_| link.series.own_clock) {
        out.push(("en_gt_selection", "true".to_owned()));
        out.push(("select_quad", quad.to_string()));
    }
    out
}

/// The script. `files` are those of the project; `stamp` is the SHA-256 of the design's Verilog.
pub(super) fn tcl(board: &Board, link: &Link<'_>, files: &[String], stamp: &str) -> String {
    let of = |ending: &str| {
        let named = files.iter().filter(|f| f.ends_with(ending));
        named.map(|f| format!("  [file join $here {f}]")).collect::<Vec<_>>().join(" \\\n")
    };
    let settings = settings(board, link)
        .iter()
        .map(|(key, value)| format!("  CONFIG.{key} {{{value}}}"))
        .collect::<Vec<_>>()
        .join(" \\\n");
    let early = if link.channels.is_empty() {
        ""
    } else {
        "set_property PROCESSING_ORDER EARLY [get_files [file join $here early.xdc]]\n"
    };
    TEMPLATE
        .replace("@name@", &board.name)
        .replace("@version@", env!("CARGO_PKG_VERSION"))
        .replace("@stamp@", stamp)
        .replace("@vivado@", VIVADO)
        .replace("@part@", &board.device.part)
        .replace("@sources@", &of(".v"))
        .replace("@constraints@", &of(".xdc"))
        .replace("@early@\n", early)
        .replace("@settings@", &settings)
}

const TEMPLATE: &str = r#"# SpikeGate @version@ for @name@.
# Verilog: SHA-256 @stamp@
# Run with: vivado -mode batch -source build.tcl
# Only the project: vivado -mode batch -source build.tcl -tclargs project
set here [file dirname [file normalize [info script]]]
set vivado [version -short]
if {[package vcompare [lindex [regexp -inline {^[0-9]+\.[0-9]+} $vivado] 0] @vivado@] < 0} {
  error "Vivado is $vivado, expected @vivado@ or newer; install a newer one"
}

create_project spikegate [file join $here vivado] -part @part@ -force
add_files -norecurse [list \
@sources@]
add_files -fileset constrs_1 -norecurse [list \
@constraints@]
@early@
set_property top board_top [current_fileset]

create_ip -name xdma -vendor xilinx.com -library ip -version 4.1 -module_name xdma_0
set_property -dict [list \
@settings@] [get_ips xdma_0]
generate_target all [get_ips xdma_0]
update_compile_order -fileset sources_1
if {[info exists argv] && [lindex $argv 0] eq "project"} {
  return
}

launch_runs synth_1
wait_on_run synth_1
if {[get_property PROGRESS [get_runs synth_1]] ne "100%"} {
  error "synthesis failed; see [get_property DIRECTORY [get_runs synth_1]]/runme.log"
}
launch_runs impl_1 -to_step write_bitstream
wait_on_run impl_1
if {[get_property PROGRESS [get_runs impl_1]] ne "100%"} {
  error "implementation failed; see [get_property DIRECTORY [get_runs impl_1]]/runme.log"
}
open_run impl_1
report_utilization -file [file join $here utilization.rpt]
report_timing_summary -file [file join $here timing.rpt]
set slack [get_property STATS.WNS [get_runs impl_1]]
if {$slack < 0} {
  error "the timing is not met: the worst slack is $slack ns; see timing.rpt, or compile the model for a smaller array"
}
file copy -force [file join [get_property DIRECTORY [get_runs impl_1]] board_top.bit] [file join $here spikegate.bit]
puts "spikegate.bit: worst slack $slack ns"
"#;
