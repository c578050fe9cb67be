//! Archives, compressed files and files of other programs, none of which is read: what each is, and what to do.

/// What tar archives are called.
const TARS: [&str; 10] =
    [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst", ".tar.lz4"];
/// And other archives.
const OTHERS: [&str; 3] = [".zip", ".7z", ".rar"];

const UNPACK: &str = "unpack it and give the folder that comes out";
const GZIP: &str = "unpack it: of the compressed files those of gzip are read as they are";
const MATLAB: (&str, &str) =
    ("a MATLAB file", "load it in Python with scipy.io.loadmat and save its arrays with np.savez");

/// First bytes, what they begin, what to do.
const MAGIC: [(&[u8], &str, &str); 7] = [
    (b"BZh", "a file compressed with bzip2", GZIP),
    (b"\xfd7zXZ\0", "a file compressed with xz", GZIP),
    (b"\x28\xb5\x2f\xfd", "a file compressed with zstd", GZIP),
    (b"\x04\x22\x4d\x18", "a file compressed with lz4", GZIP),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"Rar!", "a RAR archive", UNPACK),
    (b"MATLAB ", MATLAB.0, MATLAB.1),
];

/// What a file is and what to do, by its lower-case name and its first bytes.
pub(super) fn of(name: &str, head: &[u8]) -> Option<(&'static str, &'static str)> {
    if TARS.iter().any(|end| name.ends_with(end)) {
        return Some(("a tar archive", "unpack it with `tar xf` and give the folder that comes out"));
    }
    let known = MAGIC.iter().find(|(start, ..)| head.starts_with(start));
    // Older files of MATLAB begin with numbers.
    known.map(|&(_, what, todo)| (what, todo)).or_else(|| name.ends_with(".mat").then_some(MATLAB))
}

/// Whether a name is that of an archive.
pub(super) fn is_name(name: &str) -> bool {
    TARS.iter().chain(&OTHERS).any(|end| name.to_lowercase().ends_with(end))
}
