//! PyTorch checkpoints: which state_dict of one is the network.

use super::naming::choice;
use super::source::{Content, Opening};
use super::store::Store;
use super::tensors::Tensors;
use super::{choose, pth, ImportError};
use crate::graph::Assumption;

/// The chosen state_dict of a PyTorch checkpoint.
pub(super) fn open<'a, 'r>(
    opening: Opening<'a, 'r>,
    _: &[u8],
    assumed: &mut Vec<Assumption>,
) -> Result<Content<'a, 'r>, ImportError> {
    let Opening { file, input, bytes, wanted } = opening;
    let (archive, pickle) = pth::Archive::open(file, input, bytes)?;
    let bad = |reason| ImportError::Checkpoint { file: file.to_owned(), reason };
    let chosen = choose::choose(&pickle, wanted).map_err(bad)?;
    if !chosen.path.is_empty() || !chosen.others.is_empty() {
        let others = choose::listed(chosen.others.iter().map(|path| format!("`{}`", choice(path))));
        assumed.push(Assumption {
            what: "weights".to_owned(),
            taken: match chosen.path.is_empty() {
                true => "the top level".to_owned(),
                false => format!("`{}`", chosen.path),
            },
            why: match (chosen.named, chosen.others.is_empty()) {
                (true, _) => format!("as asked for; the file also has {others}"),
                (false, true) => "the only state_dict in the file".to_owned(),
                (false, false) => format!("the file also has {others}, which --weights KEY chooses"),
            },
        });
    }
    let dicts = chosen.others.into_iter().chain([chosen.path]).map(|path| choice(&path)).collect();
    let tensors = Tensors::new(file, chosen.entries, Store::Archive(archive))?;
    Ok(Content {
        tensors,
        metadata: None,
        prefix: wanted.filter(|wanted| !chosen.named || wanted.is_empty()),
        dicts,
    })
}
