//! The beats at every stage where something is done with them.

use spikegate_contract::timing::beat;

use crate::control::beat::{Beat, BeatDelay};
use crate::lang::*;

/// A beat behind the drain control, named by what is done with it at a stage of `contract::timing`.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | drained | in | | beat of the drain control, cycle b |
/// | use_gate | in | 1 | the neurons stand behind the gate; static |
/// | residual | out | | the beat whose residual is asked for, cycle b+3 |
/// | biased | out | | the beat that is a logit, and whose residual's row is chosen next, b+5 |
/// | value | out | | the beat whose y is there, b+7 |
/// | code | out | | the beat whose code is written, b+8 |
/// | stem | out | | the beat whose stem spikes are asked for, b+11 |
/// | masked | out | | the beat that they mask, b+14 |
/// | entering | out | | the beat whose neurons are entered next: of b+7, or behind the gate of b+15 |
#[derive(LogicBlock)]
pub struct Beats {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub drained: Beat<In>,
    pub use_gate: Signal<In, Bit>,
    pub residual: Beat<Out>,
    pub biased: Beat<Out>,
    pub value: Beat<Out>,
    pub code: Beat<Out>,
    pub stem: Beat<Out>,
    pub masked: Beat<Out>,
    pub entering: Beat<Out>,
    to_residual: BeatDelay,
    to_biased: BeatDelay,
    to_value: BeatDelay,
    to_code: BeatDelay,
    to_stem: BeatDelay,
    to_masked: BeatDelay,
    to_gated: BeatDelay,
}

impl Default for Beats {
    fn default() -> Self {
        Self {
            doc: doc!("beats.rs", Beats),
            clk: Default::default(),
            drained: Default::default(),
            use_gate: Default::default(),
            residual: Default::default(),
            biased: Default::default(),
            value: Default::default(),
            code: Default::default(),
            stem: Default::default(),
            masked: Default::default(),
            entering: Default::default(),
            to_residual: BeatDelay::new(beat::RESIDUAL - beat::TOKEN),
            to_biased: BeatDelay::new(beat::BIASED - beat::RESIDUAL),
            to_value: BeatDelay::new(beat::VALUE - beat::BIASED),
            to_code: BeatDelay::new(beat::ENTRY - beat::VALUE),
            to_stem: BeatDelay::new(beat::STEM - beat::ENTRY),
            to_masked: BeatDelay::new(beat::MASKED - beat::STEM),
            to_gated: BeatDelay::new(beat::GATED - beat::MASKED),
        }
    }
}

impl Logic for Beats {
    #[hdl_gen]
    fn update(&mut self) {
        self.to_residual.clk.next = self.clk.val();
        self.to_biased.clk.next = self.clk.val();
        self.to_value.clk.next = self.clk.val();
        self.to_code.clk.next = self.clk.val();
        self.to_stem.clk.next = self.clk.val();
        self.to_masked.clk.next = self.clk.val();
        self.to_gated.clk.next = self.clk.val();
        Beat::join(&mut self.drained, &mut self.to_residual.x);
        Beat::join(&mut self.to_residual.y, &mut self.to_biased.x);
        Beat::join(&mut self.to_biased.y, &mut self.to_value.x);
        Beat::join(&mut self.to_value.y, &mut self.to_code.x);
        Beat::join(&mut self.to_code.y, &mut self.to_stem.x);
        Beat::join(&mut self.to_stem.y, &mut self.to_masked.x);
        Beat::join(&mut self.to_masked.y, &mut self.to_gated.x);
        Beat::join(&mut self.to_residual.y, &mut self.residual);
        Beat::join(&mut self.to_biased.y, &mut self.biased);
        Beat::join(&mut self.to_value.y, &mut self.value);
        Beat::join(&mut self.to_code.y, &mut self.code);
        Beat::join(&mut self.to_stem.y, &mut self.stem);
        Beat::join(&mut self.to_masked.y, &mut self.masked);
        Beat::join(&mut self.to_value.y, &mut self.entering);
        if self.use_gate.val() {
            Beat::join(&mut self.to_gated.y, &mut self.entering);
        }
    }
}
