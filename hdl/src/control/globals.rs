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
        /// | wrong | out | 1 | with parity: a bit of them has flipped, a cycle later |
        #[derive(LogicBlock)]
        pub struct Globals {
            doc: Doc,
            pub clk: Signal<In, Clock>,
            pub write: Signal<In, Bit>,
            pub address: Sig<In>,
            pub data: Sig<In>,
            $(#[doc = "Register of the same name in `contract::globals`."] pub $name: Sig<Out>,)*
            pub wrong: Optional<Signal<Out, Bit>>,
            held: Vec<Dff>,
            odd: Optional<Odd>,
            written: Optional<Dff>,
            before: Optional<Dff>,
            differs: Optional<Dff>,
            _registers: usize,
        }

        impl Globals {
            /// The registers, with parity or without.
            pub fn new(parity: bool) -> Self {
                let widths: Vec<Ty> = TABLE.iter().map(|g| u(g.width)).collect();
                let bit = || Dff::new(u(1));
                Self {
                    doc: doc!("globals.rs", Globals),
                    clk: Default::default(),
                    write: Default::default(),
                    address: Sig::new(u(20)),
                    data: Sig::new(u(32)),
                    $($name: Sig::new(u(TABLE[position(stringify!($name))].width)),)*
                    wrong: Optional::new(parity, Default::default),
                    held: widths.iter().map(|&ty| Dff::new(ty)).collect(),
                    odd: Optional::new(parity, || Odd::new(&widths)),
                    written: Optional::new(parity, bit),
                    before: Optional::new(parity, bit),
                    differs: Optional::new(parity, bit),
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
                // One parity bit for all registers: it may change with a write only.
                for p in 0..self.odd.count() {
                    self.written[p].clock.next = self.clk.val();
                    self.before[p].clock.next = self.clk.val();
                    self.differs[p].clock.next = self.clk.val();
                    for i in 0..self._registers {
                        self.odd[p].x[i].next = self.held[i].q.val();
                    }
                    self.written[p].d.next = self.write.val().into();
                    self.before[p].d.next = self.odd[p].y.val();
                    self.differs[p].d.next = self.before[p].q.val() ^ self.odd[p].y.val();
                    if self.written[p].q.val().get_bit(0) {
                        self.differs[p].d.next = 0.into();
                    }
                    self.wrong[p].next = self.differs[p].q.val().get_bit(0);
                }
                $(for i in (position(stringify!($name)))..(position(stringify!($name)) + 1) {
                    self.$name.next = self.held[i].q.val();
                })*
            }
        }
    };
}

global_registers!(globals);
