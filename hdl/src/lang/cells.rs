//! The leaf cells: register, memory, multiplier, parity, and five adders. Everything else is a kernel.

use rust_hdl_core::prelude::*;

use super::optional::Optional;
use super::signal::{s, u, Sig, Ty};
use super::value::Value;

/// First line of the `Custom` text that tells our Verilog writer which leaf a block is.
pub(super) const DFF: &str = "@dff";
/// As [`DFF`], for [`Ram`]: followed by lanes, width, depth, and by 1 where words have a parity bit.
pub(super) const RAM: &str = "@ram";
/// As [`DFF`], for [`Mul`]: followed by width of a, b, and stages.
pub(super) const MUL: &str = "@mul";

/// As [`DFF`], for [`MaskedAdd`]: followed by the width of a term.
pub(super) const MASKED_ADD: &str = "@masked_add";

/// As [`DFF`], for [`Add`]: followed by the width of a term.
pub(super) const ADD: &str = "@add";

/// As [`DFF`], for [`AddSub`]: followed by the widths of a and b.
pub(super) const ADD_SUB: &str = "@add_sub";

/// As [`DFF`], for [`FlipAdd`]: followed by the width of a term.
pub(super) const FLIP_ADD: &str = "@flip_add";

/// As [`DFF`], for [`TwiceAdd`]: followed by the widths of a and b.
pub(super) const TWICE_ADD: &str = "@twice_add";

/// As [`DFF`], for [`Odd`].
pub(super) const ODD: &str = "@odd";

/// A register: `q` takes `d` at the rising edge. No reset: kernels clear what must restart.
#[derive(LogicBlock)]
pub struct Dff {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Next value.
    pub d: Sig<In>,
    /// Present value.
    pub q: Sig<Out>,
}

impl Dff {
    /// A register of the given type.
    pub fn new(ty: Ty) -> Self {
        Self { clock: Default::default(), d: Sig::new(ty), q: Sig::new(ty) }
    }
}

impl Logic for Dff {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.q.next = self.d.val();
        }
    }
    fn connect(&mut self) {
        self.q.connect();
    }
    fn hdl(&self) -> Verilog {
        Verilog::Custom(DFF.into())
    }
}

/// A memory with one read and one write port on one clock. A word is `lanes` values of one type. The read data
/// belongs to the address of the cycle before; a word read while it is written gives neither its old nor its new value
/// (in simulation the old one, inverted), so that a block RAM needs no logic around it. Words start as zero in
/// simulation, but nothing may rely on it.
///
/// With parity a word has a bit more: it is made when the word is written, so that the word with it has an even number of
/// ones, and comes with the word when it is read.
#[derive(LogicBlock)]
pub struct Ram {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Word to read.
    pub read_address: Sig<In>,
    /// The word of the previous cycle's `read_address`.
    pub read_data: Vec<Sig<Out>>,
    /// Write in this cycle.
    pub write: Signal<In, Bit>,
    /// Word to write.
    pub write_address: Sig<In>,
    /// Value to write.
    pub write_data: Vec<Sig<In>>,
    /// The bit that was stored with the word read.
    pub parity: Optional<Sig<Out>>,
    _words: Vec<Value>,
    _odd: Vec<bool>,
    _depth: usize,
}

impl Ram {
    /// A memory of `depth` words (a power of two) of `lanes` values.
    pub fn new(lanes: usize, ty: Ty, depth: usize) -> Self {
        Self::guarded(lanes, ty, depth, false)
    }
    /// The same, with a parity bit for each word if `parity` says so.
    pub fn guarded(lanes: usize, ty: Ty, depth: usize, parity: bool) -> Self {
        assert!(depth.is_power_of_two() && depth >= 2, "memory depth {depth}");
        let address = u(depth.ilog2() as usize);
        Self {
            clock: Default::default(),
            read_address: Sig::new(address),
            read_data: (0..lanes).map(|_| Sig::new(ty)).collect(),
            write: Default::default(),
            write_address: Sig::new(address),
            write_data: (0..lanes).map(|_| Sig::new(ty)).collect(),
            parity: Optional::new(parity, || Sig::new(u(1))),
            _words: vec![Value(0); lanes * depth],
            _odd: vec![false; if parity { depth } else { 0 }],
            _depth: depth,
        }
    }
    /// Inverts a bit of a lane of a word, for tests: as a fault in the memory would.
    pub fn flip(&mut self, word: usize, lane: usize, bit: usize) {
        let at = word * self.read_data.len() + lane;
        self._words[at] = self.read_data[lane].ty.wrap(self._words[at] ^ Value(1 << bit));
    }
    /// Inverts the parity bit of a word, for tests.
    pub fn flip_parity(&mut self, word: usize) {
        self._odd[word] = !self._odd[word];
    }
}

