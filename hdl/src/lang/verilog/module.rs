//! One module: declarations, children, and one assignment or process per driven signal.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use rust_hdl_core::ast::{VerilogBlock, VerilogLiteral};
use rust_hdl_core::prelude::AtomKind;

use super::choose;
use super::expr::{self, Kind, Scope, Symbol};
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
    fn split(&self, out: &mut String) {
        let mut low = 0;
        for word in &self.words {
            let (net, width) = (&word.symbol.net, word.symbol.width);
            let slice = match self.words.len() {
                1 => self.name.to_owned(),
                _ => format!("{}[{}:{low}]", self.name, low + width - 1),
            };
            *out += &format!("  wire {}{net};\n", range(&word.symbol));
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
    /// Names that the kernel reads: a constant that a size has no use for is not declared.
    read: HashSet<String>,
    prefix: &'a str,
}

/// Prints a module whose name is still [`NAME_MARK`]; leaf cells are called with `prefix`.
pub(super) fn print(
    prefix: &str,
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
    let read = kernel::all_reads(&statements);
    let mut printer = Printer { scope, slices: kernel::slices(&statements), signals, children, read, prefix };
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
            let direction = if p.is_input() { "input" } else { "output" };
            let comma = if i + 1 < ports.len() + packed.len() { "," } else { "" };
            let base = p.name.split('$').next().unwrap_or_default();
            let comment = doc.port(base).map(|d| format!(" // {d}")).unwrap_or_default();
            out += &format!("  {direction} wire {}{}{comma}{comment}\n", range(&p.symbol), p.symbol.net);
        }
        for (i, p) in packed.iter().enumerate() {
            let comma = if i + 1 < packed.len() { "," } else { "" };
            let comment = doc.port(p.name).map(|d| format!(" // {d}")).unwrap_or_default();
            out += &format!("  {}{comma}{comment}\n", p.declaration());
        }
        out += ");\n";
        for p in &packed {
            p.split(&mut out);
        }
        for s in self.signals.iter().filter(|s| self.read.contains(&s.name)) {
            if let Some(value) = &s.constant {
                let value = Expr::Literal(kernel::constant(value)?);
                let signed = s.symbol.kind == Kind::Value { signed: true };
                let literal = expr::Printer::new(&self.scope).assigned(&value, &s.symbol, signed)?;
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
                    out += &format!("  reg {}{};\n", range(s), s.net);
                } else if !port.is_input() || self.slices.contains_key(&name) {
                    self.declare(&mut out, &name)?;
                }
            }
        }
        let mut printer = expr::Printer::new(&self.scope);
        let mut assignments = String::new();
        for name in order.iter().filter(|n| self.slices.contains_key(*n)) {
            self.assignment(&mut assignments, &mut printer, name)?;
        }
        for net in printer.nets {
            out += &format!("  {net}\n");
        }
        out += &assignments;
        for child in self.children {
            self.instance(&mut out, child)?;
        }
        out += "endmodule\n";
        Ok(out)
    }

    fn declare(&self, out: &mut String, name: &str) -> Result<()> {
        let s = self.symbol(name)?;
        *out += &format!("  wire {}{};\n", range(s), s.net);
        Ok(())
    }

    /// One continuous assignment: what the last of the kernel's assignments whose conditions hold gives. A process would
    /// not run before something that it reads changes, and gives X until then.
    fn assignment(&self, out: &mut String, printer: &mut expr::Printer, name: &str) -> Result<()> {
        let target = self.symbol(name)?;
        let mut arms = Vec::new();
        choose::arms(&self.slices[name], &[], &mut arms);
        let mut signed = false;
        for arm in &arms {
            signed |= printer.is_signed(arm.value)?;
        }
        let (last, choices) = arms.split_last().ok_or_else(|| format!("{name} is never assigned"))?;
        let default = printer.assigned(last.value, target, signed)?;
        if choices.is_empty() {
            *out += &format!("  assign {} = {default};\n", target.net);
            return Ok(());
        }
        *out += &format!("  assign {} =\n", target.net);
        for arm in choices {
            let conditions: Result<Vec<String>> = arm.conditions.iter().map(|c| printer.truth(c)).collect();
            let conditions = conditions?.join(" && ");
            *out += &format!(
                "    {} ? {} :\n",
                expr::bare(&conditions),
                printer.assigned(arm.value, target, signed)?
            );
        }
        *out += &format!("    {default};\n");
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
        let (name, prefix) = (super::names::net_name(&child.name), self.prefix);
        match &child.part {
            Part::Leaf(Leaf::Dff) => {
                let (clock, d, q) = (net("clock")?, net("d")?, self.symbol(&format!("{}$q", child.name))?);
                *out += &format!("  initial {} = {}'d0;\n", q.net, q.width);
                *out += &format!("  always @(posedge {clock}) {} <= {d};\n", q.net);
            }
            Part::Leaf(Leaf::Odd) => {
                *out += &format!("  assign {} = ^{};\n", net("y")?, joined("x")?);
            }
            Part::Leaf(Leaf::Ram { lanes, width, depth, parity }) => {
                let address = depth.ilog2();
                let (mut read, mut written) = (joined("read_data")?, joined("write_data")?);
                if *parity {
                    read = format!("{{{}, {read}}}", joined("parity")?);
                    written = format!("{{^{written}, {written}}}");
                }
                writeln!(
                    out,
                    "  {prefix}_ram #(.WIDTH({}), .DEPTH({depth}), .ADDRESS({address})) {name} (\n    .clk({}),\n    \
                     .read_address({}),\n    .read_data({}),\n    .write({}),\n    .write_address({}),\n    .write_data({})\n  );",
                    lanes * width + usize::from(*parity),
                    net("clock")?,
                    net("read_address")?,
                    read,
                    net("write")?,
                    net("write_address")?,
                    written
                )
                .map_err(|e| e.to_string())?;
            }
            Part::Leaf(Leaf::Mul { a, b, stages }) => {
                *out += &format!(
                    "  {prefix}_mul #(.A({a}), .B({b}), .STAGES({stages})) {name} (.clk({}), .a({}), .b({}), .p({}));\n",
                    net("clock")?,
                    net("a")?,
                    net("b")?,
                    net("p")?
                );
            }
            Part::Leaf(adder) => {
                let (cell, ports): (_, &[&str]) = match adder {
                    Leaf::Add { width } => (format!("{prefix}_add #(.WIDTH({width}))"), &["a", "b", "y"]),
                    Leaf::AddSub { a, b } => {
                        (format!("{prefix}_add_sub #(.A({a}), .B({b}))"), &["a", "b", "subtract", "y"])
                    }
                    Leaf::MaskedAdd { width } => (
                        format!("{prefix}_masked_add #(.WIDTH({width}))"),
                        &["a", "b", "use_a", "use_b", "y"],
                    ),
                    Leaf::FlipAdd { width } => {
                        (format!("{prefix}_flip_add #(.WIDTH({width}))"), &["a", "b", "flip", "y"])
                    }
                    Leaf::TwiceAdd { a, b } => (
                        format!("{prefix}_twice_add #(.A({a}), .B({b}))"),
                        &["a", "b", "twice", "carry", "y"],
                    ),
                    Leaf::Dff | Leaf::Odd | Leaf::Ram { .. } | Leaf::Mul { .. } => {
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
