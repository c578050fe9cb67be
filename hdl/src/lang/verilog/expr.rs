//! Expressions: types, rules and printing.
//!
//! Every number is printed with exactly the bits of what it is assigned to or compared with: operands are extended or
//! cut in the text, so that no tool has to know Verilog's context widths. All operators but comparisons and right shifts
//! give the same low bits whatever lies above them, so cutting their operands is exact.

use std::collections::HashMap;

use super::kernel::{Expr, Op};

/// What a name stands for inside a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `Signal<_, Bit>`.
    Bit,
    /// `Signal<_, Clock>`.
    Clock,
    /// `Sig` or `Const` of this signedness.
    Value { signed: bool },
}

/// Type and Verilog text of a name.
#[derive(Clone, Debug)]
pub(super) struct Symbol {
    pub(super) kind: Kind,
    pub(super) width: usize,
    /// Net (or constant) that holds it.
    pub(super) net: String,
}

/// All names that a kernel may use.
pub(super) type Scope = HashMap<String, Symbol>;

type Result<T> = std::result::Result<T, String>;

fn symbol<'a>(scope: &'a Scope, name: &str) -> Result<&'a Symbol> {
    scope.get(name).ok_or_else(|| format!("{name} is not a signal of this module or of its children"))
}

/// Whether an expression is a truth value (and not a number).
fn is_bool(e: &Expr, scope: &Scope) -> Result<bool> {
    Ok(match e {
        Expr::Signal(n) => symbol(scope, n)?.kind == Kind::Bit,
        Expr::Binary(_, op, _) if op.is_comparison() => true,
        Expr::Binary(a, Op::And | Op::Or | Op::Xor, b) => is_bool(a, scope)? && is_bool(b, scope)?,
        Expr::Not(a) => is_bool(a, scope)?,
        Expr::Bit(..) | Expr::Reduce(..) => true,
        _ => false,
    })
}

/// Whether a number has a signed part, which makes all parts be printed signed.
fn any_signed(e: &Expr, scope: &Scope) -> Result<bool> {
    Ok(match e {
        Expr::Signal(n) => symbol(scope, n)?.kind == (Kind::Value { signed: true }),
        Expr::Literal(v) => *v < 0,
        Expr::Binary(a, Op::Shl | Op::Shr, _) => any_signed(a, scope)?,
        Expr::Binary(a, op, b) if !op.is_comparison() => any_signed(a, scope)? || any_signed(b, scope)?,
        Expr::Not(a) | Expr::Neg(a) => any_signed(a, scope)?,
        _ => false,
    })
}

/// A number in its own bits, before it is fitted to another width. Only names are cut or extended by their sign.
struct Operand {
    text: String,
    width: usize,
    signed: bool,
}

impl Operand {
    fn of(s: &Symbol) -> Self {
        let signed = s.kind == Kind::Value { signed: true };
        Self { text: s.net.clone(), width: s.width, signed }
    }

    /// The number in exactly `width` bits: cut, or extended by its sign or by zeros. With `signed`, of a signed type.
    fn fit(&self, width: usize, signed: bool) -> String {
        let Self { text, width: own, .. } = self;
        let fitted = match width.checked_sub(*own) {
            Some(0) if self.signed => return text.clone(),
            Some(0) => text.clone(),
            None => format!("{text}[{}:0]", width - 1),
            Some(more) if self.signed => format!("{{{{{more}{{{text}[{}]}}}}, {text}}}", own - 1),
            Some(more) => format!("{{{more}'d0, {text}}}"),
        };
        if signed {
            format!("$signed({fitted})")
        } else {
            fitted
        }
    }
}

/// Prints the expressions of one module.
pub(super) struct Printer<'a> {
    scope: &'a Scope,
    /// Declarations of nets for what Verilog cannot say inside an expression: some bits of a shifted value.
    pub(super) nets: Vec<String>,
}

impl<'a> Printer<'a> {
    pub(super) fn new(scope: &'a Scope) -> Self {
        Self { scope, nets: vec![] }
    }

