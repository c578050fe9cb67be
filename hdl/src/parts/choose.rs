//! One value out of several.

use crate::lang::*;

/// `y = x[index]`, 0 when there is none. Combinational.
///
/// Every value is masked by its own comparison and all are joined: a LUT4 takes two bits of two values, where a chain
/// of selections takes a LUT4 and more per value.
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
    wanted: Vec<Sig<Local>>,
    joined: Vec<Sig<Local>>,
    all: Const,
    _values: usize,
    _end: usize,
}

impl Choose {
    /// A choice of one of `values` of type `ty` by an index of `bits` bits.
    pub fn new(values: usize, ty: Ty, bits: usize) -> Self {
        Self {
            doc: doc!("choose.rs", Choose),
            index: Sig::new(u(bits)),
            x: (0..values).map(|_| Sig::new(ty)).collect(),
            y: Sig::new(ty),
            wanted: (0..values).map(|_| Sig::new(ty)).collect(),
            joined: (0..values + 1).map(|_| Sig::new(ty)).collect(),
            all: Const::new(s(1), -1),
            _values: values,
            _end: values + 1,
        }
    }
}

impl Logic for Choose {
    #[hdl_gen]
    fn update(&mut self) {
        self.joined[0].next = 0.into();
        for i in 0..self._values {
            self.wanted[i].next = 0.into();
            if self.index.val() == i.into() {
                self.wanted[i].next = self.all.val();
            }
            self.joined[i + 1].next = self.joined[i].val() | (self.x[i].val() & self.wanted[i].val());
        }
        for i in self._values..self._end {
            self.y.next = self.joined[i].val();
        }
    }
}
