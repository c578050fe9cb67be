//! A folder for programs that this user has built, from which they may be loaded again.
//!
//! What lies in it is executed, so it must be this user's alone, and it is never a folder that came with a design. Every
//! file carries its SHA-256 and is checked whenever it is read: one that was cut or damaged counts as absent, and is
//! built again.

use spikegate_contract::abandon::{self, Guard};
use spikegate_contract::bundle::read;
use spikegate_contract::failure::{Failure, Kind};
use spikegate_contract::link;
use std::borrow::Cow;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{env, ffi::OsStr};
use tempfile::TempDir;
use thiserror::Error;

/// Most bytes of a file in the cache.
const MOST: u64 = 1 << 30;
/// Length of a hash in front of a file's content.
const HASH: usize = 64;

/// A cache that is not used.
#[derive(Debug, Error)]
pub enum CacheError {
    /// The file system said no.
    #[error("cannot write {} (simulation cache): {source}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// Something else is there.
    #[error("{} (simulation cache) is not a folder", path.display())]
    NotAFolder {
        /// What is there.
        path: PathBuf,
    },
    /// Another user's.
    #[error(
        "{} (simulation cache) belongs to user {owner}, expected {user}: what lies there would be executed",
        path.display()
    )]
    Owner {
        /// Folder.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// This user.
        user: u32,
    },
    /// Others can write to it.
    #[error(
        "{} (simulation cache) has mode {mode:03o}, expected 700: others may have put programs there", path.display()
    )]
    Shared {
        /// Folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

/// A folder that is this user's alone.
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    /// Without a home there is a folder for this cache only, which goes with it.
    _temporary: Option<(Guard, TempDir)>,
}

impl Cache {
    /// The cache in `folder`, else in `$XDG_CACHE_HOME/spikegate`, else in `$HOME/.cache/spikegate`. Where neither variable
    /// holds an absolute path it is a new folder, gone when the cache is dropped.
    ///
    /// # Errors
    /// See [`CacheError`].
    pub fn open(folder: Option<&Path>) -> Result<Self, CacheError> {
        let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
        let path = folder
            .map(Path::to_owned)
            .or_else(|| absolute("XDG_CACHE_HOME").map(|p| p.join("spikegate")))
            .or_else(|| absolute("HOME").map(|p| p.join(".cache/spikegate")));
        let Some(path) = path else {
            let io = |source| CacheError::Io { path: env::temp_dir(), source };
            let temporary = tempfile::Builder::new().prefix("spikegate-").tempdir().map_err(io)?;
            tracing::warn!(
                "neither XDG_CACHE_HOME nor HOME is an absolute path: simulations are built anew every time"
            );
            let path = temporary.path().to_owned();
            return Ok(Self { _temporary: Some((abandon::folder(path.clone()), temporary)), path });
        };
        let io = |source| CacheError::Io { path: path.clone(), source };
        // An existing one stays as it is.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(|e| io(link::explained(&path, e)))?;
        let about = fs::metadata(&path).map_err(io)?;
        let (owner, user, mode) = (about.uid(), rustix::process::geteuid().as_raw(), about.mode() & 0o777);
        if !about.is_dir() {
            return Err(CacheError::NotAFolder { path });
        }
        if owner != user {
            return Err(CacheError::Owner { path, owner, user });
        }
        if mode & 0o022 != 0 {
            return Err(CacheError::Shared { path, mode });
        }
        if mode != 0o700 {
            fs::set_permissions(&path, Permissions::from_mode(0o700)).map_err(io)?;
        }
        Ok(Self { path, _temporary: None })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A new folder in the cache for building; its name is unique and it goes away with its owner, so builds of other
    /// processes do not meet.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub fn work(&self) -> Result<TempDir, CacheError> {
        let io = |source| CacheError::Io { path: self.path.clone(), source };
        tempfile::Builder::new().prefix(".build-").tempdir_in(&self.path).map_err(io)
    }

    /// The content that [`Cache::put`] has written under a name; none where there is nothing, or something damaged.
    pub fn get(&self, name: impl AsRef<OsStr>) -> Option<Vec<u8>> {
        let mut bytes = read::bounded(&self.path.join(name.as_ref()), MOST).ok()?;
        let content = bytes.split_off(HASH.min(bytes.len()));
        (spikegate_contract::bundle::sha256(&content).as_bytes() == bytes).then_some(content)
    }

    /// Keeps content under a name: it appears complete or not at all.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub fn put(&self, name: impl AsRef<OsStr>, content: &[u8]) -> Result<(), CacheError> {
        let path = self.path.join(name.as_ref());
        let io = |source| CacheError::Io { path: path.clone(), source };
        let mut file = tempfile::Builder::new().prefix(".put-").tempfile_in(&self.path).map_err(io)?;
        file.write_all(spikegate_contract::bundle::sha256(content).as_bytes()).map_err(io)?;
        file.write_all(content).map_err(io)?;
        file.persist(&path).map_err(|e| io(e.error))?;
        Ok(())
    }

    /// Content as a file that nobody else has the name of, to be loaded; it goes when this is dropped, what is loaded from
    /// it stays.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub fn unpack(&self, content: &[u8]) -> Result<tempfile::NamedTempFile<File>, CacheError> {
        let io = |source| CacheError::Io { path: self.path.clone(), source };
        let mut file =
            tempfile::Builder::new().prefix(".load-").suffix(".so").tempfile_in(&self.path).map_err(io)?;
        file.write_all(content).map_err(io)?;
        Ok(file)
    }
}

impl Failure for CacheError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Io { .. } => Some("set XDG_CACHE_HOME to a folder that can be written".into()),
            Self::NotAFolder { .. } => Some("set XDG_CACHE_HOME to another folder".into()),
            Self::Owner { .. } => Some("set XDG_CACHE_HOME to a folder of your own".into()),
            Self::Shared { .. } => Some("delete the folder, it is made again".into()),
        }
    }
}
