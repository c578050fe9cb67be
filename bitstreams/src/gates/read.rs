//! The parts of a netlist that simulation needs.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    /// The cells' own modules are among them, with less in them.
    modules: BTreeMap<String, serde_json::Value>,
}

/// A flat module.
#[derive(Debug, Deserialize)]
pub struct Netlist {
    /// Ports by name.
    pub ports: BTreeMap<String, Port>,
    /// Cells by name.
    pub cells: BTreeMap<String, Cell>,
}

/// A port.
#[derive(Debug, Deserialize)]
pub struct Port {
    /// `input` or `output`.
    pub direction: String,
    /// Bits, the lowest first.
    pub bits: Vec<Bit>,
}

/// A cell.
#[derive(Debug, Deserialize)]
pub struct Cell {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    #[serde(default)]
    connections: BTreeMap<String, Vec<Bit>>,
}

/// A net, or a constant.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Bit {
    /// Net by number.
    Net(u64),
    /// 0, 1 or x.
    Constant(String),
}

impl Bit {
    /// The net; none for a constant.
    pub fn net(&self) -> Option<u64> {
        match self {
            Self::Net(net) => Some(*net),
            Self::Constant(_) => None,
        }
    }
}

impl Netlist {
    /// The netlist's only flat module: the one that is marked as the top, or nextpnr's `top`.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        let file: File = serde_json::from_slice(json).map_err(|e| e.to_string())?;
        let is_top = |name: &str, module: &serde_json::Value| {
            name == "top" || module.pointer("/attributes/top").is_some()
        };
        let mut tops = file.modules.into_iter().filter(|(name, module)| is_top(name, module));
        match (tops.next(), tops.next()) {
            (Some((_, module)), None) => {
                let netlist: Self = serde_json::from_value(module).map_err(|e| e.to_string())?;
                netlist.ports.iter().try_for_each(|(name, port)| port.check(name))?;
                Ok(netlist)
            }
            _ => Err("expected one module with the attribute `top`".to_owned()),
        }
    }
}

impl Port {
    /// Names and directions of ports are all that comes out of a file into the Verilog as it stands, where it could be
    /// anything that Verilog can do.
    fn check(&self, name: &str) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() || !name.chars().all(plain) {
            return Err(format!("a port is named {name:?}, expected letters, digits and underscores"));
        }
        if !matches!(self.direction.as_str(), "input" | "output" | "inout") {
            return Err(format!("port {name} is {:?}, expected input, output or inout", self.direction));
        }
        Ok(())
    }
}

impl Cell {
    /// A parameter, without the space that marks strings of digits.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(|text| text.trim_end())
    }

    /// A parameter that is a number in binary digits; undefined digits are 0.
    pub fn number(&self, name: &str) -> Result<u64, String> {
        let text = self.parameter(name).ok_or_else(|| format!("no parameter {name}"))?.replace('x', "0");
        u64::from_str_radix(&text, 2)
            .map_err(|_| format!("{name} = {text:?}, expected at most 64 binary digits"))
    }

    /// Refuses a parameter with another value than one of those named; one that is not given has the first.
    pub fn only<'a>(&self, name: &str, allowed: &[&'a str]) -> Result<&'a str, String> {
        let first = allowed.first().copied().unwrap_or_default();
        let got = self.parameter(name).unwrap_or(first);
        let found = allowed.iter().copied().find(|a| *a == got);
        found.ok_or_else(|| format!("{name} = {got:?}, expected {}", allowed.join(" or ")))
    }

    /// Names of all parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.parameters.keys().map(String::as_str)
    }

    fn bit(&self, pin: &str) -> Option<&Bit> {
        self.connections.get(pin).and_then(|bits| bits.first())
    }

    /// All bits of a pin.
    pub fn bus(&self, pin: &str) -> &[Bit] {
        self.connections.get(pin).map_or(&[], Vec::as_slice)
    }

    /// Whether something is connected, be it a constant.
    pub fn connected(&self, pin: &str) -> bool {
        self.bit(pin).is_some()
    }

    /// The net at a pin.
    pub fn net(&self, pin: &str) -> Option<u64> {
        self.bit(pin).and_then(Bit::net)
    }

    /// What a pin reads: its net or constant behind the multiplexer that nextpnr describes as `PINMUX`, 1 if it is open.
    pub fn value(&self, name: &str, pin: &str) -> String {
        let outside = self.bit(pin).map_or("1'b1".to_owned(), |bit| value(bit, name));
        match self.parameter(&format!("{pin}MUX")) {
            Some("0") => "1'b0".to_owned(),
            Some("1") => "1'b1".to_owned(),
            Some("INV") if outside == "1'b1" => "1'b0".to_owned(),
            Some("INV") => format!("~{outside}"),
            _ => outside,
        }
    }
}

/// A bit as Verilog; an undefined one is fixed by the cell's name.
pub fn value(bit: &Bit, name: &str) -> String {
    match bit {
        Bit::Net(net) => format!("n{net}"),
        Bit::Constant(c) if c == "0" || c == "1" => format!("1'b{c}"),
        Bit::Constant(_) => format!("1'b{}", undefined(name)),
    }
}

/// 0 or 1 in place of what a netlist leaves undefined.
pub fn undefined(name: &str) -> u8 {
    name.bytes().fold(0u8, |sum, b| sum.rotate_left(3) ^ b).count_ones() as u8 & 1
}
