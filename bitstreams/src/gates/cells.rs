//! The function of every kind of cell.

use std::fmt::Write as _;

use super::read::{self, Cell};
use super::Writer;

/// Pins of a look-up table, the lowest bit of the index first.
const LUT_PINS: [&str; 4] = ["A", "B", "C", "D"];
/// Bits of a port of a block memory, and of an operand of a multiplier.
const WORD: usize = 18;
/// Address bits of a block memory.
const ADDRESS: usize = 14;

impl Writer {
    /// Writes a cell.
    pub fn cell(&mut self, name: &str, cell: &Cell) -> Result<(), String> {
        match cell.kind.as_str() {
            "$scopeinfo" => Ok(()),
            "LUT4" => {
                let function = self.table(name, cell, "INIT", LUT_PINS)?;
                self.wire(name, cell, "Z", &function)
            }
            "PFUMX" => self.choose(name, cell, "C0", "ALUT", "BLUT", "Z"),
            "L6MUX21" => self.choose(name, cell, "SD", "D1", "D0", "Z"),
            "CCU2C" => self.carry_pair(name, cell),
            "TRELLIS_COMB" => self.slice_half(name, cell),
            "TRELLIS_FF" => self.flip_flop(name, cell),
            "TRELLIS_DPR16X4" => self.small_memory(name, cell),
            "TRELLIS_RAMW" => self.write_port(name, cell),
            "DP16KD" => self.block_memory(name, cell),
            "MULT18X18D" => self.multiplier(name, cell),
            "EHXPLLL" => {
                let clock = self.input(name, cell, "CLKI");
                self.wire(name, cell, "CLKOP", &clock)?;
                self.wire(name, cell, "LOCK", "1'b1")
            }
            "DCCA" => {
                let clock = self.input(name, cell, "CLKI");
                self.wire(name, cell, "CLKO", &clock)
            }
            "TRELLIS_IO" => match cell.only("DIR", &["INPUT", "OUTPUT"])? {
                "INPUT" => {
                    let pad = self.input(name, cell, "B");
                    self.wire(name, cell, "O", &pad)
                }
                _ => {
                    let inside = self.input(name, cell, "I");
                    self.wire(name, cell, "B", &inside)
                }
            },
            _ => Err("this flow makes no such cell".to_owned()),
        }
    }

    /// A look-up table.
    fn table(&mut self, name: &str, cell: &Cell, init: &str, pins: [&str; 4]) -> Result<String, String> {
        let init = cell.number(init)?;
        let [a, b, c, d] = pins.map(|pin| self.input(name, cell, pin));
        Ok(format!("1'(16'h{init:04x} >> {{{d}, {c}, {b}, {a}}})"))
    }

    fn choose(
        &mut self,
        name: &str,
        cell: &Cell,
        select: &str,
        one: &str,
        zero: &str,
        output: &str,
    ) -> Result<(), String> {
        let [select, one, zero] = [select, one, zero].map(|pin| self.input(name, cell, pin));
        self.wire(name, cell, output, &format!("{select} ? {one} : {zero}"))
    }

    /// A position of a carry chain: its sum and its carry, as functions of the carry into it. Where the table of all
    /// inputs gives 0, the carry is the table at C = D = 0. A position that injects (the way into a chain and out of
    /// it) adds no carry and makes none.
    fn position(
        &mut self,
        name: &str,
        cell: &Cell,
        [init, inject]: [&str; 2],
        pins: [&str; 4],
        carry: &str,
    ) -> Result<(String, String), String> {
        let injects = cell.only(inject, &["NO", "YES"])? == "YES";
        let passes = self.table(name, cell, init, pins)?;
        let own = {
            let init = cell.number(init)? & 0xf;
            let [a, b] = [pins[0], pins[1]].map(|pin| self.input(name, cell, pin));
            format!("1'(4'h{init:x} >> {{{b}, {a}}})")
        };
        if injects {
            return Ok((passes.clone(), format!("{passes} & {carry}")));
        }
        Ok((format!("{passes} ^ {carry}"), format!("{passes} ? {carry} : {own}")))
    }

