//! One module: declarations, children, and one assignment or process per driven signal.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use rust_hdl_core::ast::{VerilogBlock, VerilogLiteral};
use rust_hdl_core::prelude::AtomKind;

use super::expr::{assigned, truth, Kind, Scope, Symbol};
use super::kernel::{self, Expr, Stmt};
use super::leaf::Leaf;
use crate::lang::doc::Comments;

/// Stands for the module's name until it is known to be new.
pub(super) const NAME_MARK: &str = "@name@";

/// A signal or constant of a module.
#[derive(Clone, Debug)]
pub(super) struct Signal {
    pub(super) name: String,
    pub(super) direction: AtomKind,
    pub(super) symbol: Symbol,
    pub(super) constant: Option<VerilogLiteral>,
}

impl Signal {
    pub(super) fn is_port(&self) -> bool {
        self.direction.is_parameter()
    }
    fn is_input(&self) -> bool {
        self.direction == AtomKind::InputParameter
    }
}

/// What an instance is of.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Leaf(Leaf),
    Module(String),
}

/// An instance and its ports.
#[derive(Clone, Debug)]
pub(super) struct Child {
    pub(super) name: String,
    pub(super) part: Part,
    pub(super) ports: Vec<Signal>,
}

type Result<T> = std::result::Result<T, String>;

fn range(symbol: &Symbol) -> String {
    match symbol.kind {
        Kind::Bit | Kind::Clock => String::new(),
        Kind::Value { signed } => format!("{}[{}:0] ", if signed { "signed " } else { "" }, symbol.width - 1),
    }
}

/// Prefix of ports that a list of signals makes up: `m_axi_rdata$0`, `m_axi_rdata$1`, ... are the words, lowest first,
/// of the one port `m_axi_rdata`. A bus is wider than a signal can be, and one that an array lacks has no signals.
const PACKED: &str = "m_axi_";

/// Name of the packed port that a signal is a word of.
fn packed_port(name: &str) -> Option<&str> {
    name.split_once('$').map(|(base, _)| base).filter(|base| base.starts_with(PACKED))
}

/// A port and its words, lowest first.
struct PackedPort<'a> {
    name: &'a str,
    words: Vec<&'a Signal>,
}

/// Collects the words of packed ports; the words of a port follow each other.
fn pack<'a>(signals: &[&'a Signal]) -> Vec<PackedPort<'a>> {
    let mut out: Vec<PackedPort> = vec![];
    for signal in signals {
        let name = packed_port(&signal.name).unwrap_or_default();
        match out.last_mut().filter(|p| p.name == name) {
            Some(port) => port.words.push(signal),
            None => out.push(PackedPort { name, words: vec![signal] }),
        }
    }
    out
}

impl PackedPort<'_> {
    fn declaration(&self) -> String {
        let width: usize = self.words.iter().map(|w| w.symbol.width).sum();
        let direction = if self.words[0].is_input() { "input" } else { "output" };
        let range = if width == 1 { String::new() } else { format!("[{}:0] ", width - 1) };
        format!("{direction} wire {range}{}", self.name)
    }
    /// The nets of the words and what ties them to the port.
    fn split(&self, out: &mut String, is_process: impl Fn(&str) -> bool) {
        let mut low = 0;
        for word in &self.words {
            let (net, width) = (&word.symbol.net, word.symbol.width);
            let slice = match self.words.len() {
                1 => self.name.to_owned(),
                _ => format!("{}[{}:{low}]", self.name, low + width - 1),
            };
            let kind = if is_process(&word.name) { "reg" } else { "wire" };
            *out += &format!("  {kind} {}{net};\n", range(&word.symbol));
            *out += &match word.is_input() {
                true => format!("  assign {net} = {slice};\n"),
                false => format!("  assign {slice} = {net};\n"),
            };
            low += width;
        }
    }
}

struct Printer<'a> {
    scope: Scope,
    slices: HashMap<String, Vec<Stmt>>,
    signals: &'a [Signal],
    children: &'a [Child],
}

/// Prints a module whose name is still [`NAME_MARK`].
pub(super) fn print(
    doc: &Comments,
    signals: &[Signal],
    children: &[Child],
    kernel: &VerilogBlock,
) -> Result<String> {
    let statements = kernel::resolve(kernel)?;
    kernel::check_order(&statements)?;
    let mut scope = Scope::new();
    let mut nets = HashSet::new();
    let all =
        signals.iter().map(|s| (s.name.clone(), s.symbol.clone())).chain(children.iter().flat_map(|c| {
            c.ports.iter().map(|p| {
                let name = format!("{}${}", c.name, p.name);
                let net = format!("{}__{}", c.name.replace('$', "_"), p.name.replace('$', "_"));
                (name, Symbol { net, ..p.symbol.clone() })
            })
        }));
    for (name, symbol) in all {
        if !nets.insert(symbol.net.clone()) {
            return Err(format!("two signals are named {} in Verilog", symbol.net));
        }
        scope.insert(name, symbol);
    }
    let order = kernel::targets(&statements);
    let mut printer = Printer { scope, slices: kernel::slices(&statements), signals, children };
    printer.check()?;
    printer.alias();
    printer.print(doc, &order)
}