impl Logic for Ram {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            let lanes = self.read_data.len();
            let reads = self.read_address.val().index();
            let from = reads * lanes;
            if let Some(parity) = self.parity.get_mut() {
                let collides = self.write.val() && self.write_address.val().index() == reads;
                parity.next = Value(i128::from(self._odd[reads] != collides));
                if self.write.val() {
                    let odd = self.write_data.iter().map(|d| d.ty.ones(d.val())).sum::<u32>() % 2 == 1;
                    self._odd[self.write_address.val().index()] = odd;
                }
            }
            for (i, q) in self.read_data.iter_mut().enumerate() {
                q.next = self._words[from + i];
            }
            if self.write.val() {
                let to = self.write_address.val().index() * lanes;
                if to == from {
                    self.read_data.iter_mut().zip(&self._words[from..]).for_each(|(q, w)| q.next = !*w);
                }
                for (i, d) in self.write_data.iter().enumerate() {
                    self._words[to + i] = d.val();
                }
            }
        }
    }
    fn connect(&mut self) {
        self.read_data.iter_mut().for_each(Sig::connect);
        self.parity.get_mut().into_iter().for_each(Sig::connect);
    }
    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!(
            "{RAM} {} {} {} {}",
            self.read_data.len(),
            self.read_data[0].ty.width,
            self._depth,
            self.parity.count()
        ))
    }
}

/// A signed multiplier with `stages` registers behind it: `p` is `a * b` of `stages` cycles ago, exact.
#[derive(LogicBlock)]
pub struct Mul {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// First factor.
    pub a: Sig<In>,
    /// Second factor.
    pub b: Sig<In>,
    /// Product.
    pub p: Sig<Out>,
    _pipe: Vec<Value>,
}

impl Mul {
    /// A multiplier of `a` by `b` bits with at least one stage.
    pub fn new(a: usize, b: usize, stages: usize) -> Self {
        assert!(stages >= 1);
        Self {
            clock: Default::default(),
            a: Sig::new(s(a)),
            b: Sig::new(s(b)),
            p: Sig::new(s(a + b)),
            _pipe: vec![Value(0); stages],
        }
    }
}

impl Logic for Mul {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self._pipe.rotate_right(1);
            self._pipe[0] = self.a.val() * self.b.val();
            self.p.next = self._pipe[self._pipe.len() - 1];
        }
    }
    fn connect(&mut self) {
        self.p.connect();
    }
    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!("{MUL} {} {} {}", self.a.ty.width, self.b.ty.width, self._pipe.len()))
    }
}

/// Two signed terms, each taken or left out by its own bit, added: combinational, exact.
#[derive(LogicBlock)]
pub struct MaskedAdd {
    /// First term.
    pub a: Sig<In>,
    /// Second term.
    pub b: Sig<In>,
    /// The first term counts; otherwise it is 0.
    pub use_a: Signal<In, Bit>,
    /// The second term counts; otherwise it is 0.
    pub use_b: Signal<In, Bit>,
    /// Sum, one bit wider than a term.
    pub y: Sig<Out>,
}

impl MaskedAdd {
    /// An adder of two terms of `width` bits.
    pub fn new(width: usize) -> Self {
        Self {
            a: Sig::new(s(width)),
            b: Sig::new(s(width)),
            use_a: Default::default(),
            use_b: Default::default(),
            y: Sig::new(s(width + 1)),
        }
    }
}

impl Logic for MaskedAdd {
    fn update(&mut self) {
        let term = |taken: bool, value: Value| if taken { value } else { Value(0) };
        self.y.next = term(self.use_a.val(), self.a.val()) + term(self.use_b.val(), self.b.val());
    }
    fn connect(&mut self) {
        self.y.connect();
    }
    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!("{MASKED_ADD} {}", self.a.ty.width))
    }
}

/// Drives the clock of registers and holds their value (`d = q`) unless the kernel assigns `d` later.
/// `dff_setup!(self, clk, a, b)` for the clock port `clk` and the registers `a` and `b`.
#[macro_export]
macro_rules! dff_setup {
    ($self:ident, $clock:ident, $($reg:ident),+ $(,)?) => {
        $($self.$reg.clock.next = $self.$clock.val();
        $self.$reg.d.next = $self.$reg.q.val();)+
    };
}

/// Two signed terms added: combinational, exact.
#[derive(LogicBlock)]
pub struct Add {
    /// First term.
    pub a: Sig<In>,
    /// Second term.
    pub b: Sig<In>,
    /// Sum, one bit wider than a term.
    pub y: Sig<Out>,
}

impl Add {
    /// An adder of two terms of `width` bits.
    pub fn new(width: usize) -> Self {
        Self { a: Sig::new(s(width)), b: Sig::new(s(width)), y: Sig::new(s(width + 1)) }
    }
}

