//! A comparison misses nothing: one bit of one value of any tensor, swapped neurons, shifted timesteps.
#![allow(clippy::unwrap_used)]

use spikegate_contract::tensor::Tensor;
use spikegate_golden::random::{image_of, network, tiny, ImageKind, Rng, Shape};
use spikegate_testbench::compare::{compare, Context, Divergence};

fn golden(seed: u64) -> Vec<Tensor> {
    let mut rng = Rng(seed);
    let shape = Shape { extreme: false, ..tiny(&mut rng) };
    let net = network(&mut rng, &shape);
    let pixels = image_of(&mut rng, shape.input, ImageKind::Uniform);
    let mut tensors: Vec<Tensor> = Vec::new();
    spikegate_golden::run(&net, &pixels, &mut tensors).unwrap();
    tensors
}

#[test]
fn one_flipped_bit_anywhere_is_found_where_it_is() {
    for seed in 0..8 {
        let golden = golden(seed);
        assert!(compare(&golden, &golden).is_equal());
        let mut rng = Rng(seed);
        for which in 0..golden.len() {
            let mut other = golden.clone();
            let at = rng.size(0, golden[which].data.len() - 1);
            other[which].data[at] ^= 1 << rng.range(0, 39);
            let got = compare(&golden, &other);
            assert_eq!((got.differences, got.is_equal(), got.tensors), (1, false, golden.len()));
            let Some(Divergence::Value { tensor, at: place, in_tensor: 1, .. }) = got.first else { panic!() };
            assert_eq!((tensor, place), (golden[which].name.clone(), golden[which].coordinates(at)));
        }
    }
}

/// Every rearrangement here keeps the number of spikes per tensor.
fn rearranged(rearrange: impl Fn(&Tensor, [usize; 4]) -> [usize; 4]) {
    let mut changed = 0;
    for seed in 0..16 {
        let golden = golden(seed);
        for which in (0..golden.len()).filter(|&i| golden[i].name.ends_with("spikes")) {
            let mut other = golden.clone();
            let source = &golden[which];
            for i in 0..source.data.len() {
                let [t, c, y, x] = rearrange(source, source.coordinates(i));
                other[which].data[i] = source.at(t, c, y, x);
            }
            let same = other[which].data == source.data;
            changed += u32::from(!same);
            let got = compare(&golden, &other);
            assert_eq!(got.is_equal(), same);
            assert_eq!(source.data.iter().sum::<i64>(), other[which].data.iter().sum::<i64>());
        }
    }
    assert!(changed > 10, "{changed}");
}

#[test]
fn swapped_neurons_are_found() {
    rearranged(|s, [t, c, y, x]| [t, c, y, s.dims[3] - 1 - x]);
    rearranged(|s, [t, c, y, x]| [t, s.dims[1] - 1 - c, y, x]);
}

#[test]
fn shifted_timesteps_are_found() {
    rearranged(|s, [t, c, y, x]| [(t + 1) % s.dims[0], c, y, x]);
}

#[test]
fn a_missing_or_an_extra_tensor_fails_and_the_first_in_execution_order_is_named() {
    let golden = golden(1);
    for which in 0..golden.len() {
        let mut other = golden.clone();
        other.remove(which);
        let got = compare(&golden, &other);
        assert_eq!(got.first, Some(Divergence::Missing { tensor: golden[which].name.clone() }));
        let got = compare(&other, &golden);
        assert_eq!(got.first, Some(Divergence::Extra { tensor: golden[which].name.clone() }));
        assert_eq!(got.differences, 1);
    }
    let mut other = golden.clone();
    other[5].data[0] ^= 1;
    other[3].data[0] ^= 1;
    other.reverse();
    let got = compare(&golden, &other);
    assert_eq!(got.differences, 2);
    assert!(matches!(got.first, Some(Divergence::Value { tensor, .. }) if tensor == golden[3].name));
}

#[test]
fn reports_the_first_divergence_in_words() {
    let dims = [2, 2, 1, 2];
    let a = Tensor { name: "layer1.0.stream".into(), dims, data: vec![1, 2, 3, 4, 5, 6, 7, 8] };
    let mut b = a.clone();
    (b.data[5], b.data[7]) = (-6, 0);
    let context = Context {
        target: "verilator".into(),
        case: "image 3".into(),
        seed: Some(0x5eed),
        waves: Some(("out/3.vcd".into(), 18212)),
        rerun: "spikegate simulate out".into(),
    };
    let report = compare([&a], &[b]).report(&context);
    let expected = "MISMATCH golden vs verilator   case `image 3`  seed 0x5eed
  first at timestep 1, layer `layer1.0.stream`, channel 0, y 0, x 1   (2 of 8 values differ)
    golden     6
    verilator  -6
  last agreeing state: t=0 value 2
  waves: out/3.vcd  at cycle 18212   (surfer or gtkwave)
  rerun: spikegate simulate out
";
    assert_eq!(report, expected);
    let plain = Context::default();
    let equal = compare([&a], std::slice::from_ref(&a)).report(&plain);
    assert_eq!(equal, "EQUAL golden vs hardware   values 8, tensors 1\n");
    assert_eq!(compare([], &[]).report(&plain), "NOTHING COMPARED golden vs hardware\n");
    let missing = compare([&a], &[]).report(&plain);
    assert_eq!(
        missing,
        "MISMATCH golden vs hardware\n  `layer1.0.stream` is missing from the trace of hardware\n"
    );
    let extra = compare([], std::slice::from_ref(&a)).report(&plain);
    let expected =
        "MISMATCH golden vs hardware\n  `layer1.0.stream` of the trace of hardware was not expected\n";
    assert_eq!(extra, expected);
}
