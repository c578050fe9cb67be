//! The keys of the authors' ImageNet code: `conv1.0`, `conv2_x` to `conv5_x`, `shortcut`.

use super::layout::Layout;

/// The layout.
pub(in crate::import) static IMAGENET: Layout = Layout {
    name: "ImageNet",
    recognise: |keys| keys.iter().any(|key| *key == "conv1.0.weight" || key.starts_with("conv2_x.")),
    canonical,
    own,
};

/// Places that differ, canonical and ImageNet.
const PLACES: [(&str, &str); 4] = [
    ("conv1.weight", "conv1.0.weight"),
    ("bn1.", "conv1.1."),
    (".downsample.layer.module.", ".shortcut.0."),
    (".downsample.bn.", ".shortcut.1."),
];

/// The canonical key of one in the ImageNet layout.
fn canonical(key: &str) -> String {
    if let Some(stem) = key.strip_prefix("conv1.0.") {
        return format!("conv1.{stem}");
    }
    if let Some(stem) = key.strip_prefix("conv1.1.") {
        return format!("bn1.{stem}");
    }
    let stage = key.strip_prefix("conv").and_then(|k| k.split_once("_x."));
    let Some((stage, rest)) = stage.and_then(|(n, rest)| Some((n.parse::<usize>().ok()?, rest))) else {
        return key.to_owned();
    };
    let rest = format!(".{rest}");
    let rest = PLACES[2..].iter().fold(rest, |rest, (canonical, own)| rest.replacen(own, canonical, 1));
    format!("layer{}{rest}", stage.saturating_sub(1))
}

/// What the key of a canonical one is in it.
fn own(key: &str) -> String {
    let mut own = key.to_owned();
    for (canonical, imagenet) in &PLACES[..2] {
        if let Some(rest) = own.strip_prefix(canonical) {
            own = format!("{imagenet}{rest}");
        }
    }
    let stage = own.strip_prefix("layer").and_then(|k| k.split_once('.'));
    if let Some((n, rest)) = stage.and_then(|(n, rest)| Some((n.parse::<usize>().ok()?, rest))) {
        let rest = format!(".{rest}");
        let rest = PLACES[2..].iter().fold(rest, |rest, (canonical, own)| rest.replacen(canonical, own, 1));
        own = format!("conv{}_x{rest}", n + 1);
    }
    own
}
