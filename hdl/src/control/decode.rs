//! Gives the fields of an instruction their names.

use spikegate_contract::instr::{self, plain_layout, Index};
use spikegate_contract::instruction_table;

use crate::lang::*;

macro_rules! decode {
    (fields { $($name:ident)* } flags { $($flag:ident: $of:ident [$bit:tt])* }) => {
        /// Wires from the sequencer's fields (in the order of `contract::instr::layout`) to one output per field, and one per
        /// flag of `contract::instr::FLAGS`, which means something under its opcode only.
        ///
        /// | port | dir | width | meaning |
        /// | --- | --- | --- | --- |
        /// | field_k | in | | fields in the order of the layout |
        /// | * | out | | the field or flag of this name |
        #[derive(LogicBlock)]
        pub struct Decode {
            doc: Doc,
            pub field: Vec<Sig<In>>,
            $(#[doc = "Field of the same name in `contract::instr`."] pub $name: Sig<Out>,)*
            $(#[doc = "Flag of the same name in `contract::instr`."] pub $flag: Signal<Out, Bit>,)*
        }

        impl Default for Decode {
            fn default() -> Self {
                Self {
                    doc: doc!("decode.rs", Decode),
                    field: plain_layout().iter().map(|f| Sig::new(u(f.width))).collect(),
                    $($name: Sig::new(u(instr::width(stringify!($name)))),)*
                    $($flag: Default::default(),)*
                }
            }
        }

        impl Logic for Decode {
            #[hdl_gen]
            fn update(&mut self) {
                $(for i in (Index::$name as usize)..(Index::$name as usize + 1) {
                    self.$name.next = self.field[i].val();
                })*
                $(for i in (Index::$of as usize)..(Index::$of as usize + 1) {
                    self.$flag.next = self.field[i].val().get_bit($bit);
                })*
            }
        }
    };
}

instruction_table!(decode);
