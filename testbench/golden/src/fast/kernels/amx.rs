//! Products of bytes with the tiles of AMX. The intrinsics are not stable in Rust, so the loop is written in assembly.

use std::arch::asm;
use std::marker::PhantomData;

use super::tile::{Block, Panel, Start, Tile, LANES, ROWS, TERMS};

/// Rows of a tile.
const HEIGHT: usize = 16;
/// Bytes of a row of a tile.
const WIDTH: usize = 64;
const _: () = assert!(ROWS == 2 * HEIGHT && LANES == 2 * WIDTH / 4 && TERMS == WIDTH);

/// LDTILECFG's memory: palette 1, every tile 16 rows of 64 bytes.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes_per_row: [u16; 16],
    rows: [u8; 16],
}

const CONFIG: Config = {
    let (mut bytes_per_row, mut rows) = ([0; 16], [0; 16]);
    let mut tile = 0;
    while tile < 8 {
        (bytes_per_row[tile], rows[tile]) = (WIDTH as u16, HEIGHT as u8);
        tile += 1;
    }
    Config { palette: 1, start_row: 0, reserved: [0; 14], bytes_per_row, rows }
};

/// The tiles of this thread, configured. Nothing else in this program uses them.
pub(super) struct Tiles(PhantomData<*const ()>);

impl Tiles {
    /// Configures the tiles.
    ///
    /// # Safety
    /// The processor has tiles, and the system has lent them to this process.
    pub(super) unsafe fn new() -> Self {
        // SAFETY: the processor has the instruction, the configuration is a valid one of 64 bytes.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &CONFIG, options(nostack, readonly, preserves_flags)) };
        Self(PhantomData)
    }

    /// As [`super::Multiplier::sums`], which has checked the lengths and shifted the sums; of the second half of the channels
    /// only if `both`.
    #[inline(always)]
    pub(super) fn sums(&self, panel: &Panel, block: &Block, both: bool, start: Start, sums: &mut Tile) {
        // Every row of a tile from the same place, or rows of sums.
        let (from, step) = match start {
            Start::At(all) => (all.0.as_ptr(), 0),
            Start::Shifted => (sums.0.as_flattened().as_ptr(), 4 * LANES),
        };
        match both {
            true => self.multiply::<1>(panel, block, (from, step), sums),
            false => self.multiply::<0>(panel, block, (from, step), sums),
        }
    }

    /// The products; those of the second half of the channels with `BOTH` of 1, and not with 0.
    #[inline(always)]
    fn multiply<const BOTH: u8>(
        &self,
        panel: &Panel,
        block: &Block,
        (from, step): (*const i32, usize),
        sums: &mut Tile,
    ) {
        // SAFETY: the tiles are configured as long as `self` lives. Loads: 32 rows of 64 bytes of the panel and 16 rows
        // of 128 bytes of the block for each 64 terms; 128 bytes of the start, or the tile of sums.
        // Stores: the tile of sums. Of the block, the start and the sums without `BOTH` the left halves alone.
        unsafe {
            asm!(
                "tileloadd tmm0, [{from} + {step}]",
                "tileloadd tmm2, [{from_low} + {step}]",
                ".if {both}",
                "tileloadd tmm1, [{from} + {step} + 64]",
                "tileloadd tmm3, [{from_low} + {step} + 64]",
                ".endif",
                "2:",
                "tileloadd tmm6, [{b} + {width}]",
                "tileloadd tmm4, [{a} + {row}]",
                "tdpbusd tmm0, tmm4, tmm6",
                ".if {both}",
                "tileloadd tmm7, [{b} + {width} + 64]",
                "tdpbusd tmm1, tmm4, tmm7",
                ".endif",
                "tileloadd tmm5, [{a} + {row} + 1024]",
                "tdpbusd tmm2, tmm5, tmm6",
                ".if {both}",
                "tdpbusd tmm3, tmm5, tmm7",
                ".endif",
                "add {a}, 2048",
                "add {b}, 2048",
                "sub {n}, 1",
                "jnz 2b",
                "tilestored [{c} + {width}], tmm0",
                "tilestored [{c} + {width} + 2048], tmm2",
                ".if {both}",
                "tilestored [{c} + {width} + 64], tmm1",
                "tilestored [{c} + {width} + 2112], tmm3",
                ".endif",
                both = const BOTH,
                a = inout(reg) panel.as_ptr() => _,
                b = inout(reg) block.as_ptr() => _,
                n = inout(reg) panel.len() / ROWS => _,
                c = in(reg) sums.0.as_mut_ptr(),
                from = in(reg) from,
                from_low = in(reg) from.wrapping_add(HEIGHT * step / 4),
                step = in(reg) step,
                row = in(reg) WIDTH,
                width = in(reg) 4 * LANES,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            );
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: the processor has tiles; none is in use any more.
        unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) };
    }
}
