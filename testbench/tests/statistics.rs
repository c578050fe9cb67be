//! Statistics of spikes and codes against counting them one by one in the golden model's trace.
#![allow(clippy::unwrap_used, missing_docs)]

use spikegate_contract::network::{Form, Network};
use spikegate_contract::tensor::Tensor;
use spikegate_golden::random::{composed, image, network, tiny, Rng};
use spikegate_golden::run;
use spikegate_testbench::statistics::Statistics;

/// Cycles of slots that walk through non-zero T-words: dense, waiting at every pixel, never waiting.
fn walked(net: &Network, name: &str, traces: &[Vec<Tensor>], ci: usize) -> (u64, u64, u64) {
    let layer = net.layer(net.find(name).unwrap()).unwrap();
    let (mut dense, mut waiting, mut elastic) = (0, 0, 0);
    for trace in traces {
        let spikes = trace.iter().find(|tensor| tensor.name == net.source(layer.id).name).unwrap();
        let [steps, channels, h, w] = spikes.dims;
        let fires = |c: usize, y: usize, x: usize| (0..steps).any(|t| spikes.at(t, c, y, x) != 0);
        let mut slots = vec![0u64; ci];
        let [out_h, out_w] = layer.out_hw();
        for (row, column) in (0..out_h).flat_map(|row| (0..out_w).map(move |column| (row, column))) {
            let mut own = vec![0u64; ci];
            for (ky, kx) in (0..layer.k).flat_map(|ky| (0..layer.k).map(move |kx| (ky, kx))) {
                let y = (row * layer.stride + ky) as isize - layer.pad as isize;
                let x = (column * layer.stride + kx) as isize - layer.pad as isize;
                if y < 0 || x < 0 || y >= h as isize || x >= w as isize {
                    continue;
                }
                dense += channels.div_ceil(ci) as u64;
                (0..channels).filter(|&c| fires(c, y as usize, x as usize)).for_each(|c| own[c % ci] += 1);
            }
            waiting += own.iter().max().unwrap();
            slots.iter_mut().zip(own).for_each(|(sum, n)| *sum += n);
        }
        elastic += slots.iter().max().unwrap();
    }
    (dense, waiting, elastic)
}

#[test]
fn slots_words_and_codes_are_counted_one_by_one() {
    let rng = &mut Rng(11);
    for round in 0..6 {
        let net = if round < 3 {
            let shape = tiny(rng);
            network(rng, &shape)
        } else {
            composed(rng, false)
        };
        let images: Vec<Vec<u8>> = (0..3).map(|_| image(rng, net.input_shape())).collect();
        let traces: Vec<Vec<Tensor>> = images
            .iter()
            .map(|image| {
                let mut trace = Vec::new();
                run(&net, image, &mut trace).unwrap();
                trace
            })
            .collect();
        let found = Statistics::of(&net, &images, &mut || ()).unwrap();
        assert_eq!(found.images, 3);
        let spiking = net.layers().filter(|layer| layer.input.form == Form::Spikes);
        assert_eq!(found.spikes.len(), spiking.count());
        for layer in &found.spikes {
            let tensors = || traces.iter().flatten().filter(|tensor| tensor.name == layer.population);
            let all: i64 = tensors().flat_map(|tensor| &tensor.data).sum();
            assert_eq!(layer.fired.n, all as u64, "{}", layer.layer);
            for slots in &layer.slots {
                let expected = walked(&net, &layer.layer, &traces, slots.ci);
                assert_eq!(
                    (slots.dense, slots.waiting, slots.elastic),
                    expected,
                    "{} {}",
                    layer.layer,
                    slots.ci
                );
            }
            let words: f64 = layer.words_of_channel.iter().sum::<f64>() / layer.channels as f64;
            assert!((words - layer.words.rate()).abs() < 1e-9, "{}", layer.layer);
        }
        for code in &found.codes {
            let values = || traces.iter().flatten().filter(|t| t.name == code.name).flat_map(|t| &t.data);
            let zero = |mask: i64| values().filter(|v| v.abs() & mask == 0).count() as u64;
            assert_eq!((code.zero.n, code.zero.of), (zero(255), values().count() as u64), "{}", code.name);
            assert_eq!(code.zero_nibbles.map(|share| share.n), [zero(15), zero(240)], "{}", code.name);
            assert!((0..8).all(|bit| code.zero_bits[bit].n == zero(1 << bit)), "{}", code.name);
        }
        let codes = net.nodes.iter().filter(|node| {
            let (low, high) = node.out.form.range();
            matches!(node.out.form, Form::Code { .. }) && low >= -128 && high <= 255
        });
        assert_eq!(found.codes.len(), codes.count());
    }
}
