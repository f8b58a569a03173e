//! Whatever happens to the files of a queue, every record whose bytes are untouched is delivered, once and in order.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bugle_protocol::body::Encoding;
use bugle_protocol::{KeyId, ProjectId, UnixMillis};
use bugle_store::queue::{Entry, Limits, Queue, QueuedRequest, RequestHead, RequestKind};
use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;

const RECORDS: u64 = 400;
const SEGMENT_HEADER: usize = 16;
const RECORD_HEADER: usize = 20;

fn limits() -> Limits {
    Limits {
        segment_bytes: 8192,
        ..Limits::default()
    }
}

fn entry(n: u64) -> Entry {
    let head = RequestHead {
        project_id: ProjectId(1),
        key_id: KeyId(1),
        received_at: UnixMillis(1),
        kind: RequestKind::Envelope,
        encoding: Encoding::Identity,
        event_id: None,
        client_ip: None,
        client: None,
        user_agent: None,
        charges: Vec::new(),
        limited: Vec::new(),
        is_retry: false,
    };
    let body = format!("{n}:").repeat(usize::try_from(n % 60).unwrap());
    let body = Bytes::from(body);
    Entry::Request(QueuedRequest { head, body })
}

/// A queue of some hundred records that was closed.
struct Template {
    id: Vec<u8>,
    files: BTreeMap<String, Vec<u8>>,
    /// File and bytes of each record by its position.
    records: BTreeMap<u64, (String, Range<usize>)>,
}

fn template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let queue = Queue::open(folder.path(), limits(), 0).unwrap();
        runtime.block_on(async {
            for n in 1..=RECORDS {
                assert_eq!(queue.push(&entry(n)).await.unwrap(), n);
            }
        });
        queue.close();
        let files = segments(folder.path());
        let records = files
            .iter()
            .flat_map(|(name, bytes)| records_of(name, bytes))
            .collect();
        assert!(files.len() > 5, "there is something to delete");
        let id = fs::read(folder.path().join("id")).unwrap();
        Template { id, files, records }
    })
}

fn segments(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .collect()
}

fn records_of(name: &str, bytes: &[u8]) -> Vec<(u64, (String, Range<usize>))> {
    let mut records = Vec::new();
    let mut at = SEGMENT_HEADER;
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let position = u64::from_le_bytes(bytes[at + 4..at + 12].try_into().unwrap());
        let end = at + RECORD_HEADER + usize::try_from(length).unwrap();
        records.push((position, (name.to_owned(), at..end)));
        at = end;
    }
    records
}

/// Something that happens to a file.
#[derive(Clone, Debug)]
enum Harm {
    Flip {
        file: Index,
        place: Index,
        bit: u8,
    },
    FlipInHeaders {
        file: Index,
        record: Index,
        place: Index,
        bit: u8,
    },
    Zero {
        file: Index,
        place: Index,
        length: usize,
    },
    Cut {
        file: Index,
        place: Index,
    },
    Delete {
        file: Index,
    },
}

fn harm() -> impl Strategy<Value = Harm> {
    let any_index = any::<Index>;
    prop_oneof![
        4 => (any_index(), any_index(), 0..8_u8)
            .prop_map(|(file, place, bit)| Harm::Flip { file, place, bit }),
        4 => (any_index(), any_index(), any_index(), 0..8_u8)
            .prop_map(|(file, record, place, bit)| Harm::FlipInHeaders { file, record, place, bit }),
        2 => (any_index(), any_index(), 1..5000_usize)
            .prop_map(|(file, place, length)| Harm::Zero { file, place, length }),
        1 => (any_index(), any_index()).prop_map(|(file, place)| Harm::Cut { file, place }),
        1 => any_index().prop_map(|file| Harm::Delete { file }),
    ]
}

