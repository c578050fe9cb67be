//! Values inside kernels: unbounded integers, wrapped to a width only when a signal is read.

use std::ops::{Add, BitAnd, BitOr, BitXor, Mul, Neg, Not, Shl, Shr, Sub};

/// An integer inside a kernel. Arithmetic is exact within 127 bits, which no kernel expression exceeds; wrapping
/// happens when the signal it was assigned to is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(pub i128);

/// Shifts beyond this are all zeros (or all sign): keeps shift amounts from undriven selects in range.
const MAX_SHIFT: i128 = 126;

macro_rules! operator {
    ($($trait:ident $method:ident $f:expr;)*) => {$(
        impl $trait for Value {
            type Output = Value;
            #[inline(always)]
            fn $method(self, rhs: Value) -> Value {
                let f: fn(i128, i128) -> i128 = $f;
                Value(f(self.0, rhs.0))
            }
        }
    )*};
}

operator! {
    Add add |a, b| a.wrapping_add(b);
    Sub sub |a, b| a.wrapping_sub(b);
    Mul mul |a, b| a.wrapping_mul(b);
    BitAnd bitand |a, b| a & b;
    BitOr bitor |a, b| a | b;
    BitXor bitxor |a, b| a ^ b;
    Shl shl |a, b| a.wrapping_shl(b.clamp(0, MAX_SHIFT) as u32);
    Shr shr |a, b| a >> b.clamp(0, MAX_SHIFT);
}

impl Neg for Value {
    type Output = Value;
    #[inline(always)]
    fn neg(self) -> Value {
        Value(self.0.wrapping_neg())
    }
}

impl Not for Value {
    type Output = Value;
    #[inline(always)]
    fn not(self) -> Value {
        Value(!self.0)
    }
}

impl Value {
    /// Bit `i`; beyond the width of an unsigned value it reads as zero.
    #[inline(always)]
    pub fn get_bit(self, i: usize) -> bool {
        self.0 >> i.min(MAX_SHIFT as usize) & 1 == 1
    }
    /// `N` bits from bit `i` on, unsigned.
    #[inline(always)]
    pub fn get_bits<const N: usize>(self, i: usize) -> Value {
        Value(self.0 >> i.min(MAX_SHIFT as usize) & ((1 << N) - 1))
    }
    /// The value as an index; negative values clamp to a large one.
    #[inline(always)]
    pub fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
    /// Whether any bit is set.
    #[inline(always)]
    pub fn any(self) -> bool {
        self.0 != 0
    }
}

impl From<i32> for Value {
    #[inline(always)]
    fn from(v: i32) -> Value {
        Value(i128::from(v))
    }
}

impl From<usize> for Value {
    #[inline(always)]
    fn from(v: usize) -> Value {
        Value(v as i128)
    }
}

impl From<bool> for Value {
    #[inline(always)]
    fn from(v: bool) -> Value {
        Value(i128::from(v))
    }
}
