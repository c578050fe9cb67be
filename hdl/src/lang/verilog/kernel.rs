//! Kernels with loops unrolled and names resolved, and their slices per driven signal.

use std::collections::{HashMap, HashSet};

use rust_hdl_core::ast::*;

/// A statement without loops; names are `child$port` or `signal`, with indices resolved to `$n`.
#[derive(Clone, Debug)]
pub(super) enum Stmt {
    Assign(String, Expr),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
}

/// An expression with names resolved.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Signal(String),
    Literal(i128),
    Binary(Box<Expr>, Op, Box<Expr>),
    Not(Box<Expr>),
    Neg(Box<Expr>),
    Reduce(&'static str, Box<Expr>),
    Bit(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, usize, Box<Expr>),
}

/// Binary operators of the kernel language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Sub,
    Mul,
    Xor,
    And,
    Or,
    Shl,
    Shr,
    Eq,
    Lt,
    Le,
    Ne,
    Ge,
    Gt,
}

impl Op {
    pub(super) fn is_comparison(self) -> bool {
        matches!(self, Op::Eq | Op::Lt | Op::Le | Op::Ne | Op::Ge | Op::Gt)
    }
}

type Result<T> = std::result::Result<T, String>;

struct Resolver {
    loops: HashMap<String, usize>,
}

/// Unrolls and resolves a kernel.
pub(super) fn resolve(block: &VerilogBlock) -> Result<Vec<Stmt>> {
    Resolver { loops: HashMap::new() }.block(block)
}

impl Resolver {
    fn block(&mut self, block: &VerilogBlock) -> Result<Vec<Stmt>> {
        let mut out = Vec::new();
        for statement in block {
            self.statement(statement, &mut out)?;
        }
        Ok(out)
    }

    fn statement(&mut self, statement: &VerilogStatement, out: &mut Vec<Stmt>) -> Result<()> {
        match statement {
            VerilogStatement::Assignment(VerilogExpression::Signal(target), value) => {
                let target = self.name(target)?;
                let target = target.strip_suffix("$next").unwrap_or(&target).to_owned();
                out.push(Stmt::Assign(target, self.expr(value)?));
            }
            VerilogStatement::If(c) => out.push(self.conditional(c)?),
            VerilogStatement::Loop(l) => {
                for i in l.from.as_usize()..l.to.as_usize() {
                    let outer = self.loops.insert(l.index.clone(), i);
                    let body = self.block(&l.block)?;
                    out.extend(body);
                    match outer {
                        Some(v) => self.loops.insert(l.index.clone(), v),
                        None => self.loops.remove(&l.index),
                    };
                }
            }
            VerilogStatement::Macro(block) => out.extend(self.block(block)?),
            VerilogStatement::Link(signals) => {
                for signal in signals {
                    out.push(self.joined(signal)?);
                }
            }
            VerilogStatement::Comment(_) => {}
            other => return Err(format!("statement form {other:?} is not part of the kernel language")),
        }
        Ok(())
    }

    /// A signal of a bundle takes that of another.
    fn joined(&self, signal: &VerilogLink) -> Result<Stmt> {
        let VerilogLink::Forward(VerilogLinkDetails { my_name, owner_name, other_name }) = signal else {
            return Err(format!("{signal:?}: bundles are assigned one to the other"));
        };
        let [from, to] = [owner_name, other_name].map(|name| self.name(&format!("{name}${my_name}")));
        Ok(Stmt::Assign(to?, Expr::Signal(from?)))
    }

    fn conditional(&mut self, c: &VerilogConditional) -> Result<Stmt> {
        let otherwise = match &c.otherwise {
            VerilogBlockOrConditional::Block(b) => self.block(b)?,
            VerilogBlockOrConditional::Conditional(s) => {
                let mut out = Vec::new();
                self.statement(s, &mut out)?;
                out
            }
            VerilogBlockOrConditional::None => Vec::new(),
        };
        Ok(Stmt::If(self.expr(&c.test)?, self.block(&c.then)?, otherwise))
    }