    fn carry_pair(&mut self, name: &str, cell: &Cell) -> Result<(), String> {
        let into = self.input(name, cell, "CIN");
        let between = self.local();
        let (sum, carry) =
            self.position(name, cell, ["INIT0", "INJECT1_0"], ["A0", "B0", "C0", "D0"], &into)?;
        self.wire(name, cell, "S0", &sum)?;
        let _ = writeln!(self.wires, "  wire {between} = {carry};");
        let (sum, carry) =
            self.position(name, cell, ["INIT1", "INJECT1_1"], ["A1", "B1", "C1", "D1"], &between)?;
        self.wire(name, cell, "S1", &sum)?;
        self.wire(name, cell, "COUT", &carry)
    }

    /// Half a slice after place and route: a look-up table, with the multiplexer beside it; a position of a carry
    /// chain; a bit of a distributed memory.
    fn slice_half(&mut self, name: &str, cell: &Cell) -> Result<(), String> {
        match cell.only("MODE", &["LOGIC", "CCU2", "DPRAM", "RAMW_BLOCK"])? {
            "LOGIC" => {
                let function = self.table(name, cell, "INITVAL", LUT_PINS)?;
                self.wire(name, cell, "F", &function)?;
                if cell.connected("OFX") {
                    let [one, zero] = if cell.connected("F1") { ["F1", "F"] } else { ["FXB", "FXA"] };
                    self.choose(name, cell, "M", one, zero, "OFX")?;
                }
                Ok(())
            }
            "CCU2" => {
                // A chain begins with a position that does not pass its carry.
                let into = if cell.connected("FCI") {
                    self.input(name, cell, "FCI")
                } else {
                    format!("1'b{}", read::undefined(name))
                };
                let (sum, carry) = self.position(name, cell, ["INITVAL", "CCU2_INJECT1"], LUT_PINS, &into)?;
                self.wire(name, cell, "F", &sum)?;
                self.wire(name, cell, "FCO", &carry)
            }
            "DPRAM" => {
                // nextpnr leads the read address to D, B, C and A, see `write_port`.
                let read = ["A", "C", "B", "D"].map(|pin| self.input(name, cell, pin)).join(", ");
                let write =
                    ["WAD3", "WAD2", "WAD1", "WAD0"].map(|pin| self.input(name, cell, pin)).join(", ");
                let data = self.input(name, cell, "WD");
                self.memory(
                    name,
                    cell,
                    &format!("16'd{}", cell.number("INITVAL")?),
                    &write,
                    &data,
                    |w, word| w.wire(name, cell, "F", &format!("{word}[{{{read}}}]")),
                )
            }
            _ => Ok(()),
        }
    }

    /// The write port of a distributed memory hands its inputs on, in the places that nextpnr gives them.
    fn write_port(&mut self, name: &str, cell: &Cell) -> Result<(), String> {
        let places = [
            ("WADO0", "D0"),
            ("WADO1", "B0"),
            ("WADO2", "C0"),
            ("WADO3", "A0"),
            ("WDO0", "C1"),
            ("WDO1", "A1"),
            ("WDO2", "D1"),
            ("WDO3", "B1"),
        ];
        for (output, pin) in places {
            let value = self.input(name, cell, pin);
            self.wire(name, cell, output, &value)?;
        }
        Ok(())
    }

    fn small_memory(&mut self, name: &str, cell: &Cell) -> Result<(), String> {
        let init = cell.number("INITVAL")?;
        let bus = |w: &mut Self, pin: &str| {
            for bit in cell.bus(pin).iter().filter_map(read::Bit::net) {
                w.read.entry(bit).or_insert_with(|| name.to_owned());
            }
            let bits = cell.bus(pin).iter().rev().map(|bit| read::value(bit, name));
            bits.collect::<Vec<_>>().join(", ")
        };
        let (read, write) = (bus(self, "RAD"), bus(self, "WAD"));
        for (i, output) in cell.bus("DO").iter().enumerate() {
            let word = (0..16).fold(0, |sum, address| sum | (init >> (4 * address + i) & 1) << address);
            let data = cell.bus("DI").get(i).map_or("1'b1".to_owned(), |bit| read::value(bit, name));
            if let Some(net) = cell.bus("DI").get(i).and_then(read::Bit::net) {
                self.read.entry(net).or_insert_with(|| name.to_owned());
            }
            self.memory(name, cell, &format!("16'd{word}"), &write, &data, |w, word| {
                let Some(net) = output.net() else { return Ok(()) };
                w.drive(net, name)?;
                let _ = writeln!(w.wires, "  wire n{net} = {word}[{{{read}}}];");
                Ok(())
            })?;
        }
        Ok(())
    }

