//! The global registers of a network, by name.

use spikegate_contract::global_registers;
use spikegate_contract::globals::{position, TABLE};

use crate::lang::*;

macro_rules! globals {
    ($($name:ident)*) => {
        /// Registers of `contract::globals`, written by load packets.
        ///
        /// | port | dir | width | meaning |
        /// | --- | --- | --- | --- |
        /// | clk | in | 1 | clock |
        /// | write, address, data | in | 1, 20, 32 | write a register: it is written; its number; its value |
        /// | * | out | | the register of this name |
        #[derive(LogicBlock)]
        pub struct Globals {
            doc: Doc,
            pub clk: Signal<In, Clock>,
            pub write: Signal<In, Bit>,
            pub address: Sig<In>,
            pub data: Sig<In>,
            $(#[doc = "Register of the same name in `contract::globals`."] pub $name: Sig<Out>,)*
            held: Vec<Dff>,
            _registers: usize,
        }

        impl Default for Globals {
            fn default() -> Self {
                Self {
                    doc: doc!("globals.rs", Globals),
                    clk: Default::default(),
                    write: Default::default(),
                    address: Sig::new(u(20)),
                    data: Sig::new(u(32)),
                    $($name: Sig::new(u(TABLE[position(stringify!($name))].width)),)*
                    held: TABLE.iter().map(|g| Dff::new(u(g.width))).collect(),
                    _registers: TABLE.len(),
                }
            }
        }

        impl Logic for Globals {
            #[hdl_gen]
            fn update(&mut self) {
                for i in 0..self._registers {
                    self.held[i].clock.next = self.clk.val();
                    self.held[i].d.next = self.held[i].q.val();
                    if self.write.val() & (self.address.val() == i.into()) {
                        self.held[i].d.next = self.data.val();
                    }
                }
                $(for i in (position(stringify!($name)))..(position(stringify!($name)) + 1) {
                    self.$name.next = self.held[i].q.val();
                })*
            }
        }
    };
}

global_registers!(globals);