impl Logic for Add {
    fn update(&mut self) {
        self.y.next = self.a.val() + self.b.val();
    }
    fn connect(&mut self) {
        self.y.connect();
    }
    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!("{ADD} {}", self.a.ty.width))
    }
}

/// A sum or a difference: combinational, wrapped to the width of `a`.
#[derive(LogicBlock)]
pub struct AddSub {
    /// First term.
    pub a: Sig<In>,
    /// Second term.
    pub b: Sig<In>,
    /// The second term is subtracted.
    pub subtract: Signal<In, Bit>,
    /// `a + b` or `a - b`, as wide as `a`.
    pub y: Sig<Out>,
}

impl AddSub {
    /// An adder of a term of `a` bits and one of `b` bits, at most as wide.
    pub fn new(a: usize, b: usize) -> Self {
        Self { a: Sig::new(s(a)), b: Sig::new(s(b)), subtract: Default::default(), y: Sig::new(s(a)) }
    }
}

impl Logic for AddSub {
    fn update(&mut self) {
        let b = self.b.val();
        self.y.next = if self.subtract.val() { self.a.val() - b } else { self.a.val() + b };
    }
    fn connect(&mut self) {
        self.y.connect();
    }
    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!("{ADD_SUB} {} {}", self.a.ty.width, self.b.ty.width))
    }
}

/// Two signed terms added, and all bits of the sum inverted or not: combinational. The inverted sum is `-(a + b) - 1`,
/// so that with a 1 carried in where it is added (see [`TwiceAdd`]) it is subtracted.
#[derive(LogicBlock)]
pub struct FlipAdd {
    /// First term.
    pub a: Sig<In>,
    /// Second term.
    pub b: Sig<In>,
    /// The sum is inverted.
    pub flip: Signal<In, Bit>,
    /// `a + b` or `!(a + b)`, one bit wider than a term.
    pub y: Sig<Out>,
}

impl FlipAdd {
    /// An adder of two terms of `width` bits.
    pub fn new(width: usize) -> Self {
        Self {
            a: Sig::new(s(width)),
            b: Sig::new(s(width)),
            flip: Default::default(),
            y: Sig::new(s(width + 1)),
        }
    }
}

impl Logic for FlipAdd {
    fn update(&mut self) {
        let sum = self.a.val() + self.b.val();
        self.y.next = if self.flip.val() { !sum } else { sum };
    }
    fn connect(&mut self) {
        self.y.connect();
    }
    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!("{FLIP_ADD} {}", self.a.ty.width))
    }
}

/// A value or its double, plus a term, plus a carry: combinational, wrapped to the width of `a`.
#[derive(LogicBlock)]
pub struct TwiceAdd {
    /// The value.
    pub a: Sig<In>,
    /// The term.
    pub b: Sig<In>,
    /// The value counts twice.
    pub twice: Signal<In, Bit>,
    /// 1 is added.
    pub carry: Signal<In, Bit>,
    /// `a + b + carry` or `2 * a + b + carry`, as wide as `a`.
    pub y: Sig<Out>,
}

impl TwiceAdd {
    /// An adder of a value of `a` bits and a term of `b` bits, at most as wide.
    pub fn new(a: usize, b: usize) -> Self {
        Self {
            a: Sig::new(s(a)),
            b: Sig::new(s(b)),
            twice: Default::default(),
            carry: Default::default(),
            y: Sig::new(s(a)),
        }
    }
}

impl Logic for TwiceAdd {
    fn update(&mut self) {
        let a = self.a.val();
        let base = if self.twice.val() { a + a } else { a };
        let sum = base + self.b.val();
        self.y.next = if self.carry.val() { sum + Value(1) } else { sum };
    }
    fn connect(&mut self) {
        self.y.connect();
    }
    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!("{TWICE_ADD} {} {}", self.a.ty.width, self.b.ty.width))
    }
}

/// Whether the words together have an odd number of ones: combinational. A leaf, because kernels have no operator for it.
#[derive(LogicBlock)]
pub struct Odd {
    /// Words.
    pub x: Vec<Sig<In>>,
    /// 1 for an odd number.
    pub y: Sig<Out>,
}

impl Odd {
    /// Over words of these types.
    pub fn new(words: &[Ty]) -> Self {
        Self { x: words.iter().map(|&ty| Sig::new(ty)).collect(), y: Sig::new(u(1)) }
    }
}

impl Logic for Odd {
    fn update(&mut self) {
        let ones = self.x.iter().map(|x| x.ty.ones(x.val())).sum::<u32>();
        self.y.next = Value(i128::from(ones % 2));
    }
    fn connect(&mut self) {
        self.y.connect();
    }
    fn hdl(&self) -> Verilog {
        Verilog::Custom(ODD.into())
    }
}
