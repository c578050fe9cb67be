//! A value of some cycles ago.

use crate::lang::*;

/// A value delayed by 0 or more cycles.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | x | in | w | value |
/// | y | out | w | the value, delayed |
#[derive(LogicBlock)]
pub struct Skew {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub x: Sig<In>,
    pub y: Sig<Out>,
    stage: Vec<Dff>,
    _none: usize,
    _some: usize,
    _links: usize,
    _stages: usize,
}

impl Skew {
    /// A delay of `cycles` for a value of the given type.
    pub fn new(ty: Ty, cycles: usize) -> Self {
        Self {
            doc: doc!("skew.rs", Skew),
            clk: Default::default(),
            x: Sig::new(ty),
            y: Sig::new(ty),
            stage: (0..cycles).map(|_| Dff::new(ty)).collect(),
            _none: usize::from(cycles == 0),
            _some: usize::from(cycles > 0),
            _links: cycles.saturating_sub(1),
            _stages: cycles,
        }
    }
}

impl Logic for Skew {
    #[hdl_gen]
    fn update(&mut self) {
        for k in 0..self._stages {
            self.stage[k].clock.next = self.clk.val();
        }
        for _i in 0..self._none {
            self.y.next = self.x.val();
        }
        for i in 0..self._some {
            self.stage[i].d.next = self.x.val();
        }
        for k in 0..self._links {
            self.stage[k + 1].d.next = self.stage[k].q.val();
        }
        for k in self._links..self._stages {
            self.y.next = self.stage[k].q.val();
        }
    }
}
