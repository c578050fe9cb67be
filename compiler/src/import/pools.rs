//! Max-pools, which are not built, and which no tensor tells.

use super::keys::{stage_count, stem_kernel};
use super::tensors::Tensors;
use super::ImportError;
use crate::graph::Assumption;

/// Stages and side of the stem's kernel of SpikingJelly's networks without a max-pool, `ms_resnet18` and `ms_resnet34`.
const WITHOUT_POOLS: (usize, usize) = (4, 7);

/// Refuses what the constants say of pools, if it is not that there are none.
pub(super) fn refuse(place: &str, said: Option<&str>) -> Result<(), ImportError> {
    let (reason, todo) = match said {
        None | Some("none") => return Ok(()),
        Some("max") => (
            "max-pools of currents, as max_resnet18 has between its convolutions, are not supported",
            Some("train a network that strides instead, as ms_resnet18 does, with pool = \"none\""),
        ),
        Some(_) => ("expected \"none\"", None),
    };
    let (place, got) = (place.to_owned(), format!("{:?}", said.unwrap_or_default()));
    Err(ImportError::Unsupported { place, field: "pool", got, reason, todo })
}

/// That no max-pool stands where no tensor tells: SpikingJelly's `max_resnet18` has the keys of an `MSResNet` and pools in
/// between. What has the shape of `ms_resnet18` is taken for it; of all others the constants must say it, in `toml`.
pub(super) fn require_none(
    file: &str,
    toml: &str,
    tensors: &Tensors<'_>,
    assumed: &mut Vec<Assumption>,
) -> Result<(), ImportError> {
    // What is missing altogether is told as that.
    let (stages @ 1.., Some(kernel)) = (stage_count(tensors), stem_kernel(tensors)) else { return Ok(()) };
    if (stages, kernel) != WITHOUT_POOLS {
        let (file, toml) = (file.to_owned(), toml.to_owned());
        return Err(ImportError::MayPool { file, stages, kernel, toml });
    }
    assumed.push(Assumption {
        what: "pool".to_owned(),
        taken: "none".to_owned(),
        why: "ms_resnet18 and ms_resnet34 have no max-pool behind the stem unless it is asked for (stem_pool), which no \
              checkpoint tells; the constants may"
            .to_owned(),
    });
    Ok(())
}