impl Printer<'_> {
    /// Everything that must be driven is driven, and nothing else is.
    fn check(&self) -> Result<()> {
        let own = self
            .signals
            .iter()
            .filter(|s| matches!(s.direction, AtomKind::OutputParameter | AtomKind::LocalSignal));
        let own = own.map(|s| s.name.clone());
        let inputs = self.children.iter().flat_map(|c| {
            c.ports.iter().filter(|p| p.is_input()).map(move |p| format!("{}${}", c.name, p.name))
        });
        let driven: HashSet<String> = own.chain(inputs).collect();
        if let Some(name) = driven.iter().filter(|n| !self.slices.contains_key(*n)).min() {
            return Err(format!("{name} is never assigned"));
        }
        if let Some(name) = self.slices.keys().filter(|n| !driven.contains(*n)).min() {
            return Err(format!("{name} is assigned but is not an output, a local or a child's input"));
        }
        for (name, slice) in &self.slices {
            if !matches!(slice.first(), Some(Stmt::Assign(..))) {
                return Err(format!(
                    "{name} has no unconditional default before its conditional assignments"
                ));
            }
        }
        Ok(())
    }

    /// An input of a child that is just another signal of the same type needs no net of its own.
    fn alias(&mut self) {
        for child in self.children {
            for port in child.ports.iter().filter(|p| p.is_input()) {
                let name = format!("{}${}", child.name, port.name);
                let Some([Stmt::Assign(_, Expr::Signal(from))]) = self.slices.get(&name).map(Vec::as_slice)
                else {
                    continue;
                };
                let (Some(source), Some(target)) = (self.scope.get(from), self.scope.get(&name)) else {
                    continue;
                };
                if source.kind == target.kind && source.width == target.width {
                    let net = source.net.clone();
                    self.slices.remove(&name);
                    if let Some(target) = self.scope.get_mut(&name) {
                        target.net = net;
                    }
                }
            }
        }
    }

    fn symbol(&self, name: &str) -> Result<&Symbol> {
        self.scope.get(name).ok_or_else(|| format!("{name} is not known"))
    }

    fn is_process(&self, name: &str) -> bool {
        self.slices.get(name).is_some_and(|s| s.len() > 1)
    }

    fn print(&self, doc: &Comments, order: &[String]) -> Result<String> {
        let mut out = String::new();
        for line in &doc.header {
            out += &format!("// {line}\n");
        }
        out += &format!("module {NAME_MARK} (\n");
        let (packed, ports): (Vec<&Signal>, Vec<&Signal>) =
            self.signals.iter().filter(|s| s.is_port()).partition(|s| packed_port(&s.name).is_some());
        let packed = pack(&packed);
        for (i, p) in ports.iter().enumerate() {
            let direction = match (p.is_input(), self.is_process(&p.name)) {
                (true, _) => "input wire",
                (false, true) => "output reg",
                (false, false) => "output wire",
            };
            let comma = if i + 1 < ports.len() + packed.len() { "," } else { "" };
            let base = p.name.split('$').next().unwrap_or_default();
            let comment = doc.port(base).map(|d| format!(" // {d}")).unwrap_or_default();
            out += &format!("  {direction} {}{}{comma}{comment}\n", range(&p.symbol), p.symbol.net);
        }
        for (i, p) in packed.iter().enumerate() {
            let comma = if i + 1 < packed.len() { "," } else { "" };
            let comment = doc.port(p.name).map(|d| format!(" // {d}")).unwrap_or_default();
            out += &format!("  {}{comma}{comment}\n", p.declaration());
        }
        out += ");\n";
        for p in &packed {
            p.split(&mut out, |name| self.is_process(name));
        }
        for s in self.signals {
            if let Some(value) = &s.constant {
                let value = kernel::constant(value)?;
                let literal = assigned(&Expr::Literal(value), &s.symbol, &self.scope)?;
                out += &format!("  localparam {}{} = {literal};\n", range(&s.symbol), s.symbol.net);
            }
        }
        for s in self.signals.iter().filter(|s| s.direction == AtomKind::LocalSignal) {
            self.declare(&mut out, &s.name)?;
        }
        for child in self.children {
            for port in &child.ports {
                let name = format!("{}${}", child.name, port.name);
                if matches!(child.part, Part::Leaf(Leaf::Dff)) && port.name == "q" {
                    let s = self.symbol(&name)?;
                    out += &format!("  reg {}{} = {}'d0;\n", range(s), s.net, s.width);
                } else if !port.is_input() || self.slices.contains_key(&name) {
                    self.declare(&mut out, &name)?;
                }
            }
        }
        for name in order.iter().filter(|n| self.slices.contains_key(*n)) {
            self.process(&mut out, name)?;
        }
        for child in self.children {
            self.instance(&mut out, child)?;
        }
        out += "endmodule\n";
        Ok(out)
    }

    fn declare(&self, out: &mut String, name: &str) -> Result<()> {
        let s = self.symbol(name)?;
        let kind = if self.is_process(name) { "reg" } else { "wire" };
        *out += &format!("  {kind} {}{};\n", range(s), s.net);
        Ok(())
    }

    fn process(&self, out: &mut String, name: &str) -> Result<()> {
        let target = self.symbol(name)?;
        let slice = &self.slices[name];
        if let [Stmt::Assign(_, e)] = slice.as_slice() {
            *out += &format!("  assign {} = {};\n", target.net, assigned(e, target, &self.scope)?);
            return Ok(());
        }
        *out += "  always @(*) begin\n";
        self.statements(out, slice, target, 2)?;
        *out += "  end\n";
        Ok(())
    }

    fn statements(&self, out: &mut String, block: &[Stmt], target: &Symbol, depth: usize) -> Result<()> {
        let pad = "  ".repeat(depth);
        for s in block {
            match s {
                Stmt::Assign(_, e) => {
                    *out += &format!("{pad}{} = {};\n", target.net, assigned(e, target, &self.scope)?);
                }
                Stmt::If(c, then, otherwise) => {
                    let condition = truth(c, &self.scope)?;
                    let (condition, then, otherwise) = match then.is_empty() {
                        true => (format!("!{condition}"), otherwise.as_slice(), &[][..]),
                        false => (condition, then.as_slice(), otherwise.as_slice()),
                    };
                    *out += &format!("{pad}if ({condition}) begin\n");
                    self.statements(out, then, target, depth + 1)?;
                    if !otherwise.is_empty() {
                        *out += &format!("{pad}end else begin\n");
                        self.statements(out, otherwise, target, depth + 1)?;
                    }
                    *out += &format!("{pad}end\n");
                }
            }
        }
        Ok(())
    }

    fn instance(&self, out: &mut String, child: &Child) -> Result<()> {
        let net = |port: &str| Ok::<_, String>(self.symbol(&format!("{}${port}", child.name))?.net.clone());
        let joined = |port: &str| {
            let mut nets = Vec::new();
            for p in child.ports.iter().rev().filter(|p| p.name.split('$').next() == Some(port)) {
                nets.push(net(&p.name)?);
            }
            Ok::<_, String>(if nets.len() == 1 { nets.remove(0) } else { format!("{{{}}}", nets.join(", ")) })
        };
        let name = super::net_name(&child.name);
        match &child.part {
            Part::Leaf(Leaf::Dff) => {
                *out += &format!("  always @(posedge {}) {} <= {};\n", net("clock")?, net("q")?, net("d")?);
            }
            Part::Leaf(Leaf::Ram { lanes, width, depth }) => {
                let address = depth.ilog2();
                writeln!(
                    out,
                    "  sg_ram #(.WIDTH({}), .DEPTH({depth}), .ADDRESS({address})) {name} (\n    .clk({}),\n    \
                     .read_address({}),\n    .read_data({}),\n    .write({}),\n    .write_address({}),\n    .write_data({})\n  );",
                    lanes * width,
                    net("clock")?,
                    net("read_address")?,
                    joined("read_data")?,
                    net("write")?,
                    net("write_address")?,
                    joined("write_data")?
                )
                .map_err(|e| e.to_string())?;
            }
            Part::Leaf(Leaf::Mul { a, b, stages }) => {
                *out += &format!(
                    "  sg_mul #(.A({a}), .B({b}), .STAGES({stages})) {name} (.clk({}), .a({}), .b({}), .p({}));\n",
                    net("clock")?,
                    net("a")?,
                    net("b")?,
                    net("p")?
                );
            }
            Part::Leaf(adder) => {
                let (cell, ports): (_, &[&str]) = match adder {
                    Leaf::Add { width } => (format!("sg_add #(.WIDTH({width}))"), &["a", "b", "y"]),
                    Leaf::AddSub { a, b } => {
                        (format!("sg_add_sub #(.A({a}), .B({b}))"), &["a", "b", "subtract", "y"])
                    }
                    Leaf::MaskedAdd { width } => {
                        (format!("sg_masked_add #(.WIDTH({width}))"), &["a", "b", "use_a", "use_b", "y"])
                    }
                    Leaf::FlipAdd { width } => {
                        (format!("sg_flip_add #(.WIDTH({width}))"), &["a", "b", "flip", "y"])
                    }
                    Leaf::TwiceAdd { a, b } => {
                        (format!("sg_twice_add #(.A({a}), .B({b}))"), &["a", "b", "twice", "carry", "y"])
                    }
                    Leaf::Dff | Leaf::Ram { .. } | Leaf::Mul { .. } => {
                        return Err(format!("{adder:?} is no adder"))
                    }
                };
                let connected = ports.iter().map(|port| Ok(format!("    .{port}({})", net(port)?)));
                let connected: Result<Vec<String>> = connected.collect();
                *out += &format!("  {cell} {name} (\n{}\n  );\n", connected?.join(",\n"));
            }
            Part::Module(module) => {
                let mut ports = Vec::new();
                for p in &child.ports {
                    ports.push(format!("    .{}({})", p.symbol.net, net(&p.name)?));
                }
                *out += &format!("  {module} {name} (\n{}\n  );\n", ports.join(",\n"));
            }
        }
        Ok(())
    }
}
