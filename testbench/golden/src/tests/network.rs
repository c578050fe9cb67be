//! A whole run: which tensors, in which order, and what is counted.

use spikegate_contract::tensor::{names, Tensor};

use super::small;
use crate::{run, Recorder};

#[test]
fn records_every_tensor_once_and_in_execution_order() {
    let net = small();
    let mut tensors: Vec<Tensor> = Vec::new();
    let outcome = run(&net, &[77; 20], &mut tensors).unwrap();
    let order: Vec<&str> = tensors.iter().map(|t| t.name.as_str()).collect();
    let expected = [
        names::STEM_X,
        names::STEM_XQ,
        names::STEM_SPIKES,
        names::STATISTICS,
        names::TA,
        names::Z1,
        names::SCA,
        names::GATE_Y,
        names::GATE_SPIKES,
        "layer1.0.shortcut",
        "layer1.0.conv1.spikes",
        "layer1.0.stream",
        "layer1.0.spikes",
        "layer1.1.conv1.spikes",
        "layer1.1.stream",
        "layer1.1.spikes",
        names::COUNTS,
        names::LOGITS,
    ];
    // Block 1 may project or not.
    let order: Vec<&str> = order.into_iter().filter(|n| *n != "layer1.1.shortcut").collect();
    assert_eq!(order, expected);
    assert!(tensors.iter().all(|t| t.data.len() == t.dims.iter().product::<usize>()));
    let find = |name: &str| tensors.iter().find(|t| t.name == name).unwrap();
    assert_eq!(find("layer1.1.stream").dims, [2, 3, 2, 3]);
    assert_eq!(find(names::COUNTS).data, outcome.counts);
    assert_eq!(find(names::LOGITS).data, outcome.logits.iter().map(|&v| v.into()).collect::<Vec<i64>>());
    for p in &outcome.spikes {
        let spikes = find(&p.name);
        assert!(spikes.data.iter().all(|s| [0, 1].contains(s)));
        assert_eq!((spikes.data.iter().sum::<i64>() as u64, spikes.data.len() as u64), (p.spikes, p.of));
    }
}

#[test]
fn records_only_what_is_wanted_and_gives_the_same_outcome() {
    struct Only(Vec<Tensor>);
    impl Recorder for Only {
        fn wants(&self, name: &str) -> bool {
            name == names::TA
        }
        fn record(&mut self, tensor: Tensor) {
            self.0.push(tensor);
        }
    }
    let net = small();
    let mut only = Only(Vec::new());
    let some = run(&net, &[9; 20], &mut only).unwrap();
    assert_eq!(only.0.len(), 1);
    assert_eq!(some, run(&net, &[9; 20], &mut ()).unwrap());
}

#[test]
fn keeps_no_state_between_images() {
    let net = small();
    let first = run(&net, &[200; 20], &mut ()).unwrap();
    run(&net, &[3; 20], &mut ()).unwrap();
    assert_eq!(run(&net, &[200; 20], &mut ()).unwrap(), first);
}

#[test]
fn direct_coding_shows_the_first_block_x_at_every_timestep() {
    let mut net = small();
    net.encoder = None;
    let mut tensors: Vec<Tensor> = Vec::new();
    let outcome = run(&net, &(0..20).map(|i| i * 12).collect::<Vec<u8>>(), &mut tensors).unwrap();
    let order: Vec<&str> = tensors.iter().take(3).map(|t| t.name.as_str()).collect();
    assert_eq!(order, [names::STEM_X, names::STEM_SPIKES, "layer1.0.shortcut"]);
    // A projection of the same map at every timestep is the same at every timestep, and by hand:
    let (x, shortcut) = (&tensors[0], &tensors[2]);
    let conv = net.blocks[0].shortcut.as_ref().unwrap();
    for at in 0..shortcut.data.len() {
        let [_, o, row, column] = shortcut.coordinates(at);
        let acc: i64 = (0..2)
            .map(|c| i64::from(conv.weights[conv.weight_index(o, c, 0, 0)]) * x.at(0, c, 2 * row, 2 * column))
            .sum();
        let r = &conv.requant[o];
        let y = (acc * i64::from(r.m) + r.b + (1 << (r.s - 1))) >> r.s;
        assert_eq!(shortcut.data[at], y.clamp(-32768, 32767));
    }
    assert_eq!(outcome.spikes[0].name, names::STEM_SPIKES);
    assert_eq!(outcome.spikes[1].name, "layer1.0.conv1.spikes");
}
