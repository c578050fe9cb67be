//! Every rule of the kernel language, broken once.

use spikegate_hdl::lang::*;

/// A block with inputs a (s8), n (u8) and go, output y (u8), local t (u8), and a kernel.
macro_rules! block {
    ($name:ident, $($kernel:tt)*) => {
        #[derive(LogicBlock)]
        struct $name {
            pub clk: Signal<In, Clock>,
            pub a: Sig<In>,
            pub n: Sig<In>,
            pub go: Signal<In, Bit>,
            pub y: Sig<Out>,
            t: Sig<Local>,
            kept: Dff,
        }
        impl Logic for $name {
            $($kernel)*
        }
        impl Default for $name {
            fn default() -> Self {
                Self {
                    clk: Default::default(),
                    a: Sig::new(s(8)),
                    n: Sig::new(u(8)),
                    go: Default::default(),
                    y: Sig::new(u(8)),
                    t: Sig::new(u(8)),
                    kept: Dff::new(u(8)),
                }
            }
        }
    };
}

fn refused<B: Block + Default>(why: &str) {
    let error = verilog::write(&B::default(), "block").expect_err("the rule is broken");
    assert!(error.problem.contains(why), "{error}");
}

block!(
    Good,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.t.next = self.n.val() + self.a.val();
        self.y.next = 0.into();
        if self.t.val() > self.n.val() {
            self.y.next = self.t.val() >> 1.into();
        }
    }
);

block!(
    ComparesSum,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.t.next = 0.into();
        self.y.next = 0.into();
        if (self.n.val() + self.a.val()) > self.n.val() {
            self.y.next = 1.into();
        }
    }
);

block!(
    ShiftsSum,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.t.next = 0.into();
        self.y.next = (self.n.val() + self.n.val()) >> 1.into();
    }
);

block!(
    ReadsEarly,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.y.next = self.t.val();
        self.t.next = self.n.val();
    }
);

block!(
    ReadsBetween,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.t.next = self.n.val();
        self.y.next = self.t.val();
        if self.go.val() {
            self.t.next = 0.into();
        }
    }
);

block!(
    Latch,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.t.next = 0.into();
        if self.go.val() {
            self.y.next = self.n.val();
        }
    }
);

block!(
    LatchInBothBranches,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.t.next = 0.into();
        if self.go.val() {
            self.y.next = self.n.val();
        } else {
            self.y.next = 0.into();
        }
    }
);

block!(
    UndrivenOutput,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.t.next = 0.into();
    }
);

block!(
    UndrivenChild,
    #[hdl_gen]
    fn update(&mut self) {
        self.kept.clock.next = self.clk.val();
        self.t.next = 0.into();
        self.y.next = self.kept.q.val();
    }
);

block!(
    DrivesInput,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.t.next = 0.into();
        self.y.next = 0.into();
        self.n.next = 1.into();
    }
);

block!(
    DrivesChildOutput,
    #[hdl_gen]
    fn update(&mut self) {
        self.kept.clock.next = self.clk.val();
        self.kept.d.next = 0.into();
        self.t.next = 0.into();
        self.y.next = 0.into();
        self.kept.q.next = 1.into();
    }
);

block!(
    BitBeyond,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.t.next = 0.into();
        self.y.next = self.n.val().get_bit(8).into();
    }
);

block!(
    BitBySigned,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.t.next = 0.into();
        self.y.next = self.n.val().get_bit(self.a.val().index()).into();
    }
);

block!(
    SliceBeyond,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.t.next = 0.into();
        self.y.next = self.n.val().get_bits::<4>(5);
    }
);

block!(
    SliceMoves,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.t.next = 0.into();
        self.y.next = self.n.val().get_bits::<4>(self.n.val().index());
    }
);

block!(
    LiteralTooLarge,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.t.next = 0.into();
        self.y.next = 256.into();
    }
);

block!(
    ShiftBySigned,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.t.next = 0.into();
        self.y.next = self.n.val() << self.a.val();
    }
);

block!(
    ShiftBySum,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.t.next = 0.into();
        self.y.next = self.n.val() << (self.n.val() + self.n.val());
    }
);

block!(
    LazyAnd,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, kept);
        self.t.next = 0.into();
        self.y.next = 0.into();
        if self.go.val() && self.go.val() {
            self.y.next = 1.into();
        }
    }
);

#[test]
fn rules_are_enforced() {
    assert_eq!(verilog::write(&Good::default(), "block").map(|t| t.contains("module block")), Ok(true));
    refused::<ComparesSum>("compare signals and literals only");
    refused::<ShiftsSum>("must be a plain signal");
    refused::<ReadsEarly>("t is read before its last assignment");
    refused::<ReadsBetween>("t is read before its last assignment");
    refused::<Latch>("y has no unconditional default");
    refused::<LatchInBothBranches>("y has no unconditional default");
    refused::<UndrivenOutput>("y is never assigned");
    refused::<UndrivenChild>("kept$d is never assigned");
    refused::<DrivesInput>("n is assigned but is not an output");
    refused::<DrivesChildOutput>("kept$q is assigned but is not an output");
    refused::<BitBeyond>("which has 8 bits");
    refused::<BitBySigned>("must be unsigned");
    refused::<SliceBeyond>("slice of 4 bits");
    refused::<SliceMoves>("slice of 4 bits");
    refused::<LiteralTooLarge>("literal 256 does not fit 8 bits");
    refused::<ShiftBySigned>("not unsigned");
    refused::<ShiftBySum>("use a signal, constant or literal");
    refused::<LazyAnd>("use & and | on single bits");
}

#[test]
fn the_error_names_the_instance() {
    #[derive(LogicBlock, Default)]
    struct Parent {
        pub clk: Signal<In, Clock>,
        inner: Latch,
    }
    impl Logic for Parent {
        #[hdl_gen]
        fn update(&mut self) {
            self.inner.clk.next = self.clk.val();
        }
    }
    let error = verilog::write(&Parent::default(), "parent").expect_err("the rule is broken");
    assert!(error.to_string().contains("parent: inner: y has no"), "{error}");
}

#[derive(LogicBlock)]
struct Inner {
    pub clk: Signal<In, Clock>,
    pub x: Sig<In>,
    pub y: Sig<Out>,
    held: Dff,
}

impl Logic for Inner {
    #[hdl_gen]
    fn update(&mut self) {
        self.held.clock.next = self.clk.val();
        self.held.d.next = self.x.val();
        self.y.next = self.held.q.val();
    }
}

#[derive(LogicBlock)]
struct Outer {
    pub clk: Signal<In, Clock>,
    pub x: Sig<In>,
    pub y: Sig<Out>,
    join: Inner,
}

impl Logic for Outer {
    #[hdl_gen]
    fn update(&mut self) {
        self.join.clk.next = self.clk.val();
        self.join.x.next = self.x.val();
        self.y.next = self.join.y.val();
    }
}

#[test]
fn instances_are_not_named_by_reserved_words() {
    let port = || (Sig::new(u(3)), Sig::new(u(3)));
    let ((x, y), (inner_x, inner_y)) = (port(), port());
    let join = Inner { clk: Default::default(), x: inner_x, y: inner_y, held: Dff::new(u(3)) };
    let outer = Outer { clk: Default::default(), x, y, join };
    let text = verilog::write(&outer, "outer").expect("it keeps to the rules");
    assert!(text.contains("outer_join join_ ("), "{text}");
}
