//! One value out of several.

use crate::lang::*;

/// The value that is wanted, 0 when none is. Combinational.
///
/// Every value is masked by its own bit and all are joined: a LUT4 takes two bits of two values, where a chain of
/// selections takes a LUT4 and more per value.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | wanted_i | in | 1 | value i is wanted; at most one is |
/// | x_i | in | w | values |
/// | y | out | w | the wanted one |
#[derive(LogicBlock)]
pub struct Join {
    doc: Doc,
    pub wanted: Vec<Signal<In, Bit>>,
    pub x: Vec<Sig<In>>,
    pub y: Sig<Out>,
    mask: Vec<Sig<Local>>,
    joined: Vec<Sig<Local>>,
    all: Const,
    _values: usize,
    _end: usize,
}

impl Join {
    /// A choice of one of `values` of type `ty`.
    pub fn new(values: usize, ty: Ty) -> Self {
        Self {
            doc: doc!("choose.rs", Join),
            wanted: vec![Default::default(); values],
            x: (0..values).map(|_| Sig::new(ty)).collect(),
            y: Sig::new(ty),
            mask: (0..values).map(|_| Sig::new(ty)).collect(),
            joined: (0..values + 1).map(|_| Sig::new(ty)).collect(),
            all: Const::new(s(1), -1),
            _values: values,
            _end: values + 1,
        }
    }
}

impl Logic for Join {
    #[hdl_gen]
    fn update(&mut self) {
        self.joined[0].next = 0.into();
        for i in 0..self._values {
            self.mask[i].next = 0.into();
            if self.wanted[i].val() {
                self.mask[i].next = self.all.val();
            }
            self.joined[i + 1].next = self.joined[i].val() | (self.x[i].val() & self.mask[i].val());
        }
        for i in self._values..self._end {
            self.y.next = self.joined[i].val();
        }
    }
}

/// `y = x[index]`, 0 when there is none. Combinational: [`Join`] behind a decoder.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | index | in | k | which |
/// | x_i | in | w | values |
/// | y | out | w | the chosen one |
#[derive(LogicBlock)]
pub struct Choose {
    doc: Doc,
    pub index: Sig<In>,
    pub x: Vec<Sig<In>>,
    pub y: Sig<Out>,
    masked: Join,
    _values: usize,
}

impl Choose {
    /// A choice of one of `values` of type `ty` by an index of `bits` bits.
    pub fn new(values: usize, ty: Ty, bits: usize) -> Self {
        Self {
            doc: doc!("choose.rs", Choose),
            index: Sig::new(u(bits)),
            x: (0..values).map(|_| Sig::new(ty)).collect(),
            y: Sig::new(ty),
            masked: Join::new(values, ty),
            _values: values,
        }
    }
}

impl Logic for Choose {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..self._values {
            self.masked.wanted[i].next = self.index.val() == i.into();
            self.masked.x[i].next = self.x[i].val();
        }
        self.y.next = self.masked.y.val();
    }
}
