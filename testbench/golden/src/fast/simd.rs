//! Which instructions of the processor are used, found out when the program runs.

#![allow(unsafe_code)]

use std::fmt;

/// A set of vector instructions that this processor has. There is no other way to one than [`Simd::available`], so
/// that no instruction runs where it does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Simd(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
enum Kind {
    Portable,
    Avx2,
    Avx512,
    Amx,
}

impl Simd {
    /// The sets that this processor has, the best last; never none.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut)]
        let mut all = vec![Self(Kind::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            let avx2 = has!("avx2");
            let avx512 = avx2
                && has!("popcnt")
                && has!("avx512f")
                && has!("avx512bw")
                && has!("avx512vl")
                && has!("avx512dq")
                && has!("avx512vnni");
            all.extend(avx2.then_some(Self(Kind::Avx2)));
            all.extend(avx512.then_some(Self(Kind::Avx512)));
            all.extend((avx512 && super::kernels::amx::permitted()).then_some(Self(Kind::Amx)));
        }
        all
    }

    /// The best of this processor.
    pub fn best() -> Self {
        Self::available().pop().unwrap_or(Self(Kind::Portable))
    }

    /// Whether bytes are multiplied by bytes and summed in one instruction.
    pub(super) fn multiplies_bytes(self) -> bool {
        self.0 >= Kind::Avx512
    }

    /// Whether it has tiles, whose products cost less than a look for zeros.
    pub(super) fn has_tiles(self) -> bool {
        self.0 == Kind::Amx
    }

    /// Calls `f`, compiled once for every set: what is inlined into it uses its vectors.
    #[inline(always)]
    pub(super) fn run<R>(self, f: impl FnOnce() -> R) -> R {
        match self.0 {
            Kind::Portable => f(),
            // SAFETY: sets come from `available` alone, which has seen these features.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { avx2(f) },
            // SAFETY: as above; tiles come with these too.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 | Kind::Amx => unsafe { avx512(f) },
            #[cfg(not(target_arch = "x86_64"))]
            _ => f(),
        }
    }
}

impl fmt::Display for Simd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Portable => "portable",
            Kind::Avx2 => "AVX2",
            Kind::Avx512 => "AVX-512",
            Kind::Amx => "AMX",
        })
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2<R>(f: impl FnOnce() -> R) -> R {
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt,avx512f,avx512bw,avx512vl,avx512dq")]
fn avx512<R>(f: impl FnOnce() -> R) -> R {
    f()
}
