//! From the assignments of one signal to a list of choices.

use super::kernel::{Expr, Stmt};

/// A value that a signal takes when all conditions hold, and no earlier choice of the list did.
pub(super) struct Arm<'a> {
    pub(super) conditions: Vec<Expr>,
    pub(super) value: &'a Expr,
}

/// Appends the choices of a block that runs when `conditions` hold, the last assignment first: it wins. Says whether one
/// of them is taken whenever the block runs.
pub(super) fn arms<'a>(block: &'a [Stmt], conditions: &[Expr], out: &mut Vec<Arm<'a>>) -> bool {
    for statement in block.iter().rev() {
        let complete = match statement {
            Stmt::Assign(_, value) => {
                out.push(Arm { conditions: conditions.to_vec(), value });
                true
            }
            Stmt::If(c, then, otherwise) => {
                let (yes, no) =
                    (with(conditions, c.clone()), with(conditions, Expr::Not(Box::new(c.clone()))));
                // Behind a branch of which one choice is always taken, the other's condition is known to hold.
                if is_complete(then) || !is_complete(otherwise) {
                    let known = arms(then, &yes, out);
                    arms(otherwise, if known { conditions } else { &no }, out) && known
                } else {
                    arms(otherwise, &no, out);
                    arms(then, conditions, out)
                }
            }
        };
        if complete {
            return true;
        }
    }
    false
}

fn is_complete(block: &[Stmt]) -> bool {
    block.iter().any(|s| match s {
        Stmt::Assign(..) => true,
        Stmt::If(_, then, otherwise) => is_complete(then) && is_complete(otherwise),
    })
}

fn with(conditions: &[Expr], c: Expr) -> Vec<Expr> {
    conditions.iter().cloned().chain([c]).collect()
}
