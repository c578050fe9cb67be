//! The texts of the crate.

use std::path::{Path, PathBuf};

use spikegate_contract::array::ArrayConfig;

/// Names and bytes of all files, the mark excepted. Equal input gives equal bytes.
///
/// The error is a path that cannot be named in a manifest.
pub(super) fn files(
    array: &ArrayConfig,
    config_hash: u32,
    build_hash: u32,
    libraries: &Path,
) -> Result<Vec<(String, String)>, PathBuf> {
    let guide = spikegate_hdl::sources::GUIDE;
    let mut files = vec![
        ("Cargo.toml".to_owned(), manifest(libraries)?),
        ("README.md".to_owned(), include_str!("readme.md.in").to_owned()),
        ("doc/accelerator.md".to_owned(), guide.to_owned()),
        ("src/design.rs".to_owned(), design(array, config_hash, build_hash)),
        ("src/lib.rs".to_owned(), include_str!("lib.rs.in").to_owned()),
        ("src/main.rs".to_owned(), include_str!("main.rs.in").to_owned()),
    ];
    let modules = spikegate_hdl::sources::sources().iter();
    files.extend(modules.map(|(path, text)| (format!("src/{path}"), (*text).to_owned())));
    Ok(files)
}

fn manifest(libraries: &Path) -> Result<String, PathBuf> {
    let quoted = |path: PathBuf| match path.to_str() {
        Some(text) => Ok(toml::Value::from(text).to_string()),
        None => Err(path.clone()),
    };
    Ok(include_str!("cargo.toml.in")
        .replace("@HDL@", &quoted(libraries.join("hdl"))?)
        .replace("@CONTRACT@", &quoted(libraries.join("hdl/contract"))?))
}

fn design(array: &ArrayConfig, config_hash: u32, build_hash: u32) -> String {
    let ArrayConfig {
        lanes,
        pixels,
        ci,
        co,
        post,
        sum_bits,
        code_depth,
        spike_depth,
        stream_depth,
        weight_depth,
        param_depth,
        instr_depth,
        class_depth,
        memory_bits,
        skip_groups,
        presence_depth,
        batch,
        spill_depth,
        moves,
        parity,
        packed,
        neurons,
    } = array;
    let top = spikegate_hdl::TOP;
    format!(
        r#"//! What was chosen for this design.

use spikegate_contract::array::ArrayConfig;

/// Name of the top module.
pub const TOP: &str = "{top}";

/// Register `config_hash`: hash of [`array`].
pub const CONFIG_HASH: u32 = 0x{config_hash:08x};

/// Register `build_hash`: hash of the Verilog. Changed hardware needs another number.
pub const BUILD_HASH: u32 = 0x{build_hash:08x};

/// Sizes and memory depths; the depths are powers of two.
pub fn array() -> ArrayConfig {{
    ArrayConfig {{
        lanes: {lanes},
        pixels: {pixels},
        ci: {ci},
        co: {co},
        post: {post},
        sum_bits: {sum_bits},
        code_depth: {code_depth},
        spike_depth: {spike_depth},
        stream_depth: {stream_depth},
        weight_depth: {weight_depth},
        param_depth: {param_depth},
        instr_depth: {instr_depth},
        class_depth: {class_depth},
        memory_bits: {memory_bits},
        skip_groups: {skip_groups},
        presence_depth: {presence_depth},
        batch: {batch},
        spill_depth: {spill_depth},
        moves: {moves},
        parity: {parity},
        packed: {packed},
        neurons: {neurons},
    }}
}}
"#
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_the_libraries_and_the_sizes() {
        let array = ArrayConfig::new(4, 1, 16, 8).unwrap();
        let files = files(&array, 0x12, 0xffff_0001, Path::new("/a \"b\"")).unwrap();
        let text = |name: &str| &files.iter().find(|(n, _)| n == name).unwrap().1;
        let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
        let dependencies = manifest["dependencies"].as_table().unwrap();
        assert_eq!(dependencies["spikegate-hdl"]["path"].as_str(), Some("/a \"b\"/hdl"));
        assert_eq!(dependencies["spikegate-contract"]["path"].as_str(), Some("/a \"b\"/hdl/contract"));
        let design = text("src/design.rs");
        for line in ["ci: 16,", "co: 8,", "CONFIG_HASH: u32 = 0x00000012;", "BUILD_HASH: u32 = 0xffff0001;"] {
            assert!(design.contains(line), "{line}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn refuses_a_path_that_no_manifest_can_name() {
        use std::os::unix::ffi::OsStrExt;
        let array = ArrayConfig::new(1, 1, 1, 1).unwrap();
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"/a\xff"));
        assert!(files(&array, 0, 0, odd).unwrap_err().starts_with(odd));
    }
}
