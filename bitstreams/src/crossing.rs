//! Clocks of a core and of its memory's controller: one for both, or two with queues between them (`crossing/*.v`).

/// Whose clock a core runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clocking {
    /// The controller's: its port is the core's.
    Shared,
    /// One of its own, which `board_pll` makes: queues carry the port from one to the other.
    Crossed,
}

/// What carries a core's port to another clock.
const CROSSING: [(&str, &str); 4] = [
    ("crossing_catch.v", include_str!("crossing/catch.v")),
    ("crossing_fifo.v", include_str!("crossing/fifo.v")),
    ("crossing_port.v", include_str!("crossing/port.v")),
    ("crossing_reset.v", include_str!("crossing/reset.v")),
];

/// Verilog of what is between the clocks.
pub fn sources(clocking: Clocking) -> impl Iterator<Item = (&'static str, String)> {
    let files = match clocking {
        Clocking::Shared => &[][..],
        Clocking::Crossed => &CROSSING,
    };
    files.iter().map(|(name, text)| (*name, (*text).to_owned()))
}

/// Verilog of a clock in simulation: `clkout` is the oscillator's pin `clkin`, or, where there are two clocks, what the function of
/// the name says at every change of it.
pub fn clock(clocking: Clocking, level: &str) -> String {
    match clocking {
        Clocking::Shared => "assign clkout = clkin;".to_owned(),
        Clocking::Crossed => format!(
            "import \"DPI-C\" function int {level}();\n  reg level = 1'b0;\n  \
             always @(posedge clkin or negedge clkin) level <= {level}() != 0;\n  assign clkout = level;"
        ),
    }
}

/// The core's clock generator in simulation, the module `board_pll`; its clock is `core_clock`.
pub fn pll(clocking: Clocking) -> String {
    format!(
        "module board_pll (input wire clkin, output wire clkout, output wire locked);\n  {}\n  \
         assign locked = 1'b1;\nendmodule\n",
        clock(clocking, "core_clock")
    )
}
