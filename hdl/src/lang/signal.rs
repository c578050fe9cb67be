//! Signals whose width is a run-time value.
//!
//! RustHDL's `Signal<_, Bits<N>>` takes its width as a const generic, which a model file cannot supply. Its kernel
//! macro only manipulates names, so any type with `.next`, `.val()` and an [`Atom`] is a signal.

use std::marker::PhantomData;

use rust_hdl_core::ast::VerilogLiteral;
use rust_hdl_core::prelude::*;
use rust_hdl_core::signal::get_signal_id;

use super::value::Value;

/// Widest signal: [`Value`] must hold sums and shifts of it.
pub const MAX_WIDTH: usize = 96;

/// Prefix of the type descriptor that marks our signals for the Verilog writer.
pub(super) const TYPE_PREFIX: &str = "value_";

/// Width and signedness of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ty {
    /// Width in bits, 1..=[`MAX_WIDTH`].
    pub width: usize,
    /// Two's complement.
    pub signed: bool,
}

fn ty(width: usize, signed: bool) -> Ty {
    assert!((1..=MAX_WIDTH).contains(&width), "a signal of {width} bits cannot be represented");
    Ty { width, signed }
}

/// A signed type of `width` bits.
pub fn s(width: usize) -> Ty {
    ty(width, true)
}

/// An unsigned type of `width` bits.
pub fn u(width: usize) -> Ty {
    ty(width, false)
}

impl Ty {
    /// The value modulo 2^width, as this type reads it.
    #[inline(always)]
    pub fn wrap(self, v: Value) -> Value {
        let shift = 128 - self.width as u32;
        if self.signed {
            Value(v.0 << shift >> shift)
        } else {
            Value(((v.0 as u128) << shift >> shift) as i128)
        }
    }
    /// Ones among the bits of a value.
    pub fn ones(self, v: Value) -> u32 {
        ((v.0 as u128) << (128 - self.width as u32)).count_ones()
    }
    /// Smallest and largest value.
    pub fn range(self) -> (i128, i128) {
        match self.signed {
            true => (-(1 << (self.width - 1)), (1 << (self.width - 1)) - 1),
            false => (0, (1 << self.width) - 1),
        }
    }
    fn descriptor(self) -> TypeDescriptor {
        let letter = if self.signed { "s" } else { "u" };
        let kind = if self.signed { TypeKind::Signed(self.width) } else { TypeKind::Bits(self.width) };
        TypeDescriptor { name: format!("{TYPE_PREFIX}{letter}{}", self.width), kind }
    }
    fn vcd(self, v: Value) -> VCDValue {
        let bit = |i| if v.get_bit(i) { vcd::Value::V1 } else { vcd::Value::V0 };
        VCDValue::Vector((0..self.width).rev().map(bit).collect())
    }
}

/// A signal of run-time width: `Sig<In>`, `Sig<Out>` or `Sig<Local>`.
#[derive(Clone, Debug)]
pub struct Sig<D: Direction> {
    /// What the kernel assigns.
    pub next: Value,
    val: Value,
    changed: bool,
    claimed: bool,
    id: usize,
    /// Width and signedness.
    pub ty: Ty,
    direction: PhantomData<D>,
}

impl<D: Direction> Sig<D> {
    /// A signal of the given type.
    pub fn new(ty: Ty) -> Self {
        let zero = Value(0);
        Self {
            next: zero,
            val: zero,
            changed: false,
            claimed: false,
            id: get_signal_id(),
            ty,
            direction: PhantomData,
        }
    }
    /// Marks the signal as driven, for RustHDL's connection check.
    pub fn connect(&mut self) {
        self.claimed = true;
    }
}

impl Sig<In> {
    /// The value.
    #[inline(always)]
    pub fn val(&self) -> Value {
        self.val
    }
}

impl Sig<Out> {
    /// The value assigned last, wrapped.
    #[inline(always)]
    pub fn val(&self) -> Value {
        self.ty.wrap(self.next)
    }
}

impl Sig<Local> {
    /// The value assigned last, wrapped.
    #[inline(always)]
    pub fn val(&self) -> Value {
        self.ty.wrap(self.next)
    }
}

/// What a kernel may read of a signal of any direction.
pub trait Read {
    /// The value.
    fn read(&self) -> Value;
}

macro_rules! read {
    ($($direction:ident),*) => {
        $(impl Read for Sig<$direction> {
            #[inline(always)]
            fn read(&self) -> Value {
                self.val()
            }
        })*
    };
}

read!(In, Out, Local);

impl<D: Direction> Logic for Sig<D> {
    fn update(&mut self) {}
}

impl<D: Direction> Atom for Sig<D> {
    fn bits(&self) -> usize {
        self.ty.width
    }
    fn connected(&self) -> bool {
        self.claimed
    }
    fn changed(&self) -> bool {
        self.changed
    }
    fn kind(&self) -> AtomKind {
        D::KIND
    }
    fn descriptor(&self) -> TypeDescriptor {
        self.ty.descriptor()
    }
    fn vcd(&self) -> VCDValue {
        self.ty.vcd(self.val)
    }
    fn id(&self) -> usize {
        self.id
    }
    fn verilog(&self) -> VerilogLiteral {
        (self.val.0 as u128).into()
    }
    fn constraints(&self) -> Vec<PinConstraint> {
        vec![]
    }
}

impl<D: Direction> Block for Sig<D> {
    fn connect_all(&mut self) {}
    #[inline(always)]
    fn update_all(&mut self) {
        let next = self.ty.wrap(self.next);
        self.changed = self.val != next;
        self.val = next;
    }
    fn has_changed(&self) -> bool {
        self.changed
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_atom(name, self);
    }
}

/// A constant of run-time value; a `localparam` in Verilog.
#[derive(Clone, Debug)]
pub struct Const {
    value: Value,
    ty: Ty,
    id: usize,
}

impl Const {
    /// A constant, which must be in the range of its type.
    pub fn new(ty: Ty, value: i64) -> Self {
        assert_eq!(ty.wrap(Value(i128::from(value))).0, i128::from(value), "constant {value} in {ty:?}");
        Self { value: Value(i128::from(value)), ty, id: get_signal_id() }
    }
    /// The value.
    #[inline(always)]
    pub fn val(&self) -> Value {
        self.value
    }
}

impl Logic for Const {
    fn update(&mut self) {}
}

impl Atom for Const {
    fn bits(&self) -> usize {
        self.ty.width
    }
    fn connected(&self) -> bool {
        true
    }
    fn changed(&self) -> bool {
        false
    }
    fn kind(&self) -> AtomKind {
        AtomKind::Constant
    }
    fn descriptor(&self) -> TypeDescriptor {
        self.ty.descriptor()
    }
    fn vcd(&self) -> VCDValue {
        self.ty.vcd(self.value)
    }
    fn id(&self) -> usize {
        self.id
    }
    fn verilog(&self) -> VerilogLiteral {
        (self.value.0 as u128).into()
    }
    fn constraints(&self) -> Vec<PinConstraint> {
        vec![]
    }
}

impl Block for Const {
    fn connect_all(&mut self) {}
    fn update_all(&mut self) {}
    fn has_changed(&self) -> bool {
        false
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_atom(name, self);
    }
}
