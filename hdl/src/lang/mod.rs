//! How modules are written: RustHDL kernels with run-time widths, a strict lint, and our own Verilog writer.
//!
//! A module is a struct deriving `LogicBlock`; its kernel is `#[hdl_gen] fn update(&mut self)`:
//!
//! ```
//! use spikegate_hdl::lang::*;
//!
//! /// Counts to `limit`, then starts again.
//! #[derive(LogicBlock)]
//! pub struct Counter {
//!     pub clk: Signal<In, Clock>,
//!     pub enable: Signal<In, Bit>,
//!     pub value: Sig<Out>,
//!     count: Dff,
//!     limit: Const,
//!     one: Const,
//! }
//!
//! impl Counter {
//!     pub fn new(limit: i64) -> Self {
//!         let ty = u(8);
//!         Self {
//!             clk: Default::default(),
//!             enable: Default::default(),
//!             value: Sig::new(ty),
//!             count: Dff::new(ty),
//!             limit: Const::new(ty, limit),
//!             one: Const::new(u(1), 1),
//!         }
//!     }
//! }
//!
//! impl Logic for Counter {
//!     #[hdl_gen]
//!     fn update(&mut self) {
//!         dff_setup!(self, clk, count);
//!         if self.enable.val() {
//!             self.count.d.next = self.count.q.val() + self.one.val();
//!             if self.count.q.val() == self.limit.val() {
//!                 self.count.d.next = 0.into();
//!             }
//!         }
//!         self.value.next = self.count.q.val();
//!     }
//! }
//!
//! let mut counter = Counter::new(3);
//! counter.enable.next = true;
//! sim::cycles(&mut counter, |c| &mut c.clk, 6);
//! assert_eq!(counter.value.val().0, 2);
//! let text = verilog::write(&counter, "counter").unwrap();
//! assert!(text.contains("module counter"));
//! ```
//!
//! # Rules
//!
//! * Signals of one bit that steer logic are RustHDL's `Signal<_, Bit>` and `Signal<_, Clock>`; everything else is a
//!   [`Sig`] of run-time width. A register or constant of one bit gives its bit by `.get_bit(0)`.
//! * Values are exact inside an expression and wrap to the signal's width at the assignment.
//! * Comparisons and right shifts take signals, constants and literals, not expressions: assign to a `Local` first.
//! * Every assigned signal gets a default, unconditionally, before anything else; `dff_setup!` does it for registers.
//! * A signal that the kernel assigns is not read before its last assignment.
//! * Sizes come from fields starting with `_` in loop bounds; `for k in 0..self._flag` is the way to an `if` at
//!   generation time; what may be absent is an [`Optional`]. Indices are loop variables and literals: `x[2 * i + 1]`.
//! * The number of a bit, `x.get_bit(i)`, is a literal, a loop variable or an unsigned signal `i.val().index()` that
//!   stays below the width. Slices start at a literal. A shift's amount is a literal or unsigned.
//! * A literal fits the signal that it is assigned to.
//! * No enums, `match`, `let`, casts or function calls but `Bundle::join`, which assigns a [`bundle!`] at once; `&`, `|`
//!   and `!` on single bits, not `&&` and `||`.
//! * A kernel longer than a screen or two comes in parts, see [`kernel!`].
//!
//! A field `doc: Doc` brings the struct's documentation into the Verilog, see [`doc`](mod@doc).
//!
//! [`verilog::write`] refuses what breaks these rules.

pub mod bundle;
pub mod cells;
pub mod cosim;
pub mod doc;
pub mod optional;
pub mod part;
pub mod signal;
pub mod sim;
pub mod value;
pub mod verilog;

pub use cells::{Add, AddSub, Dff, FlipAdd, MaskedAdd, Mul, Odd, Ram, TwiceAdd};
pub use doc::Doc;
pub use optional::Optional;
pub use rust_hdl_core::prelude::*;
pub use signal::{s, u, Const, Read, Sig, Ty};
pub use value::Value;

pub use crate::{bundle, dff_setup, doc, kernel, ports};
