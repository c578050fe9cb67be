//! Rounding, saturation, requantisation and the LIF recurrence.

use spikegate_contract::network::{FireRule, Neuron, Requant, Reset};

use super::{neuron, tensor};
use crate::arith::{round, Clamp};
use crate::ops::lif;

fn clamp() -> Clamp {
    Clamp::default()
}

#[test]
fn rounds_half_up_also_below_zero() {
    // 2.5, 1.5, -1.5, -2.5 and their neighbours in units of 1/4.
    let expected = [
        (9, 2),
        (10, 3),
        (11, 3),
        (6, 2),
        (5, 1),
        (-5, -1),
        (-6, -1),
        (-7, -2),
        (-9, -2),
        (-10, -2),
        (-11, -3),
    ];
    for (v, rounded) in expected {
        assert_eq!(round(v, 2), rounded, "{v}/4");
    }
    assert_eq!(round(-7, 0), -7);
    assert_eq!((round(-1, 63), round(1 << 62, 63), round((1 << 62) - 1, 63)), (0, 1, 0));
}

#[test]
fn saturates_at_the_limits_and_counts_only_beyond_them() {
    let mut c = clamp();
    let got: Vec<i64> = [-32769, -32768, 32767, 32768].map(|v| c.sat16(v)).to_vec();
    assert_eq!(got, [-32768, -32768, 32767, 32767]);
    let count = c;
    assert_eq!((count.saturated, count.of), (2, 4));
}

#[test]
fn requantises_with_bias_half_and_floor_shift() {
    let mut c = clamp();
    // (10 * 3 + 5 + 4) >> 3 = 39 >> 3 = 4; (-10 * 3 + 5 + 4) >> 3 = -21 >> 3 = -3 (floor).
    let r = Requant { m: 3, b: 5, s: 3 };
    assert_eq!((c.requantise(10, &r), c.requantise(-10, &r)), (4, -3));
    // A negative factor: (7 * -2 + 0 + 2) >> 2 = -12 >> 2 = -3, and half up: (1 * -2 + 2) >> 2 = 0.
    let r = Requant { m: -2, b: 0, s: 2 };
    assert_eq!((c.requantise(7, &r), c.requantise(1, &r)), (-3, 0));
    assert_eq!(c.saturated, 0);
}

#[test]
fn requantises_the_widest_product_exactly() {
    let mut c = clamp();
    // -2^31 * -2^15 = 2^46; + (2^47 - 1 - 2^30) + 2^30 = 2^46 + 2^47 - 1; >> 31 = 98303 -> 32767.
    let r = Requant { m: i16::MIN, b: (1 << 47) - 1 - (1 << 30), s: 31 };
    assert_eq!(c.requantise(i32::MIN.into(), &r), 32767);
    // 2^46 - 2^46 + 2^30 >> 31 = 0.
    let r = Requant { m: i16::MIN, b: -(1 << 46), s: 31 };
    assert_eq!(c.requantise(i32::MIN.into(), &r), 0);
    assert_eq!(c.saturated, 1);
}

#[test]
fn fires_at_the_threshold_only_with_the_inclusive_rule() {
    for (fire, at_threshold) in [(FireRule::Gt, false), (FireRule::Ge, true)] {
        let n = neuron(1, fire);
        let mut c = clamp();
        assert!(!lif::step(&n, 100, 0, 99, &mut c).0);
        assert_eq!(lif::step(&n, 100, 0, 100, &mut c), (at_threshold, if at_threshold { 0 } else { 50 }));
        assert_eq!(lif::step(&n, 100, 40, 61, &mut c), (true, 0));
        assert_eq!(c.saturated, 0);
    }
}

#[test]
fn leaks_with_a_floor_shift() {
    let mut c = clamp();
    for (u, leak_shift, v) in
        [(-1, 1, -1), (-3, 1, -2), (-8, 3, -1), (-9, 3, -2), (7, 2, 1), (-5, 0, -5), (-1, 15, -1)]
    {
        assert_eq!(
            lif::step(&neuron(leak_shift, FireRule::Gt), 100, 0, u, &mut c),
            (false, v),
            "{u} >> {leak_shift}"
        );
    }
}

#[test]
fn saturates_the_membrane_before_it_compares() {
    let n = neuron(0, FireRule::Gt);
    let mut c = clamp();
    // 20000 + 20000 saturates at 32767 > 32766.
    assert_eq!(lif::step(&n, 32766, 20000, 20000, &mut c), (true, 0));
    // -20000 - 20000 saturates at -32768 and stays there.
    assert_eq!(lif::step(&n, 1, -20000, -20000, &mut c), (false, -32768));
    assert_eq!(c.saturated, 2);
}

#[test]
fn subtracting_takes_the_threshold_off_before_the_leak() {
    for (fire, threshold, x, leak_shift, expected) in [
        // Below, at and above the threshold.
        (FireRule::Gt, 100, 99, 0, (false, 99)),
        (FireRule::Gt, 100, 100, 0, (false, 100)),
        (FireRule::Ge, 100, 100, 0, (true, 0)),
        (FireRule::Gt, 100, 101, 0, (true, 1)),
        (FireRule::Gt, 100, 101, 1, (true, 0)),
        (FireRule::Ge, 100, 107, 1, (true, 3)),
        // However far above: one spike.
        (FireRule::Gt, 100, 1000, 1, (true, 450)),
        // The ends of both ranges.
        (FireRule::Gt, 1, 32767, 0, (true, 32766)),
        (FireRule::Ge, 1, 1, 0, (true, 0)),
        (FireRule::Gt, 32766, 32767, 0, (true, 1)),
        (FireRule::Ge, 32766, 32766, 15, (true, 0)),
        (FireRule::Gt, 32766, -32768, 0, (false, -32768)),
    ] {
        let n = Neuron { reset: Reset::Subtract, ..neuron(leak_shift, fire) };
        let mut c = clamp();
        assert_eq!(lif::step(&n, threshold, 0, x, &mut c), expected, "{x} and {threshold}");
        assert_eq!(c.saturated, 0, "nothing saturates");
    }
    // A membrane that saturates loses the threshold all the same.
    let n = Neuron { reset: Reset::Subtract, ..neuron(0, FireRule::Gt) };
    let mut c = clamp();
    assert_eq!(lif::step(&n, 2, 32765, 32767, &mut c), (true, 32765));
    assert_eq!(c.saturated, 1);
}

#[test]
fn membranes_are_what_the_threshold_is_compared_with() {
    let n = neuron(1, FireRule::Gt);
    // The same current at every timestep: 60, 60 / 2 + 60, 90 / 2 + 60 which fires, and anew.
    let still = lif::membranes(&n, 100, &tensor([1, 1, 1, 2], &[60, -7]), 4);
    assert_eq!((still.dims, &still.data[..]), ([4, 1, 1, 2], &[60, -7, 90, -11, 105, -13, 60, -14][..]));
    // A current a timestep; the sum is clamped.
    let timed = lif::membranes(&n, 32766, &tensor([2, 1, 1, 1], &[32766, 32767]), 2);
    assert_eq!(timed.data, [32766, 32767]);
}