    /// 16 words of a bit; `output` writes what reads them.
    fn memory(
        &mut self,
        name: &str,
        cell: &Cell,
        init: &str,
        address: &str,
        data: &str,
        output: impl FnOnce(&mut Self, &str) -> Result<(), String>,
    ) -> Result<(), String> {
        cell.only("WCKMUX", &["WCK"])?;
        cell.only("WREMUX", &["WRE"])?;
        let (clock, enable) = (self.input(name, cell, "WCK"), self.input(name, cell, "WRE"));
        let word = self.local();
        let _ = writeln!(self.registers, "  reg [15:0] {word} = {init};");
        let when = self.stored.entry(format!("posedge {clock}")).or_default();
        let _ = writeln!(when, "    if ({enable}) {word}[{{{address}}}] <= {data};");
        output(self, &word)
    }

    fn flip_flop(&mut self, name: &str, cell: &Cell) -> Result<(), String> {
        let Some(q) = cell.net("Q") else { return Ok(()) };
        cell.only("CLKMUX", &["CLK"])?;
        cell.only("GSR", &["DISABLED"])?;
        cell.only("LSRMODE", &["LSR"])?;
        let first = if cell.only("REGSET", &["RESET", "SET"])? == "SET" { 1 } else { 0 };
        // Without a look-up table before it, place and route leads the data through M.
        let data = if cell.only("SD", &["1", "0"])? == "0" { "M" } else { "DI" };
        let (clock, data) = (self.input(name, cell, "CLK"), self.input(name, cell, data));
        let enable = match cell.only("CEMUX", &["1", "CE", "INV"])? {
            "1" => None,
            _ if !cell.connected("CE") => return Err("CE is used and open".to_owned()),
            _ => Some(self.input(name, cell, "CE")),
        };
        let reset = match cell.only("LSRMUX", &["LSR", "INV"])? {
            // Open, or tied to 0 before place and route: there is none.
            _ if cell.net("LSR").is_none() => None,
            _ => Some(self.input(name, cell, "LSR")),
        };
        self.drive(q, name)?;
        let _ = writeln!(self.registers, "  reg n{q} = 1'b{first};");
        let next = enable.map_or(data.clone(), |enable| format!("{enable} ? {data} : n{q}"));
        let clock = format!("posedge {clock}");
        let (when, next) = match (cell.only("SRMODE", &["LSR_OVER_CE", "ASYNC"])?, reset) {
            (_, None) => (clock, next),
            ("ASYNC", Some(reset)) if reset.starts_with('~') => {
                let when = format!("{clock} or negedge {}", reset.trim_start_matches('~'));
                (when, format!("{reset} ? 1'b{first} : {next}"))
            }
            ("ASYNC", Some(reset)) => {
                (format!("{clock} or posedge {reset}"), format!("{reset} ? 1'b{first} : {next}"))
            }
            (_, Some(reset)) => (clock, format!("{reset} ? 1'b{first} : {next}")),
        };
        let _ = writeln!(self.stored.entry(when).or_default(), "    n{q} <= {next};");
        Ok(())
    }