    fn expr(&self, e: &VerilogExpression) -> Result<Expr> {
        let boxed = |e: &VerilogExpression| self.expr(e).map(Box::new);
        Ok(match e {
            VerilogExpression::Paren(e) => self.expr(e)?,
            VerilogExpression::Signal(name) => match self.loops.get(name) {
                Some(&i) => Expr::Literal(i as i128),
                None => Expr::Signal(self.name(name)?),
            },
            VerilogExpression::Literal(l) => Expr::Literal(literal(l)?),
            VerilogExpression::Binary(a, op, b) => Expr::Binary(boxed(a)?, operator(op)?, boxed(b)?),
            VerilogExpression::Unary(VerilogOpUnary::Not, e) => Expr::Not(boxed(e)?),
            VerilogExpression::Unary(VerilogOpUnary::Neg, e) => Expr::Neg(boxed(e)?),
            VerilogExpression::Unary(VerilogOpUnary::All, e) => Expr::Reduce("&", boxed(e)?),
            VerilogExpression::Unary(VerilogOpUnary::Any, e) => Expr::Reduce("|", boxed(e)?),
            VerilogExpression::Unary(VerilogOpUnary::Xor, e) => Expr::Reduce("^", boxed(e)?),
            VerilogExpression::Index(e, i) => Expr::Bit(boxed(e)?, boxed(i)?),
            VerilogExpression::Slice(e, n, i) => Expr::Slice(boxed(e)?, *n, boxed(i)?),
            other => return Err(format!("expression form {other:?} is not part of the kernel language")),
        })
    }

    /// `x[2*i+1]$y` with i = 3 becomes `x$7$y`.
    fn name(&self, text: &str) -> Result<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('[') {
            let close =
                open + rest[open..].find(']').ok_or_else(|| format!("name {text}: no closing bracket"))?;
            out += &rest[..open];
            out += &format!("${}", self.index(&rest[open + 1..close], text)?);
            rest = &rest[close + 1..];
        }
        Ok(out + rest)
    }

    /// Sums of products of loop variables and literals.
    fn index(&self, text: &str, name: &str) -> Result<usize> {
        let factor = |f: &str| {
            let f = f.trim();
            let value = self.loops.get(f).copied().or_else(|| f.parse().ok());
            value.ok_or_else(|| format!("name {name}: index {f} is neither a loop variable nor a literal"))
        };
        let term = |t: &str| t.split('*').try_fold(1, |p, f| Ok::<_, String>(p * factor(f)?));
        text.split('+').try_fold(0, |sum, t| Ok(sum + term(t)?))
    }
}

fn literal(l: &VerilogLiteral) -> Result<i128> {
    let text = format!("{l:x}");
    let digits = text.split("'h").nth(1).unwrap_or_default();
    u128::from_str_radix(digits, 16)
        .map(|v| v as i128)
        .map_err(|_| format!("literal {text} cannot be represented"))
}

pub(super) fn constant(l: &VerilogLiteral) -> Result<i128> {
    literal(l)
}

fn operator(op: &VerilogOp) -> Result<Op> {
    Ok(match op {
        VerilogOp::Add => Op::Add,
        VerilogOp::Sub => Op::Sub,
        VerilogOp::Mul => Op::Mul,
        VerilogOp::BitXor => Op::Xor,
        VerilogOp::BitAnd => Op::And,
        VerilogOp::BitOr => Op::Or,
        VerilogOp::Shl => Op::Shl,
        VerilogOp::Shr => Op::Shr,
        VerilogOp::Eq => Op::Eq,
        VerilogOp::Lt => Op::Lt,
        VerilogOp::Le => Op::Le,
        VerilogOp::Ne => Op::Ne,
        VerilogOp::Ge => Op::Ge,
        VerilogOp::Gt => Op::Gt,
        other => return Err(format!("operator {other:?}: use & and | on single bits")),
    })
}

