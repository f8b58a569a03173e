//! What real clients sent: the inputs that everything starts from.

use std::fs;
use std::path::Path;

/// The captured requests, of the sizes that are worth changing a million times.
#[derive(Clone, Debug, Default)]
pub struct Captures {
    /// Bodies of `/envelope/`, decompressed.
    pub envelopes: Vec<Vec<u8>>,
    /// Bodies of `/store/`, as far as `Content-Encoding` says how to decompress them.
    pub stores: Vec<Vec<u8>>,
    /// Bodies as they were on the wire.
    pub raw: Vec<Vec<u8>>,
}

/// The few larger ones would take most of the time and show nothing new.
const MAX_BYTES: u64 = 40 * 1024;

impl Captures {
    /// Reads the captures of this repository. They are in a fixed order, so that a mutation can be found again.
    ///
    /// # Panics
    /// If there are none: everything built on them would pass for nothing.
    #[must_use]
    pub fn read() -> Self {
        let mut captures = Self::default();
        captures.read_folder(Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../testdata/captures"
        )));
        assert!(
            !captures.envelopes.is_empty() && !captures.stores.is_empty(),
            "no captures in testdata"
        );
        captures
    }

    fn read_folder(&mut self, folder: &Path) {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                self.read_folder(&path);
                continue;
            }
            let list = match path.extension().and_then(|extension| extension.to_str()) {
                Some("envelope") => &mut self.envelopes,
                Some("store") => &mut self.stores,
                Some("raw") => &mut self.raw,
                _ => continue,
            };
            if fs::metadata(&path).is_ok_and(|file| file.len() <= MAX_BYTES) {
                list.extend(fs::read(&path));
            }
        }
    }
}