    fn block_memory(&mut self, name: &str, cell: &Cell) -> Result<(), String> {
        for parameter in ["REGMODE_A", "REGMODE_B"] {
            cell.only(parameter, &["NOREG"])?;
        }
        for (parameter, only) in
            [("CSDECODE_A", "0b000"), ("CSDECODE_B", "0b000"), ("CLKAMUX", "CLKA"), ("CLKBMUX", "CLKB")]
        {
            cell.only(parameter, &[only])?;
        }
        // Contents come from the program.
        let filled =
            |p: &&str| p.starts_with("INITVAL_") && cell.parameter(p).is_some_and(|text| text.contains('1'));
        if let Some(parameter) = cell.parameters().find(filled) {
            return Err(format!("{parameter} is not 0: the models begin empty"));
        }
        let mut parameters = vec![];
        for port in ["A", "B"] {
            parameters.push(format!(".DATA_WIDTH_{port}({})", cell.number(&format!("DATA_WIDTH_{port}"))?));
            let mode =
                cell.only(&format!("WRITEMODE_{port}"), &["NORMAL", "READBEFOREWRITE", "WRITETHROUGH"])?;
            parameters.push(format!(".WRITEMODE_{port}(\"{mode}\")"));
        }
        let mut pins = vec![];
        for port in ["A", "B"] {
            let bus = |w: &mut Self, bus: &str, bits: usize| {
                let bits = (0..bits).rev().map(|i| w.input(name, cell, &format!("{bus}{port}{i}")));
                format!("{{{}}}", bits.collect::<Vec<_>>().join(", "))
            };
            for (what, bits) in [("AD", ADDRESS), ("DI", WORD), ("CS", 3)] {
                let value = bus(self, what, bits);
                pins.push(format!(".{what}{port}({value})"));
            }
            for what in ["CLK", "CE", "OCE", "WE", "RST"] {
                let value = self.input(name, cell, &format!("{what}{port}"));
                pins.push(format!(".{what}{port}({value})"));
            }
            let value = self.outputs(name, cell, &format!("DO{port}"), WORD)?;
            pins.push(format!(".DO{port}({value})"));
        }
        self.instance("ecp5_dp16kd", &parameters, &pins);
        Ok(())
    }

    fn multiplier(&mut self, name: &str, cell: &Cell) -> Result<(), String> {
        for parameter in cell.parameters().filter(|p| p.starts_with("REG_") && p.ends_with("_CLK")) {
            cell.only(parameter, &["NONE"])?;
        }
        for pin in ["SOURCEA", "SOURCEB"] {
            let source = self.input(name, cell, pin);
            if cell.net(pin).is_none() && source != "1'b0" {
                return Err(format!("{pin} takes the operand of the multiplier beside it"));
            }
        }
        let bus = |w: &mut Self, bus: &str| {
            let bits = (0..WORD).rev().map(|i| w.input(name, cell, &format!("{bus}{i}")));
            format!("{{{}}}", bits.collect::<Vec<_>>().join(", "))
        };
        let (a, b) = (bus(self, "A"), bus(self, "B"));
        let mut pins = vec![format!(".A({a})"), format!(".B({b})")];
        for pin in ["SIGNEDA", "SIGNEDB", "SOURCEA", "SOURCEB"] {
            let value = self.input(name, cell, pin);
            pins.push(format!(".{pin}({value})"));
        }
        let value = self.outputs(name, cell, "P", 2 * WORD)?;
        pins.push(format!(".P({value})"));
        self.instance("ecp5_mult18x18d", &[], &pins);
        Ok(())
    }

    /// Wires for a bus of outputs; the name of the bus.
    fn outputs(&mut self, name: &str, cell: &Cell, pin: &str, bits: usize) -> Result<String, String> {
        let bus = self.local();
        let _ = writeln!(self.wires, "  wire [{}:0] {bus};", bits - 1);
        for i in 0..bits {
            self.wire(name, cell, &format!("{pin}{i}"), &format!("{bus}[{i}]"))?;
        }
        Ok(bus)
    }

    fn instance(&mut self, model: &str, parameters: &[String], pins: &[String]) {
        let parameters =
            if parameters.is_empty() { String::new() } else { format!(" #({})", parameters.join(", ")) };
        let name = self.local();
        let _ =
            writeln!(self.instances, "  {model}{parameters} {name} (\n    {}\n  );", pins.join(",\n    "));
    }

    /// A name of its own.
    fn local(&mut self) -> String {
        self.locals += 1;
        format!("t{}", self.locals)
    }
}
