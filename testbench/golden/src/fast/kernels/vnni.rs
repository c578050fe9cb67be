//! Products of bytes, and requantisation, with AVX-512 and VNNI.

use std::arch::x86_64::{
    __m256i, __m512i, _mm256_loadu_si256, _mm512_add_epi64, _mm512_cmpneq_epi64_mask, _mm512_cvtepi16_epi64,
    _mm512_cvtepi32_epi64, _mm512_cvtsepi64_epi16, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_mul_epi32,
    _mm512_set1_epi32, _mm512_slli_epi32, _mm512_srav_epi64, _mm512_storeu_si512, _mm_storeu_si128,
};

use super::tile::{Block, Panel, Requantise, Start, Tile, LANES, ROWS, SIDE_BY_SIDE};

/// Rows whose sums fill the registers beside the weights.
const GROUP: usize = 8;

/// As [`super::Multiplier::sums`]; the sums have been shifted.
///
/// # Safety
/// Panel and block are of as many terms.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
pub(super) unsafe fn sums(panel: &Panel, block: &Block, start: Start, sums: &mut Tile) {
    for (group, sums) in sums.0.chunks_exact_mut(GROUP).enumerate() {
        let mut acc = [[_mm512_set1_epi32(0); 2]; GROUP];
        for (acc, sums) in acc.iter_mut().zip(&*sums) {
            let from = if let Start::At(all) = start { &all.0 } else { sums };
            // SAFETY: a row of sums has 128 bytes.
            *acc = unsafe { [load(from), load(&from[16..])] };
        }
        for (rows, weights) in panel.chunks_exact(ROWS).zip(block.chunks_exact(LANES)) {
            let rows = &rows[group * GROUP..][..GROUP];
            for (quad, weights) in weights.as_chunks::<2>().0.iter().enumerate() {
                // SAFETY: a line has 64 bytes.
                let w = unsafe { [load(&weights[0].0), load(&weights[1].0)] };
                for (rows, acc) in rows.iter().zip(&mut acc) {
                    // SAFETY: a line has four bytes for each of its 16 quads.
                    let four = unsafe { rows.0.as_ptr().add(4 * quad).cast::<i32>().read_unaligned() };
                    let x = _mm512_set1_epi32(four);
                    acc[0] = _mm512_dpbusd_epi32(acc[0], x, w[0]);
                    acc[1] = _mm512_dpbusd_epi32(acc[1], x, w[1]);
                }
            }
        }
        for (sums, acc) in sums.iter_mut().zip(acc) {
            // SAFETY: a row of sums has 128 bytes.
            unsafe {
                _mm512_storeu_si512(sums.as_mut_ptr().cast(), acc[0]);
                _mm512_storeu_si512(sums.as_mut_ptr().add(16).cast(), acc[1]);
            }
        }
    }
}

/// Times 256.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn shift(sums: &mut Tile) {
    for half in sums.0.as_flattened_mut().chunks_exact_mut(16) {
        // SAFETY: a chunk has 64 bytes.
        unsafe { _mm512_storeu_si512(half.as_mut_ptr().cast(), _mm512_slli_epi32::<8>(load(half))) };
    }
}

/// As [`Requantise::run`].
#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512dq,avx512vl,avx512bw")]
pub(super) unsafe fn requantise(
    constants: &Requantise,
    sums: &[i32; SIDE_BY_SIDE],
    out: &mut [i16; SIDE_BY_SIDE],
) -> u32 {
    let mut saturated = 0;
    for at in [0, 8] {
        // SAFETY: eight sums, constants and results from here on.
        unsafe {
            let sum = _mm512_cvtepi32_epi64(_mm256_loadu_si256(sums.as_ptr().add(at).cast::<__m256i>()));
            let product = _mm512_mul_epi32(sum, load(&constants.m[at..]));
            let v = _mm512_srav_epi64(
                _mm512_add_epi64(product, load(&constants.b[at..])),
                load(&constants.s[at..]),
            );
            let clamped = _mm512_cvtsepi64_epi16(v);
            saturated += _mm512_cmpneq_epi64_mask(v, _mm512_cvtepi16_epi64(clamped)).count_ones();
            _mm_storeu_si128(out.as_mut_ptr().add(at).cast(), clamped);
        }
    }
    saturated
}

/// The first 64 bytes.
///
/// # Safety
/// There are so many.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load<V>(from: &[V]) -> __m512i {
    debug_assert!(size_of_val(from) >= 64);
    // SAFETY: the caller's promise.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}
