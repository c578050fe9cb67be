//! Products of bytes with AVX-512 VNNI.

use std::arch::x86_64::{
    __m512i, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_si512,
    _mm512_storeu_si512,
};

use super::{Block, Tile, LANES, ROWS};

/// Rows whose sums fill the registers beside the weights.
const GROUP: usize = 8;

/// As [`super::Multiplier::sums`].
///
/// # Safety
/// `panel` has [`ROWS`] rows of a multiple of four bytes, `block` [`LANES`] times as many as a row.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn sums(panel: &[u8], block: &Block, sums: &mut Tile) {
    let terms = panel.len() / ROWS;
    for (rows, sums) in panel.chunks_exact(GROUP * terms).zip(sums.chunks_exact_mut(GROUP)) {
        let mut acc = [[_mm512_setzero_si512(); 2]; GROUP];
        for (quad, weights) in block.chunks_exact(4 * LANES).enumerate() {
            // SAFETY: a chunk has 128 bytes.
            let w: [__m512i; 2] = unsafe {
                [_mm512_loadu_si512(weights.as_ptr().cast()), _mm512_loadu_si512(weights.as_ptr().add(64).cast())]
            };
            for (row, acc) in acc.iter_mut().enumerate() {
                // SAFETY: four bytes of a row, which has `terms`, four for every chunk of the block.
                let four = unsafe { rows.as_ptr().add(row * terms + 4 * quad).cast::<i32>().read_unaligned() };
                let x = _mm512_set1_epi32(four);
                acc[0] = _mm512_dpbusd_epi32(acc[0], x, w[0]);
                acc[1] = _mm512_dpbusd_epi32(acc[1], x, w[1]);
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
