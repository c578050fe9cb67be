//! Signals that belong together, by name: bundles, registers and delays of them.

use super::Doc;

/// Declares a bundle: a struct of [`Sig`](crate::lang::Sig)s that is one field of a module.
///
/// ```
/// use spikegate_hdl::lang::*;
///
/// bundle! {
///     /// A point of a map.
///     pub struct Point, held by PointRegister, delayed by PointDelay {
///         /// Column.
///         x: u(10),
///         /// Row.
///         y: u(10),
///     }
/// }
///
/// let mut later = PointDelay::new(3);
/// later.x.y.next = Value(7);
/// sim::cycles(&mut later, |d| &mut d.clk, 3);
/// assert_eq!(later.y.y.val(), Value(7));
/// ```
///
/// `Point<In>` and `Point<Out>` are ports, `Point<Local>` are wires. In a kernel `self.at.x` is one signal of the bundle
/// `at`, and `Point::join(&mut self.from, &mut self.to)` assigns all of `to`.
#[macro_export]
macro_rules! bundle {
    (
        $(#[$doc:meta])*
        pub struct $name:ident, held by $register:ident, delayed by $delay:ident {
            $($(#[$field_doc:meta])* $field:ident: $ty:expr,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<D: Direction> {
            $($(#[$field_doc])* pub $field: $crate::lang::Sig<D>,)*
        }

        impl<D: Direction> Default for $name<D> {
            fn default() -> Self {
                Self { $($field: $crate::lang::Sig::new($ty),)* }
            }
        }

        impl<D: Direction> $name<D> {
            /// All signals of the bundle, in the order of their declaration.
            pub fn signals(&mut self) -> Vec<&mut $crate::lang::Sig<D>> {
                vec![$(&mut self.$field,)*]
            }
        }

        impl $name<In> {
            /// In a kernel: assigns every signal of `to`.
            pub fn join<A: Direction, B: Direction>(from: &mut $name<A>, to: &mut $name<B>)
            where
                $crate::lang::Sig<A>: $crate::lang::Read,
            {
                $(to.$field.next = $crate::lang::Read::read(&from.$field);)*
            }
            /// The same in the kernel's syntax tree.
            pub fn join_hdl(_: &str, from: &str, to: &str) -> Vec<ast::VerilogLink> {
                vec![$($crate::lang::bundle::assign(stringify!($field), from, to),)*]
            }
        }

        impl<D: Direction> logic::LogicJoin for $name<D> {
            fn join_connect(&mut self) {
                $(self.$field.connect();)*
            }
        }

        impl<D: Direction> Logic for $name<D> {
            fn update(&mut self) {}
        }

        impl<D: Direction> Block for $name<D> {
            fn connect_all(&mut self) {}
            fn update_all(&mut self) {
                $(self.$field.update_all();)*
            }
            fn has_changed(&self) -> bool {
                false $(|| self.$field.has_changed())*
            }
            fn accept(&self, name: &str, probe: &mut dyn Probe) {
                $(self.$field.accept(&format!(concat!("{}$", stringify!($field)), name), probe);)*
            }
        }

        /// Registers of a bundle: `q` takes `d` at the rising edge.
        #[derive(LogicBlock)]
        pub struct $register {
            doc: $crate::lang::Doc,
            /// Clock.
            pub clk: Signal<In, Clock>,
            /// Next values.
            pub d: $name<In>,
            /// Present values.
            pub q: $name<Out>,
            $($field: $crate::lang::Dff,)*
        }

        impl Default for $register {
            fn default() -> Self {
                Self {
                    doc: $crate::lang::bundle::REGISTER,
                    clk: Default::default(),
                    d: Default::default(),
                    q: Default::default(),
                    $($field: $crate::lang::Dff::new($ty),)*
                }
            }
        }

        impl Logic for $register {
            #[hdl_gen]
            fn update(&mut self) {
                $(
                    self.$field.clock.next = self.clk.val();
                    self.$field.d.next = self.d.$field.val();
                    self.q.$field.next = self.$field.q.val();
                )*
            }
        }

        /// `y` is `x` of a fixed number of cycles ago, at least one. No reset: what enters is qualified by a flag that its
        /// source keeps low when idle.
        #[derive(LogicBlock)]
        pub struct $delay {
            doc: $crate::lang::Doc,
            /// Clock.
            pub clk: Signal<In, Clock>,
            /// Values.
            pub x: $name<In>,
            /// The values, delayed.
            pub y: $name<Out>,
            stage: Vec<$register>,
            _links: usize,
            _stages: usize,
        }

        impl $delay {
            /// A delay of `cycles`.
            pub fn new(cycles: usize) -> Self {
                assert!(cycles >= 1, "a delay takes at least one cycle");
                Self {
                    doc: $crate::lang::bundle::DELAY,
                    clk: Default::default(),
                    x: Default::default(),
                    y: Default::default(),
                    stage: (0..cycles).map(|_| $register::default()).collect(),
                    _links: cycles - 1,
                    _stages: cycles,
                }
            }
        }

        impl Logic for $delay {
            #[hdl_gen]
            fn update(&mut self) {
                for k in 0..self._stages {
                    self.stage[k].clk.next = self.clk.val();
                }
                $name::join(&mut self.x, &mut self.stage[0].d);
                $(
                    for k in 0..self._links {
                        self.stage[k + 1].d.$field.next = self.stage[k].q.$field.val();
                    }
                )*
                for k in self._links..self._stages {
                    $name::join(&mut self.stage[k].q, &mut self.y);
                }
            }
        }
    };
}

#[doc(hidden)]
pub const REGISTER: Doc = Doc::of(
    "/// Registers of a bundle.
    /// | clk | in | 1 | clock |
    /// | d_* | in | | next value |
    /// | q_* | out | | present value |",
);
#[doc(hidden)]
pub const DELAY: Doc = Doc::of(
    "/// A bundle of a fixed number of cycles ago; no reset.
    /// | clk | in | 1 | clock |
    /// | x_* | in | | value |
    /// | y_* | out | | the value, delayed |",
);

/// The assignment of one signal of a bundle.
#[doc(hidden)]
pub fn assign(field: &str, from: &str, to: &str) -> rust_hdl_core::ast::VerilogLink {
    rust_hdl_core::ast::VerilogLink::Forward(rust_hdl_core::ast::VerilogLinkDetails {
        my_name: field.into(),
        owner_name: from.into(),
        other_name: to.into(),
    })
}

/// Declares ports of any direction that belong together: a struct that is one field of a module.
///
/// `ports! { pub struct Fill { pub write: Signal<In, Bit>, pub word: Vec<Sig<In>> } }`
#[macro_export]
macro_rules! ports {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$port_doc:meta])* pub $port:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[$port_doc])* pub $port: $ty,)*
        }

        impl Logic for $name {
            fn update(&mut self) {}
        }

        impl Block for $name {
            fn connect_all(&mut self) {}
            fn update_all(&mut self) {
                $(self.$port.update_all();)*
            }
            fn has_changed(&self) -> bool {
                false $(|| self.$port.has_changed())*
            }
            fn accept(&self, name: &str, probe: &mut dyn Probe) {
                $(self.$port.accept(&format!(concat!("{}$", stringify!($port)), name), probe);)*
            }
        }
    };
}