/// Signals assigned in a kernel, in order of first assignment.
pub(super) fn targets(kernel: &[Stmt]) -> Vec<String> {
    fn walk(block: &[Stmt], seen: &mut HashSet<String>, out: &mut Vec<String>) {
        for s in block {
            match s {
                Stmt::Assign(t, _) => {
                    if seen.insert(t.clone()) {
                        out.push(t.clone());
                    }
                }
                Stmt::If(_, a, b) => {
                    walk(a, seen, out);
                    walk(b, seen, out);
                }
            }
        }
    }
    let mut out = Vec::new();
    walk(kernel, &mut HashSet::new(), &mut out);
    out
}

/// The kernel split by driven signal: for each, only the statements that concern it. One pass over the kernel.
pub(super) fn slices(kernel: &[Stmt]) -> HashMap<String, Vec<Stmt>> {
    let mut out: HashMap<String, Vec<Stmt>> = HashMap::new();
    for s in kernel {
        match s {
            Stmt::Assign(t, _) => out.entry(t.clone()).or_default().push(s.clone()),
            Stmt::If(c, a, b) => {
                let (mut then, mut otherwise) = (slices(a), slices(b));
                let names: Vec<String> = then.keys().chain(otherwise.keys()).cloned().collect();
                for t in names {
                    let (x, y) = (then.remove(&t), otherwise.remove(&t));
                    if x.is_some() || y.is_some() {
                        let slice = Stmt::If(c.clone(), x.unwrap_or_default(), y.unwrap_or_default());
                        out.entry(t).or_default().push(slice);
                    }
                }
            }
        }
    }
    out
}

/// Names read by an expression.
pub(super) fn reads(e: &Expr, out: &mut Vec<String>) {
    match e {
        Expr::Signal(n) => out.push(n.clone()),
        Expr::Literal(_) => {}
        Expr::Binary(a, _, b) | Expr::Bit(a, b) | Expr::Slice(a, _, b) => {
            reads(a, out);
            reads(b, out);
        }
        Expr::Not(a) | Expr::Neg(a) | Expr::Reduce(_, a) => reads(a, out),
    }
}

/// Names read anywhere in a kernel.
pub(super) fn all_reads(kernel: &[Stmt]) -> HashSet<String> {
    fn walk(block: &[Stmt], out: &mut Vec<String>) {
        for s in block {
            match s {
                Stmt::Assign(_, e) => reads(e, out),
                Stmt::If(c, a, b) => {
                    reads(c, out);
                    walk(a, out);
                    walk(b, out);
                }
            }
        }
    }
    let mut out = Vec::new();
    walk(kernel, &mut out);
    out.into_iter().collect()
}

/// Statements in program order, with the step at which each is evaluated, for the read-before-assignment rule.
pub(super) fn check_order(kernel: &[Stmt]) -> Result<()> {
    fn last(block: &[Stmt], step: &mut usize, out: &mut HashMap<String, usize>) {
        for s in block {
            *step += 1;
            match s {
                Stmt::Assign(t, _) => {
                    out.insert(t.clone(), *step);
                }
                Stmt::If(_, a, b) => {
                    last(a, step, out);
                    last(b, step, out);
                }
            }
        }
    }
    fn check(block: &[Stmt], step: &mut usize, last: &HashMap<String, usize>) -> Result<()> {
        for s in block {
            *step += 1;
            let mut names = Vec::new();
            match s {
                Stmt::Assign(_, e) | Stmt::If(e, ..) => reads(e, &mut names),
            }
            if let Some(n) = names.iter().find(|n| last.get(*n).is_some_and(|&at| at >= *step)) {
                return Err(format!("{n} is read before its last assignment"));
            }
            if let Stmt::If(_, a, b) = s {
                check(a, step, last)?;
                check(b, step, last)?;
            }
        }
        Ok(())
    }
    let mut at = HashMap::new();
    last(kernel, &mut 0, &mut at);
    check(kernel, &mut 0, &at)
}