    /// A condition, or the value of a one-bit signal.
    pub(super) fn truth(&mut self, e: &Expr) -> Result<String> {
        let scope = self.scope;
        Ok(match e {
            Expr::Literal(0) => "1'b0".into(),
            Expr::Literal(1) => "1'b1".into(),
            Expr::Signal(n) if symbol(scope, n)?.kind == Kind::Bit => symbol(scope, n)?.net.clone(),
            Expr::Binary(a, op, b) if op.is_comparison() => self.comparison(a, *op, b)?,
            Expr::Binary(a, op @ (Op::And | Op::Or | Op::Xor), b) if is_bool(e, scope)? => {
                let sign = match op {
                    Op::And => "&",
                    Op::Or => "|",
                    _ => "^",
                };
                format!("({} {sign} {})", self.truth(a)?, self.truth(b)?)
            }
            Expr::Not(a) if is_bool(a, scope)? => {
                let text = self.truth(a)?;
                text.strip_prefix('!').map_or_else(|| format!("!{text}"), str::to_owned)
            }
            Expr::Reduce(sign, a) => format!("({sign}{})", plain(a, scope)?.net),
            Expr::Bit(a, i) => format!("{}[{}]", plain(a, scope)?.net, bit_index(a, i, scope)?),
            other => {
                return Err(format!(
                    "{other:?} is used as a truth value but is a number: compare it or take a bit"
                ))
            }
        })
    }

    fn comparison(&mut self, a: &Expr, op: Op, b: &Expr) -> Result<String> {
        let scope = self.scope;
        let sign = match op {
            Op::Eq => "==",
            Op::Ne => "!=",
            Op::Lt => "<",
            Op::Le => "<=",
            Op::Gt => ">",
            _ => ">=",
        };
        if is_bool(a, scope)? && is_bool(b, scope)? {
            return Ok(format!("({} {sign} {})", self.truth(a)?, self.truth(b)?));
        }
        let ok = |e: &Expr| matches!(e, Expr::Signal(_) | Expr::Literal(_));
        if !ok(a) || !ok(b) {
            return Err(format!(
                "{a:?} {op:?} {b:?}: compare signals and literals only, assign to a Local first"
            ));
        }
        let signed = any_signed(a, scope)? || any_signed(b, scope)?;
        // Both sides with all of their bits, and with a sign where the other side has one.
        let width = |e: &Expr| match e {
            Expr::Signal(n) => {
                let s = symbol(scope, n)?;
                Ok::<_, String>(s.width + usize::from(signed && s.kind != Kind::Value { signed: true }))
            }
            Expr::Literal(v) => Ok(literal_bits(*v, signed)),
            _ => Ok(1),
        };
        let widest = width(a)?.max(width(b)?);
        Ok(format!("({} {sign} {})", self.number(a, signed, widest)?, self.number(b, signed, widest)?))
    }

    /// A number of exactly `width` bits; with `signed`, every part is of a signed type.
    fn number(&mut self, e: &Expr, signed: bool, width: usize) -> Result<String> {
        let scope = self.scope;
        if is_bool(e, scope)? {
            let text = self.truth(e)?;
            return Ok(Operand { text, width: 1, signed: false }.fit(width, signed));
        }
        Ok(match e {
            Expr::Literal(v) => literal(*v, signed, width),
            Expr::Signal(n) => match symbol(scope, n)? {
                Symbol { kind: Kind::Clock, .. } => return Err(format!("{n} is a clock")),
                s => Operand::of(s).fit(width, signed),
            },
            Expr::Binary(a, Op::Shl, amount) => {
                let amount = shift_amount(amount, scope)?;
                format!("({} << {amount})", self.number(a, signed, width)?)
            }
            Expr::Binary(a, Op::Shr, amount) => {
                let amount = shift_amount(amount, scope)?;
                self.shifted_right(plain(a, scope)?, &amount, width, signed)
            }
            Expr::Binary(a, op, b) => {
                let sign = match op {
                    Op::Add => "+",
                    Op::Sub => "-",
                    Op::Mul => "*",
                    Op::And => "&",
                    Op::Or => "|",
                    Op::Xor => "^",
                    other => return Err(format!("{other:?} does not give a number")),
                };
                format!("({} {sign} {})", self.number(a, signed, width)?, self.number(b, signed, width)?)
            }
            Expr::Neg(a) => format!("(-{})", self.number(a, signed, width)?),
            Expr::Not(a) => format!("(~{})", self.number(a, signed, width)?),
            Expr::Slice(a, n, i) => {
                let s = plain(a, scope)?;
                let low = match &**i {
                    Expr::Literal(v) if *v >= 0 && *v as usize + n <= s.width => *v as usize,
                    other => {
                        return Err(format!(
                            "slice of {n} bits from {other:?} of {a:?}, which has {} bits",
                            s.width
                        ))
                    }
                };
                // Of the slice, what fits.
                let taken = (*n).min(width);
                let text = match low == 0 && taken == s.width {
                    true => s.net.clone(),
                    false => format!("{}[{}:{low}]", s.net, low + taken - 1),
                };
                Operand { text, width: taken, signed: false }.fit(width, signed)
            }
            other => return Err(format!("{other:?} does not give a number")),
        })
    }

