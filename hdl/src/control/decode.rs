//! Gives the fields of an instruction their names.

use spikegate_contract::instr::{self, layout, Index};

use crate::lang::*;

macro_rules! decode {
    ($($name:ident),* $(,)?) => {
        /// Wires from the sequencer's fields (in the order of `contract::instr::layout`) to one output per field.
        ///
        /// | port | dir | width | meaning |
        /// | --- | --- | --- | --- |
        /// | field_k | in | | fields in the order of the layout |
        /// | * | out | | the field of this name |
        #[derive(LogicBlock)]
        pub struct Decode {
            doc: Doc,
            pub field: Vec<Sig<In>>,
            $(#[doc = "Field of the same name in `contract::instr`."] pub $name: Sig<Out>,)*
        }

        impl Default for Decode {
            fn default() -> Self {
                Self {
                    doc: doc!("decode.rs", Decode),
                    field: layout().iter().map(|f| Sig::new(u(f.width))).collect(),
                    $($name: Sig::new(u(instr::width(stringify!($name)))),)*
                }
            }
        }

        impl Logic for Decode {
            #[hdl_gen]
            fn update(&mut self) {
                $(for i in (Index::$name as usize)..(Index::$name as usize + 1) {
                    self.$name.next = self.field[i].val();
                })*
            }
        }
    };
}

decode!(
    op,
    source,
    signed,
    combine,
    planes,
    plane_top,
    time_passes,
    kernel,
    stride,
    pad,
    in_h,
    in_w,
    row_step,
    row_origin,
    source_base,
    source_group,
    source_time,
    groups_in,
    weight_base,
    weight_group,
    weight_row,
    groups_out,
    out_h,
    out_w,
    out_time,
    out_group,
    param_base,
    drain_period,
    sweeps,
    sweep_period,
    narrow,
    threshold,
    last_lanes,
    spike_on,
    spike_base,
    stream_on,
    stream_base,
    stream_half,
    code_mode,
    code_base,
    xq_shift,
    residual_on,
    residual_base,
    statistics,
    gate,
    gate_base,
    count,
    result,
    release,
    skip,
    length,
    images,
    image,
);