impl Harm {
    fn happen(&self, files: &mut BTreeMap<String, Vec<u8>>) {
        let (Self::Flip { file, .. }
        | Self::FlipInHeaders { file, .. }
        | Self::Zero { file, .. }
        | Self::Cut { file, .. }
        | Self::Delete { file }) = self;
        if files.is_empty() {
            return;
        }
        let name = files.keys().nth(file.index(files.len())).unwrap().clone();
        let bytes = files.get_mut(&name).unwrap();
        let length = bytes.len();
        match self {
            _ if length == 0 => {}
            Self::Flip { place, bit, .. } => bytes[place.index(length)] ^= 1 << bit,
            Self::FlipInHeaders {
                record, place, bit, ..
            } => {
                let template = template();
                let starts: Vec<_> = template
                    .records
                    .values()
                    .filter(|(file, range)| *file == name && range.end <= length)
                    .map(|(_, range)| range.start)
                    .collect();
                if !starts.is_empty() {
                    let start = starts[record.index(starts.len())];
                    bytes[start + place.index(RECORD_HEADER)] ^= 1 << bit;
                }
            }
            Self::Zero {
                place,
                length: zeros,
                ..
            } => {
                let start = place.index(length);
                bytes[start..(start + zeros).min(length)].fill(0);
            }
            Self::Cut { place, .. } => bytes.truncate(place.index(length)),
            Self::Delete { .. } => {
                files.remove(&name);
            }
        }
    }
}

fn lay_out(folder: &Path, files: &BTreeMap<String, Vec<u8>>) {
    fs::write(folder.join("id"), &template().id).unwrap();
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

fn read_all(queue: &Queue, processed: u64) -> Vec<(u64, Entry)> {
    let mut reader = queue.reader(processed);
    let mut all = Vec::new();
    loop {
        let deliveries = reader.read(50, 4000).unwrap();
        if deliveries.is_empty() {
            return all;
        }
        let read = deliveries.into_iter();
        all.extend(read.map(|d| (d.position, Entry::from_bytes(&d.data).unwrap())));
    }
}

fn damaged_files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    paths
        .filter(|path| path.to_string_lossy().ends_with(".damaged"))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn untouched_records_are_delivered_once_and_in_order(
        harms in prop::collection::vec(harm(), 1..12),
        processed in prop_oneof![Just(0), 0..=RECORDS],
    ) {
        let template = template();
        let mut files = template.files.clone();
        for harm in &harms {
            harm.happen(&mut files);
        }
        let is_untouched = |(name, range): &(String, Range<usize>)| {
            files
                .get(name)
                .and_then(|bytes| bytes.get(range.clone()))
                .is_some_and(|bytes| bytes == &template.files[name][range.clone()])
        };
        let expected: Vec<(u64, Entry)> = template
            .records
            .iter()
            .filter(|(position, place)| **position > processed && is_untouched(place))
            .map(|(position, _)| (*position, entry(*position)))
            .collect();

        let folder = tempfile::tempdir().unwrap();
        lay_out(folder.path(), &files);
        let queue = Queue::open(folder.path(), limits(), processed).unwrap();
        prop_assert_eq!(&read_all(&queue, processed), &expected);
        let has_gap = expected.windows(2).any(|pair| pair[0].0 + 1 < pair[1].0);
        prop_assert!(!has_gap || queue.damage().stretches > 0, "what is missing is counted");
        prop_assert_eq!(&read_all(&queue, processed), &expected, "a second reader sees the same");

        // The queue goes on, and a restart does not change what it holds.
        let last = expected.last().map_or(processed, |(position, _)| *position);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let pushed = runtime.block_on(queue.push(&entry(7))).unwrap();
        prop_assert!(pushed > last);
        queue.close();
        drop(queue);
        let queue = Queue::open(folder.path(), limits(), processed).unwrap();
        let mut longer = expected;
        longer.push((pushed, entry(7)));
        prop_assert_eq!(&read_all(&queue, processed), &longer);

        // What is processed leaves the folder, or is set aside if a part of it could not be read.
        queue.acknowledge(pushed);
        prop_assert!(segments(folder.path()).len() <= 2);
        prop_assert_eq!(queue.stats().unwrap().waiting_records, 0);
        let held_damage = files.iter().any(|(name, bytes)| *bytes != template.files[name]);
        prop_assert!(held_damage || damaged_files(folder.path()).is_empty());
    }
}
