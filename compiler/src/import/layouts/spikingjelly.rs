//! The keys of SpikingJelly's `MSResNet` (its `ms_resnet18` and `ms_resnet34`, version 2.0): `stem`, `head`, batch norms
//! without a wrapper, and shortcuts numbered.
//!
//! The library's neurons have no tensors. What they are is said in the constants, in these words: `leak` is 1 - 1/tau, `fire` is
//! ">=", and `threshold` is v_threshold, times tau where the input decays (`decay_input`), as that input then counts a tau-th.

use super::layout::Layout;

/// The layout.
pub(in crate::import) static SPIKINGJELLY: Layout = Layout {
    name: "SpikingJelly",
    recognise,
    canonical: |key| renamed(key, own_first),
    own: |key| renamed(key, |pair| pair),
};

type Pair = (&'static str, &'static str);

/// How keys start that differ, canonical and SpikingJelly's.
const STARTS: [Pair; 3] = [("conv1.", "stem.0."), ("bn1.bn.", "stem.1."), ("fc1.", "head.")];
/// Places in a block that differ.
const PLACES: [Pair; 4] = [
    (".bn1.bn.", ".bn1."),
    (".bn2.bn.", ".bn2."),
    (".downsample.layer.module.", ".downsample.0."),
    (".downsample.bn.bn.", ".downsample.1."),
];

/// Its stem or its head, and neither of the authors'.
fn recognise(keys: &[&str]) -> bool {
    let starts = |with: &[&str]| keys.iter().any(|key| with.iter().any(|start| key.starts_with(start)));
    starts(&["stem.0.", "stem.1.", "head.weight", "head.bias"]) && !starts(&["conv1.", "bn1.", "fc1."])
}

fn own_first((canonical, own): Pair) -> Pair {
    (own, canonical)
}

/// A key with the first place that `turn` gives put in another way.
fn renamed(key: &str, turn: fn(Pair) -> Pair) -> String {
    let starts = STARTS.map(turn);
    if let Some((rest, to)) = starts.iter().find_map(|(from, to)| Some((key.strip_prefix(from)?, to))) {
        return format!("{to}{rest}");
    }
    let place = PLACES.map(turn).into_iter().find(|(from, _)| key.contains(from));
    place.map_or_else(|| key.to_owned(), |(from, to)| key.replacen(from, to, 1))
}
