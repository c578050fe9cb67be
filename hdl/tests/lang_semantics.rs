//! What kernel expressions mean: simulator, plain Rust, Verilator and Icarus agree.
#![allow(missing_docs)]

mod support;

use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use support::{low, set, wrap, Rng};

/// Every operator on operands of different width and sign.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | a, b, c, d, e | in | 8, 5, 12, 1, 30 | signed, unsigned, signed, unsigned, signed |
/// | index, shift | in | 3, 4 | number of a bit; shift amount |
/// | y_i, t_i | out | | results; truth values |
#[derive(LogicBlock)]
pub struct Mix {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub a: Sig<In>,
    pub b: Sig<In>,
    pub c: Sig<In>,
    pub d: Sig<In>,
    pub e: Sig<In>,
    pub index: Sig<In>,
    pub shift: Sig<In>,
    pub y: Vec<Sig<Out>>,
    pub t: Vec<Signal<Out, Bit>>,
    minus_seven: Const,
    nineteen: Const,
}

/// Types of the results.
const RESULTS: &[(usize, bool)] = &[
    (14, true),
    (14, true),
    (20, true),
    (13, true),
    (12, true),
    (13, true),
    (13, true),
    (28, true),
    (12, true),
    (5, false),
    (13, true),
    (7, false),
    (13, true),
    (5, false),
    (4, false),
    (13, true),
    (1, false),
    (9, true),
    (12, true),
    (3, false),
    (43, true),
    (6, false),
    (1, false),
    (20, false),
    (31, true),
    (4, true),
];

/// Number of truth values.
const TRUTHS: usize = 14;

impl Mix {
    fn new() -> Self {
        Self {
            doc: doc!("lang_semantics.rs", Mix),
            clk: Default::default(),
            a: Sig::new(s(8)),
            b: Sig::new(u(5)),
            c: Sig::new(s(12)),
            d: Sig::new(u(1)),
            e: Sig::new(s(30)),
            index: Sig::new(u(3)),
            shift: Sig::new(u(4)),
            y: RESULTS.iter().map(|&(w, signed)| Sig::new(if signed { s(w) } else { u(w) })).collect(),
            t: vec![Default::default(); TRUTHS],
            minus_seven: Const::new(s(4), -7),
            nineteen: Const::new(u(5), 19),
        }
    }
}

impl Logic for Mix {
    #[hdl_gen]
    fn update(&mut self) {
        self.y[0].next = self.a.val() + self.b.val();
        self.y[1].next = self.b.val() - self.a.val() - self.c.val();
        self.y[2].next = self.a.val() * self.c.val();
        self.y[3].next = self.a.val() * self.b.val();
        self.y[4].next = self.a.val() & self.c.val();
        self.y[5].next = self.c.val() | self.b.val();
        self.y[6].next = self.a.val() ^ self.b.val();
        self.y[7].next = self.c.val() << self.shift.val();
        self.y[8].next = self.c.val() >> self.shift.val();
        self.y[9].next = self.b.val() >> self.shift.val();
        self.y[10].next = !self.c.val();
        self.y[11].next = !self.b.val();
        self.y[12].next = -self.c.val();
        self.y[13].next = -self.b.val();
        self.y[14].next = self.c.val().get_bits::<4>(5);
        self.y[15].next = self.a.val().get_bits::<3>(2) + self.c.val();
        self.y[16].next = self.a.val().get_bit(self.index.val().index()).into();
        self.y[17].next = self.a.val() + 100.into();
        self.y[18].next = self.a.val() * self.minus_seven.val();
        self.y[19].next = self.a.val() + self.c.val();
        self.y[20].next = ((self.a.val() - self.b.val()) * self.e.val()) + (self.c.val() << self.shift.val());
        self.y[21].next = self.b.val() + self.nineteen.val() + self.d.val();
        self.y[22].next = self.d.val() ^ self.b.val();
        self.y[23].next = self.b.val() << self.shift.val();
        self.y[24].next = self.e.val() - self.d.val();
        self.y[25].next = self.e.val() >> 3.into();
        self.t[0].next = self.a.val() < self.b.val();
        self.t[1].next = self.b.val() <= self.a.val();
        self.t[2].next = self.a.val() == self.b.val();
        self.t[3].next = self.a.val() != self.c.val();
        self.t[4].next = self.c.val() > self.a.val();
        self.t[5].next = self.b.val() >= self.nineteen.val();
        self.t[6].next = self.minus_seven.val() < self.b.val();
        self.t[7].next = self.b.val() > 9.into();
        self.t[8].next = self.a.val() < 5.into();
        self.t[9].next = self.d.val() == self.a.val();
        self.t[10].next = self.a.val().any();
        self.t[11].next = self.e.val() < self.minus_seven.val();
        self.t[12].next = (self.a.val() < self.b.val()) ^ !self.d.val().get_bit(0);
        self.t[13].next = (self.c.val() >= self.a.val()) == (self.d.val() == self.b.val());
    }
}

#[test]
fn operators_mean_the_same_everywhere() {
    let mut rng = Rng(1);
    let mut mix = Mix::new();
    let mut recorder = Recorder::default();
    for cycle in 0..3000 {
        let (a, b, c, d, e) =
            (rng.signed(8), rng.unsigned(5), rng.signed(12), rng.unsigned(1), rng.signed(30));
        // Often the same value in signals of different width and sign.
        let b = if rng.chance(1, 4) { low(a, 5) } else { b };
        let c = if rng.chance(1, 4) { a } else { c };
        let (index, shift) = (rng.below(8), rng.below(16));
        set(&mut mix.a, a);
        set(&mut mix.b, b);
        set(&mut mix.c, c);
        set(&mut mix.d, d);
        set(&mut mix.e, e);
        set(&mut mix.index, index as i128);
        set(&mut mix.shift, shift as i128);
        recorder.cycle(&mut mix, |m| &mut m.clk);
        let want = [
            a + b,
            b - a - c,
            a * c,
            a * b,
            a & c,
            c | b,
            a ^ b,
            c << shift,
            c >> shift,
            b >> shift,
            !c,
            !b,
            -c,
            -b,
            c >> 5 & 15,
            (a >> 2 & 7) + c,
            a >> index & 1,
            a + 100,
            a * -7,
            a + c,
            (a - b) * e + (c << shift),
            b + 19 + d,
            d ^ b,
            b << shift,
            e - d,
            e >> 3,
        ];
        for (i, (&v, &(width, signed))) in want.iter().zip(RESULTS).enumerate() {
            let v = if signed { wrap(v, width) } else { low(v, width) };
            assert_eq!(
                mix.y[i].val().0,
                v,
                "cycle {cycle}, y[{i}] of a {a} b {b} c {c} d {d} e {e} shift {shift}"
            );
        }
        let want = [
            a < b,
            b <= a,
            a == b,
            a != c,
            c > a,
            b >= 19,
            -7 < b,
            b > 9,
            a < 5,
            d == a,
            a != 0,
            e < -7,
            (a < b) ^ (d == 0),
            (c >= a) == (d == b),
        ];
        for (i, &v) in want.iter().enumerate() {
            assert_eq!(mix.t[i].val(), v, "cycle {cycle}, t[{i}] of a {a} b {b} c {c} d {d} e {e}");
        }
    }
    recorder.replay(&mix, "mix");
}
