//! A bundle of signals delayed by a fixed number of cycles.

use crate::lang::*;

/// One register stage of a [`Delay`].
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | x_i | in | w_i | fields |
/// | y_i | out | w_i | fields of the cycle before |
#[derive(LogicBlock)]
pub struct Stage {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub x: Vec<Sig<In>>,
    pub y: Vec<Sig<Out>>,
    held: Vec<Dff>,
    _fields: usize,
}

impl Stage {
    fn new(types: &[Ty]) -> Self {
        Self {
            doc: doc!("delay.rs", Stage),
            clk: Default::default(),
            x: types.iter().map(|&t| Sig::new(t)).collect(),
            y: types.iter().map(|&t| Sig::new(t)).collect(),
            held: types.iter().map(|&t| Dff::new(t)).collect(),
            _fields: types.len(),
        }
    }
}

impl Logic for Stage {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..self._fields {
            self.held[i].clock.next = self.clk.val();
            self.held[i].d.next = self.x[i].val();
            self.y[i].next = self.held[i].q.val();
        }
    }
}

/// `y_i` is `x_i` of `cycles` cycles ago (at least one). No reset: what enters must be qualified by a valid field
/// that the source keeps low when idle.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | x_i | in | w_i | fields |
/// | y_i | out | w_i | fields, delayed |
#[derive(LogicBlock)]
pub struct Delay {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub x: Vec<Sig<In>>,
    pub y: Vec<Sig<Out>>,
    stage: Vec<Stage>,
    _fields: usize,
    _links: usize,
    _stages: usize,
}

impl Delay {
    /// A delay of `cycles` for fields of the given types.
    pub fn new(types: &[Ty], cycles: usize) -> Self {
        assert!(cycles >= 1);
        Self {
            doc: doc!("delay.rs", Delay),
            clk: Default::default(),
            x: types.iter().map(|&t| Sig::new(t)).collect(),
            y: types.iter().map(|&t| Sig::new(t)).collect(),
            stage: (0..cycles).map(|_| Stage::new(types)).collect(),
            _fields: types.len(),
            _links: cycles - 1,
            _stages: cycles,
        }
    }
}

impl Logic for Delay {
    #[hdl_gen]
    fn update(&mut self) {
        for k in 0..self._stages {
            self.stage[k].clk.next = self.clk.val();
        }
        for i in 0..self._fields {
            self.stage[0].x[i].next = self.x[i].val();
            for k in 0..self._links {
                self.stage[k + 1].x[i].next = self.stage[k].y[i].val();
            }
            for k in self._links..self._stages {
                self.y[i].next = self.stage[k].y[i].val();
            }
        }
    }
}
