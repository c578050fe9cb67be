//! Kernels in parts, where one would be too long to read.

use rust_hdl_core::prelude::*;

/// A part of the kernel of a module, named by the marker `P`; see [`kernel!`](crate::kernel).
pub trait Part<P> {
    /// As `Logic::update`.
    fn update(&mut self);
    /// As `Logic::connect`.
    fn connect(&mut self);
    /// As `Logic::hdl`.
    fn hdl(&self) -> Verilog;
}

/// `kernel!(Module: First, Second)`: the kernel of `Module` is the statements of `impl Part<First> for Module`, then
/// those of `impl Part<Second> for Module`. Each part is an `#[hdl_gen] fn update`, in a file of its own.
#[macro_export]
macro_rules! kernel {
    ($module:ident: $($part:ident),+ $(,)?) => {
        $(
            #[doc = concat!("Marks a part of the kernel of [`", stringify!($module), "`].")]
            struct $part;
        )+

        impl Logic for $module {
            fn update(&mut self) {
                $($crate::lang::part::Part::<$part>::update(self);)+
            }
            fn connect(&mut self) {
                $($crate::lang::part::Part::<$part>::connect(self);)+
            }
            fn hdl(&self) -> ast::Verilog {
                $crate::lang::part::join(vec![$($crate::lang::part::Part::<$part>::hdl(self)),+])
            }
        }
    };
}

/// One kernel of several.
#[doc(hidden)]
pub fn join(parts: Vec<Verilog>) -> Verilog {
    let statements = parts.into_iter().map(|part| match part {
        Verilog::Combinatorial(statements) => statements,
        other => panic!("{other:?} is no kernel"),
    });
    Verilog::Combinatorial(statements.flatten().collect())
}
