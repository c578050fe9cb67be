//! Expressions: types, rules and printing.

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

/// A condition, or the value of a one-bit signal.
pub(super) fn truth(e: &Expr, scope: &Scope) -> Result<String> {
    Ok(match e {
        Expr::Literal(0) => "1'b0".into(),
        Expr::Literal(1) => "1'b1".into(),
        Expr::Signal(n) if symbol(scope, n)?.kind == Kind::Bit => symbol(scope, n)?.net.clone(),
        Expr::Binary(a, op, b) if op.is_comparison() => comparison(a, *op, b, scope)?,
        Expr::Binary(a, op @ (Op::And | Op::Or | Op::Xor), b) if is_bool(e, scope)? => {
            let sign = match op {
                Op::And => "&",
                Op::Or => "|",
                _ => "^",
            };
            format!("({} {sign} {})", truth(a, scope)?, truth(b, scope)?)
        }
        Expr::Not(a) if is_bool(a, scope)? => format!("!{}", truth(a, scope)?),
        Expr::Reduce(sign, a) => format!("({sign}{})", plain(a, scope)?.net),
        Expr::Bit(a, i) => format!("{}[{}]", plain(a, scope)?.net, bit_index(a, i, scope)?),
        other => {
            return Err(format!(
                "{other:?} is used as a truth value but is a number: compare it or take a bit"
            ))
        }
    })
}

fn plain<'a>(e: &Expr, scope: &'a Scope) -> Result<&'a Symbol> {
    match e {
        Expr::Signal(n) => symbol(scope, n),
        other => Err(format!("{other:?} must be a plain signal here: assign it to a Local first")),
    }
}

fn bit_index(a: &Expr, i: &Expr, scope: &Scope) -> Result<String> {
    match i {
        Expr::Literal(v) => {
            let width = plain(a, scope)?.width;
            if *v < 0 || *v >= width as i128 {
                return Err(format!("bit {v} of {a:?}, which has {width} bits"));
            }
            Ok(v.to_string())
        }
        other => match plain(other, scope)? {
            Symbol { kind: Kind::Value { signed: false }, net, .. } => Ok(net.clone()),
            _ => Err(format!("bit {other:?} of {a:?}: the number of a bit must be unsigned")),
        },
    }
}

fn comparison(a: &Expr, op: Op, b: &Expr, scope: &Scope) -> Result<String> {
    let sign = match op {
        Op::Eq => "==",
        Op::Ne => "!=",
        Op::Lt => "<",
        Op::Le => "<=",
        Op::Gt => ">",
        _ => ">=",
    };
    if is_bool(a, scope)? && is_bool(b, scope)? {
        return Ok(format!("({} {sign} {})", truth(a, scope)?, truth(b, scope)?));
    }
    let ok = |e: &Expr| matches!(e, Expr::Signal(_) | Expr::Literal(_));
    if !ok(a) || !ok(b) {
        return Err(format!(
            "{a:?} {op:?} {b:?}: compare signals and literals only, assign to a Local first"
        ));
    }
    let width = |e: &Expr| match e {
        Expr::Signal(n) => symbol(scope, n).map_or(1, |s| s.width),
        _ => 1,
    };
    let widest = width(a).max(width(b));
    let signed = any_signed(a, scope)? || any_signed(b, scope)?;
    Ok(format!("({} {sign} {})", number(a, signed, widest, scope)?, number(b, signed, widest, scope)?))
}

fn literal(v: i128, signed: bool, width: usize) -> String {
    let needed = 128 - v.unsigned_abs().leading_zeros() as usize + usize::from(signed);
    let width = width.max(needed).max(1);
    match (signed, v < 0) {
        (true, true) => format!("-{width}'sd{}", v.unsigned_abs()),
        (true, false) => format!("{width}'sd{v}"),
        (false, _) => format!("{width}'d{v}"),
    }
}

/// A number for a context of at least `width` bits; with `signed`, every part is printed as a signed quantity.
fn number(e: &Expr, signed: bool, width: usize, scope: &Scope) -> Result<String> {
    let as_signed = |text: String| if signed { format!("$signed({{1'b0, {text}}})") } else { text };
    if is_bool(e, scope)? {
        return Ok(as_signed(truth(e, scope)?));
    }
    Ok(match e {
        Expr::Literal(v) => literal(*v, signed, width),
        Expr::Signal(n) => {
            let s = symbol(scope, n)?;
            match s.kind {
                Kind::Value { signed: true } => s.net.clone(),
                Kind::Value { signed: false } => as_signed(s.net.clone()),
                _ => return Err(format!("{n} is a clock")),
            }
        }
        Expr::Binary(a, op @ (Op::Shl | Op::Shr), b) => {
            let amount = match &**b {
                Expr::Literal(v) if (0..128).contains(v) => v.to_string(),
                Expr::Signal(n) => match symbol(scope, n)? {
                    Symbol { kind: Kind::Value { signed: false }, net, .. } => net.clone(),
                    _ => return Err(format!("shift by {n}, which is not unsigned")),
                },
                other => return Err(format!("shift by {other:?}: use a signal, constant or literal")),
            };
            if *op == Op::Shr {
                plain(a, scope)?;
            }
            let sign = match (op, signed) {
                (Op::Shl, _) => "<<",
                (_, true) => ">>>",
                (_, false) => ">>",
            };
            format!("({} {sign} {amount})", number(a, signed, width, scope)?)
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
            format!("({} {sign} {})", number(a, signed, width, scope)?, number(b, signed, width, scope)?)
        }
        Expr::Neg(a) => format!("(-{})", number(a, signed, width, scope)?),
        Expr::Not(a) => format!("(~{})", number(a, signed, width, scope)?),
        Expr::Slice(a, n, i) => {
            let s = plain(a, scope)?;
            let text = match &**i {
                Expr::Literal(0) if s.width == *n && s.kind == (Kind::Value { signed: false }) => {
                    s.net.clone()
                }
                Expr::Literal(v) if *v >= 0 && *v as usize + n <= s.width => {
                    format!("{}[{}:{}]", s.net, *v as usize + n - 1, v)
                }
                other => {
                    return Err(format!(
                        "slice of {n} bits from {other:?} of {a:?}, which has {} bits",
                        s.width
                    ))
                }
            };
            as_signed(text)
        }
        other => return Err(format!("{other:?} does not give a number")),
    })
}

/// The right side of an assignment to `target`.
pub(super) fn assigned(e: &Expr, target: &Symbol, scope: &Scope) -> Result<String> {
    let text = match target.kind {
        Kind::Bit | Kind::Clock => truth(e, scope)?,
        Kind::Value { signed: target_signed } => {
            let signed = any_signed(e, scope)?;
            if let Expr::Literal(v) = e {
                if *v >= 1 << (target.width - usize::from(target_signed)) {
                    return Err(format!("literal {v} does not fit {} bits", target.width));
                }
            }
            number(e, signed, target.width, scope)?
        }
    };
    // The outermost parentheses are noise.
    let inner = text.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
    Ok(inner.filter(|t| balanced(t)).map(str::to_owned).unwrap_or(text))
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
