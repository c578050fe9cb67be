//! Rules that a type-correct kernel cannot break: the writer refuses them all the same.

use rust_hdl_core::ast::*;

use super::expr::{Kind, Printer, Scope, Symbol};
use super::kernel::{self, Expr};

fn scope() -> Scope {
    let symbol = |kind, width, net: &str| Symbol { kind, width, net: net.into() };
    Scope::from([
        ("n".into(), symbol(Kind::Value { signed: false }, 8, "n")),
        ("a".into(), symbol(Kind::Value { signed: true }, 8, "a")),
        ("go".into(), symbol(Kind::Bit, 1, "go")),
    ])
}

fn truth(e: &Expr, scope: &Scope) -> Result<String, String> {
    Printer::new(scope).truth(e)
}

fn assigned(e: &Expr, target: &Symbol, scope: &Scope) -> Result<String, String> {
    Printer::new(scope).assigned(e, target, false)
}

fn signal(name: &str) -> Expr {
    Expr::Signal(name.into())
}

#[test]
fn a_number_is_no_truth_value() {
    assert!(truth(&signal("n"), &scope()).unwrap_err().contains("truth value"));
    assert!(truth(&Expr::Literal(2), &scope()).unwrap_err().contains("truth value"));
    assert!(truth(&Expr::Not(Box::new(signal("n"))), &scope()).unwrap_err().contains("truth value"));
    assert_eq!(truth(&signal("go"), &scope()).unwrap(), "go");
}

#[test]
fn literals_fit_signed_and_unsigned_targets() {
    let scope = scope();
    assert_eq!(assigned(&Expr::Literal(255), &scope["n"], &scope).unwrap(), "8'd255");
    assert!(assigned(&Expr::Literal(256), &scope["n"], &scope).unwrap_err().contains("does not fit"));
    assert!(assigned(&Expr::Literal(127), &scope["a"], &scope).is_ok());
    assert!(assigned(&Expr::Literal(128), &scope["a"], &scope).unwrap_err().contains("does not fit"));
}

#[test]
fn forms_outside_the_language_are_refused() {
    let n = || VerilogExpression::Signal("n".into());
    let case = VerilogStatement::Match(VerilogMatch { test: n(), cases: vec![] });
    let set_bits = VerilogStatement::SliceAssignment { base: n(), width: 2, offset: n(), replacement: n() };
    for statement in [case, set_bits] {
        assert!(kernel::resolve(&vec![statement]).unwrap_err().contains("not part of the kernel language"));
    }
    let cast = VerilogExpression::Cast(Box::new(n()), 4);
    let assignment = VerilogStatement::Assignment(n(), cast);
    assert!(kernel::resolve(&vec![assignment]).unwrap_err().contains("not part of the kernel language"));
}

#[test]
fn unknown_names_are_refused() {
    assert!(truth(&signal("ghost"), &scope()).unwrap_err().contains("not a signal"));
}
