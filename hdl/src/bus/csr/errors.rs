//! What the units report, as bits of the register `error`.

use spikegate_contract::csr::{ErrorEvent, ERROR_EVENTS};
use spikegate_contract::error_events;

use crate::lang::*;

macro_rules! errors {
    ($($event:ident)*) => {
        /// One input per event of `contract::csr::ErrorEvent`, under its name, to one word.
        ///
        /// | port | dir | width | meaning |
        /// | --- | --- | --- | --- |
        /// | bits | out | | the events of this cycle, each at its bit of `error` |
        /// | * | in | 1 | the event of this name |
        #[derive(LogicBlock)]
        pub struct ErrorEvents {
            doc: Doc,
            $(#[doc = "Event of the same name in `contract::csr`."] pub $event: Signal<In, Bit>,)*
            pub bits: Sig<Out>,
            /// The events up to each.
            up_to: Vec<Sig<Local>>,
            bit: Vec<Const>,
            _events: usize,
            _end: usize,
        }

        impl Default for ErrorEvents {
            fn default() -> Self {
                Self {
                    doc: doc!("errors.rs", ErrorEvents),
                    $($event: Default::default(),)*
                    bits: Sig::new(u(ERROR_EVENTS)),
                    up_to: (0..ERROR_EVENTS + 1).map(|_| Sig::new(u(ERROR_EVENTS))).collect(),
                    bit: (0..ERROR_EVENTS).map(|i| Const::new(u(ERROR_EVENTS), 1 << i)).collect(),
                    _events: ERROR_EVENTS,
                    _end: ERROR_EVENTS + 1,
                }
            }
        }

        impl Logic for ErrorEvents {
            #[hdl_gen]
            fn update(&mut self) {
                self.up_to[0].next = 0.into();
                $(for i in (ErrorEvent::$event as usize)..(ErrorEvent::$event as usize + 1) {
                    self.up_to[i + 1].next = self.up_to[i].val();
                    if self.$event.val() {
                        self.up_to[i + 1].next = self.up_to[i].val() | self.bit[i].val();
                    }
                })*
                for i in self._events..self._end {
                    self.bits.next = self.up_to[i].val();
                }
            }
        }
    };
}

error_events!(errors);
