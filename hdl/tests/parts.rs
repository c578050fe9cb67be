//! The parts against plain integers, every value of a small width.
//!
//! Mutations that these tests caught when they were made: a shift stage that keeps one bit less, dropped bits that may
//! all be ones below zero only, the choice of the next value.

mod support;

use spikegate_hdl::lang::{s, sim, Value};
use spikegate_hdl::parts::{choose::Choose, narrow::Narrow};
use support::{set, Rng};

#[test]
fn narrow_is_a_floor_shift_that_knows_what_it_lost() {
    // Shifts beyond the width, results as wide as the value, and one stage only.
    for (width, shift_bits, out) in [(8u32, 3, 3u32), (5, 4, 2), (6, 2, 6), (9, 1, 4)] {
        let mut unit = Narrow::new(width as usize, shift_bits, out as usize);
        for x in -(1i128 << (width - 1))..1 << (width - 1) {
            for shift in 0..1 << shift_bits {
                set(&mut unit.x, x);
                set(&mut unit.shift, shift);
                sim::settle(&mut unit);
                let shifted = x >> shift;
                let fits = (-(1i128 << (out - 1))..1 << (out - 1)).contains(&shifted);
                let case = format!("{x} >> {shift}, {width} to {out} bits");
                assert_eq!(unit.beyond.val(), !fits, "{case}");
                assert_eq!(unit.negative.val(), x < 0, "{case}");
                if fits {
                    assert_eq!(unit.low.val(), Value(shifted), "{case}");
                }
            }
        }
    }
}

#[test]
fn choose_gives_the_value_of_the_index_or_zero() {
    let mut rng = Rng(3);
    for values in [1usize, 5, 8] {
        let mut unit = Choose::new(values, s(7), 4);
        for _ in 0..40 {
            let x: Vec<i128> = (0..values).map(|_| rng.signed(7)).collect();
            unit.x.iter_mut().zip(&x).for_each(|(port, &v)| set(port, v));
            for index in 0..16usize {
                set(&mut unit.index, index as i128);
                sim::settle(&mut unit);
                assert_eq!(unit.y.val(), Value(x.get(index).copied().unwrap_or(0)), "{index} of {values}");
            }
        }
    }
}
