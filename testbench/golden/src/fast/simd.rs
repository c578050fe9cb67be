//! Which instructions of the processor are used, found out when the program runs.

#![allow(unsafe_code)]

use std::fmt;
use std::sync::OnceLock;

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
            all.extend((avx512 && tiles_are_lent()).then_some(Self(Kind::Amx)));
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

/// Whether the processor has tiles of bytes and the system lends them to this process.
#[cfg(target_arch = "x86_64")]
fn tiles_are_lent() -> bool {
    static PERMITTED: OnceLock<bool> = OnceLock::new();
    *PERMITTED.get_or_init(ask)
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn ask() -> bool {
    use std::arch::x86_64::{__cpuid, __cpuid_count};
    // CPUID leaf 7, EDX: bit 24 is AMX-TILE, bit 25 AMX-INT8.
    let known = __cpuid(0).eax >= 7 && __cpuid_count(7, 0).edx >> 24 & 0b11 == 0b11;
    // Linux, Documentation/arch/x86/xstate.rst: the state of tiles (component 18) has to be asked for.
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: a system call on numbers; kernels that do not know it refuse it.
    known && unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) } == 0
}

#[cfg(all(target_arch = "x86_64", not(target_os = "linux")))]
fn ask() -> bool {
    false
}