    /// `width` bits of a shifted signal. Its own sign says what moves in from above, whatever surrounds it, so the shift
    /// is an operand of its own.
    fn shifted_right(&mut self, s: &Symbol, amount: &str, width: usize, signed: bool) -> String {
        let operand = Operand::of(s);
        let all = width.max(s.width);
        let sign = if operand.signed { ">>>" } else { ">>" };
        let shifted = format!("{} {sign} {amount}", operand.fit(all, operand.signed));
        let operand = if all == width {
            let text = if operand.signed { format!("$signed({shifted})") } else { format!("({shifted})") };
            Operand { text, width, signed: operand.signed }
        } else {
            let name = format!("shifted__{}", self.nets.len());
            let kind = if operand.signed { "signed " } else { "" };
            self.nets.push(format!("wire {kind}[{}:0] {name} = {shifted};", all - 1));
            Operand { text: name, width: all, signed: operand.signed }
        };
        operand.fit(width, signed)
    }

    /// Whether the text of an assignment is of a signed type.
    pub(super) fn is_signed(&self, e: &Expr) -> Result<bool> {
        any_signed(e, self.scope)
    }

    /// The right side of an assignment to `target`; with `signed`, of a signed type.
    pub(super) fn assigned(&mut self, e: &Expr, target: &Symbol, signed: bool) -> Result<String> {
        let text = match target.kind {
            Kind::Bit | Kind::Clock => self.truth(e)?,
            Kind::Value { signed: target_signed } => {
                if let Expr::Literal(v) = e {
                    if *v >= 1 << (target.width - usize::from(target_signed)) {
                        return Err(format!("literal {v} does not fit {} bits", target.width));
                    }
                }
                self.number(e, signed, target.width)?
            }
        };
        Ok(bare(&text).to_owned())
    }
}

fn plain<'a>(e: &Expr, scope: &'a Scope) -> Result<&'a Symbol> {
    match e {
        Expr::Signal(n) => symbol(scope, n),
        other => Err(format!("{other:?} must be a plain signal here: assign it to a Local first")),
    }
}

fn shift_amount(e: &Expr, scope: &Scope) -> Result<String> {
    match e {
        Expr::Literal(v) if (0..128).contains(v) => Ok(v.to_string()),
        Expr::Signal(n) => match symbol(scope, n)? {
            Symbol { kind: Kind::Value { signed: false }, net, .. } => Ok(net.clone()),
            _ => Err(format!("shift by {n}, which is not unsigned")),
        },
        other => Err(format!("shift by {other:?}: use a signal, constant or literal")),
    }
}

/// The number of a bit of `a`, with as many bits as that takes: it stays below the width.
fn bit_index(a: &Expr, i: &Expr, scope: &Scope) -> Result<String> {
    let width = plain(a, scope)?.width;
    match i {
        Expr::Literal(v) => {
            if *v < 0 || *v >= width as i128 {
                return Err(format!("bit {v} of {a:?}, which has {width} bits"));
            }
            Ok(v.to_string())
        }
        other => match plain(other, scope)? {
            s @ Symbol { kind: Kind::Value { signed: false }, .. } => {
                Ok(Operand::of(s).fit((width.max(2) - 1).ilog2() as usize + 1, false))
            }
            _ => Err(format!("bit {other:?} of {a:?}: the number of a bit must be unsigned")),
        },
    }
}

/// Bits that hold a literal.
fn literal_bits(v: i128, signed: bool) -> usize {
    let magnitude = if v < 0 { !v } else { v };
    (128 - magnitude.leading_zeros() as usize + usize::from(signed)).max(1)
}

/// A literal of exactly `width` bits, its low ones where it has more.
fn literal(v: i128, signed: bool, width: usize) -> String {
    let low = if width < 128 { v & ((1 << width) - 1) } else { v };
    match (signed, v < 0) {
        (true, _) if literal_bits(v, true) > width => format!("$signed({width}'d{low})"),
        (true, true) => format!("-{width}'sd{}", v.unsigned_abs()),
        (true, false) => format!("{width}'sd{v}"),
        (false, _) => format!("{width}'d{low}"),
    }
}

/// Without the outermost parentheses, which are noise.
pub(super) fn bare(text: &str) -> &str {
    let inner = text.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
    inner.filter(|t| balanced(t)).unwrap_or(text)
}

fn balanced(text: &str) -> bool {
    let mut depth = 0;
    for c in text.chars() {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}
