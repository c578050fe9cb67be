//! Walks a block tree and emits its modules, each distinct structure once.

use std::collections::{BTreeMap, HashMap, HashSet};

use rust_hdl_core::ast::Verilog;
use rust_hdl_core::prelude::*;

use super::expr::{Kind, Symbol};
use super::leaf::{
    Leaf, ADD_MODULE, ADD_SUB_MODULE, FLIP_ADD_MODULE, MASKED_ADD_MODULE, MUL_MODULE, PREFIX_MARK,
    RAM_MODULE, TWICE_ADD_MODULE,
};
use super::module::{self, Child, Part, Signal as Net};
use super::names::net_name;
use super::output::{LintError, Module};
use crate::lang::doc::Comments;
use crate::lang::signal::TYPE_PREFIX;

struct Frame {
    name: String,
    body: Verilog,
    doc: Comments,
    signals: Vec<Net>,
    children: Vec<Child>,
}

/// Probe that turns a block tree into Verilog.
pub(super) struct Collector {
    prefix: String,
    stack: Vec<Frame>,
    names: HashMap<String, String>,
    taken: HashSet<String>,
    interfaces: HashMap<String, Vec<Net>>,
    out: Vec<Module>,
    leaves: BTreeMap<&'static str, &'static str>,
    error: Option<LintError>,
}

impl Collector {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.into(),
            stack: vec![],
            names: HashMap::new(),
            taken: HashSet::new(),
            interfaces: HashMap::new(),
            out: vec![],
            leaves: BTreeMap::new(),
            error: None,
        }
    }

    /// The modules, children before parents.
    pub(super) fn finish(self) -> Result<Vec<Module>, LintError> {
        match self.error {
            Some(e) => Err(e),
            None => {
                let leaf = |(name, text): (&&str, &&str)| Module {
                    name: format!("{}_{name}", self.prefix),
                    text: text.replacen(PREFIX_MARK, &self.prefix, 1),
                };
                Ok(self.leaves.iter().map(leaf).chain(self.out).collect())
            }
        }
    }

    fn fail(&mut self, problem: String) {
        let path: Vec<&str> = self.stack.iter().map(|f| f.name.as_str()).collect();
        self.error.get_or_insert(LintError { module: path.join("."), problem });
    }

    /// Ends a module: prints it (or finds its twin) and gives its parent a child.
    fn end(&mut self, frame: Frame) -> Result<Option<Child>, String> {
        let Verilog::Combinatorial(kernel) = &frame.body else {
            let Verilog::Custom(text) = &frame.body else { return Err("the block has no kernel".into()) };
            let leaf = Leaf::parse(text).ok_or_else(|| format!("unknown leaf cell {text}"))?;
            match leaf {
                Leaf::Ram { .. } => self.leaves.insert("ram", RAM_MODULE),
                Leaf::Mul { .. } => self.leaves.insert("mul", MUL_MODULE),
                Leaf::MaskedAdd { .. } => self.leaves.insert("masked_add", MASKED_ADD_MODULE),
                Leaf::Add { .. } => self.leaves.insert("add", ADD_MODULE),
                Leaf::AddSub { .. } => self.leaves.insert("add_sub", ADD_SUB_MODULE),
                Leaf::FlipAdd { .. } => self.leaves.insert("flip_add", FLIP_ADD_MODULE),
                Leaf::TwiceAdd { .. } => self.leaves.insert("twice_add", TWICE_ADD_MODULE),
                Leaf::Dff | Leaf::Odd => None,
            };
            return Ok(Some(Child { name: frame.name, part: Part::Leaf(leaf), ports: frame.signals }));
        };
        let is_top = self.stack.is_empty();
        let text = module::print(&self.prefix, &frame.doc, &frame.signals, &frame.children, kernel)?;
        let name = match self.names.get(&text) {
            Some(name) => name.clone(),
            None => {
                let hint = frame.name.split('$').next().unwrap_or("module").to_owned();
                let prefix = &self.prefix;
                let mut name = if is_top { prefix.clone() } else { format!("{prefix}_{hint}") };
                for i in 2.. {
                    if self.taken.insert(name.clone()) {
                        break;
                    }
                    name = format!("{prefix}_{hint}_{i}");
                }
                self.out
                    .push(Module { name: name.clone(), text: text.replacen(module::NAME_MARK, &name, 1) });
                self.names.insert(text, name.clone());
                self.interfaces.insert(name.clone(), frame.signals.clone());
                name
            }
        };
        let ports = frame.signals.into_iter().filter(Net::is_port).collect();
        Ok(Some(Child { name: frame.name, part: Part::Module(name), ports }))
    }
}

/// Words that SystemVerilog (IEEE 1800-2017 annex B) and Verilator's C++ keep for themselves.
#[rustfmt::skip]
impl Probe for Collector {
    fn visit_start_scope(&mut self, name: &str, node: &dyn Block) {
        let body = if self.error.is_some() { Verilog::Empty } else { node.hdl() };
        self.stack.push(Frame {
            name: name.into(),
            body,
            doc: Comments::default(),
            signals: vec![],
            children: vec![],
        });
    }

    fn visit_start_namespace(&mut self, text: &str, _: &dyn Block) {
        if let (Some(frame), Some(comments)) = (self.stack.last_mut(), Comments::parse(text)) {
            frame.doc = comments;
        }
    }

    fn visit_atom(&mut self, name: &str, atom: &dyn Atom) {
        let Some(frame) = self.stack.last_mut() else { return };
        let descriptor = atom.descriptor();
        let kind = match (descriptor.name.as_str(), &descriptor.kind) {
            (n, k) if n.starts_with(TYPE_PREFIX) => Kind::Value { signed: matches!(k, TypeKind::Signed(_)) },
            ("clock", _) => Kind::Clock,
            _ => Kind::Bit,
        };
        let symbol = Symbol { kind, width: atom.bits(), net: net_name(name) };
        let constant = (atom.kind() == AtomKind::Constant).then(|| atom.verilog());
        frame.signals.push(Net { name: name.into(), direction: atom.kind(), symbol, constant });
    }

    fn visit_end_scope(&mut self, _: &str, _: &dyn Block) {
        let Some(frame) = self.stack.pop() else { return };
        if self.error.is_some() {
            return;
        }
        let name = frame.name.clone();
        match self.end(frame) {
            Ok(Some(child)) => {
                if let Some(parent) = self.stack.last_mut() {
                    parent.children.push(child);
                }
            }
            Ok(None) => {}
            Err(problem) => {
                self.fail(format!("{name}: {problem}"));
            }
        }
    }
}
