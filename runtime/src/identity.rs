//! What a core says it is, and whether it suits a design.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::csr::{offset, INTERFACE_VERSION, MAGIC};
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use thiserror::Error;

use crate::device::{Device, DeviceError};

/// The identity registers of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `magic`.
    pub magic: u32,
    /// `version` of packets, instructions and registers.
    pub version: u32,
    /// Lanes, pixels, CI, CO.
    pub array: [u8; 4],
    /// Post lanes.
    pub post: u8,
    /// `config_hash`.
    pub config_hash: u32,
    /// `build_hash`: for reports only, one core serves many networks.
    pub build_hash: u32,
}

/// A core that cannot run a design.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Mismatch {
    /// Not a SpikeGate core.
    #[error("{device}: register magic is {got:#010x}, expected {MAGIC:#010x}")]
    Magic {
        /// The device.
        device: String,
        /// Value read.
        got: u32,
    },
    /// Another interface.
    #[error("{device}: interface version is {got}, the design expects {expected}")]
    Version {
        /// The device.
        device: String,
        /// Version of the core.
        got: u32,
        /// Version of the design.
        expected: u32,
    },
    /// The design was made by another version of the compiler.
    #[error("manifest.json: interface version is {got}, this program speaks {INTERFACE_VERSION}")]
    Manifest {
        /// Version of the design.
        got: u32,
    },
    /// Another array or other memory depths.
    #[error(
        "{device}: configuration hash is {got:#010x} (array {got_array}), the design expects {expected:#010x} (array \
         {expected_array})"
    )]
    Config {
        /// The device.
        device: String,
        /// Hash of the core.
        got: u32,
        /// Hash of the design.
        expected: u32,
        /// Sizes of the core.
        got_array: String,
        /// Sizes of the design.
        expected_array: String,
    },
}

fn magic_help(got: u32) -> &'static str {
    match got {
        u32::MAX => "all ones: the device is gone or was never there",
        0 => "all zeros: the core is held in reset or is not loaded",
        _ => "this is not a SpikeGate core",
    }
}

impl Identity {
    /// Reads the identity registers.
    ///
    /// # Errors
    /// A register does not answer.
    pub fn read(device: &mut impl Device) -> Result<Self, DeviceError> {
        Ok(Self {
            magic: device.read_csr(offset("magic"))?,
            version: device.read_csr(offset("version"))?,
            array: device.read_csr(offset("array"))?.to_le_bytes(),
            post: device.read_csr(offset("post"))? as u8,
            config_hash: device.read_csr(offset("config_hash"))?,
            build_hash: device.read_csr(offset("build_hash"))?,
        })
    }

    /// Checks magic, interface version and configuration against a design; `device` names the core.
    ///
    /// # Errors
    /// The first difference.
    pub fn check(
        &self,
        device: &str,
        interface_version: u32,
        array: &ArrayConfig,
        config_hash: u32,
    ) -> Result<(), Mismatch> {
        let device = device.to_owned();
        if self.magic != MAGIC {
            return Err(Mismatch::Magic { device, got: self.magic });
        }
        if interface_version != INTERFACE_VERSION {
            return Err(Mismatch::Manifest { got: interface_version });
        }
        if self.version != interface_version {
            return Err(Mismatch::Version { device, got: self.version, expected: interface_version });
        }
        if self.config_hash != config_hash {
            let [l, px, ci, co] = self.array;
            let size = |[l, px, ci, co]: [usize; 4], post: usize| format!("{l},{px},{ci},{co} post {post}");
            return Err(Mismatch::Config {
                device,
                got: self.config_hash,
                expected: config_hash,
                got_array: size([l, px, ci, co].map(usize::from), self.post.into()),
                expected_array: size([array.lanes, array.pixels, array.ci, array.co], array.post),
            });
        }
        Ok(())
    }
}

impl Failure for Mismatch {
    fn kind(&self) -> Kind {
        match self {
            Self::Manifest { .. } => Kind::Input,
            _ => Kind::Missing,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Magic { got, .. } => Some(magic_help(*got).into()),
            Self::Version { .. } => Some(
                "compile the model again with this program, and build the hardware from the result".into(),
            ),
            Self::Manifest { .. } => Some("compile the model again".into()),
            Self::Config { .. } => Some(
                "load the hardware that was built from this design, or compile the model for this hardware"
                    .into(),
            ),
        }
    }
}
