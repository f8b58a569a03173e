//! The queue on a real disk: what a push acknowledged comes back, in order, whatever happened in between.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use bugle_protocol::body::Encoding;
use bugle_protocol::{Charge, DataCategory, KeyId, ProjectId, UnixMillis};
use bugle_store::queue::{
    Aside, AsideState, Entry, Limits, PushError, Queue, QueuedRequest, RequestHead, RequestKind,
    Tally,
};
use bytes::Bytes;

fn request(n: usize) -> Entry {
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
    Entry::Request(QueuedRequest {
        head,
        body: Bytes::from(format!("{n}:{}", "x".repeat(n % 500))),
    })
}

/// Bytes of a segment without records.
const EMPTY: u64 = 16;

fn small_segments() -> Limits {
    Limits {
        segment_bytes: 4096,
        ..Limits::default()
    }
}

/// All requests behind `processed`, with their positions.
fn read_all(queue: &Queue, processed: u64) -> Vec<(u64, Entry)> {
    let mut reader = queue.reader(processed);
    let mut all = Vec::new();
    loop {
        let deliveries = reader.read(7, 2000).unwrap();
        if deliveries.is_empty() {
            return all;
        }
        all.extend(
            deliveries
                .into_iter()
                .map(|d| (d.position, Entry::from_bytes(&d.data).unwrap())),
        );
    }
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut segments: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|e| e == "log"))
        .collect();
    segments.sort();
    segments
}

async fn fill(queue: &Queue, numbers: std::ops::Range<usize>) {
    for n in numbers {
        queue.push(&request(n)).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_pushed_comes_back_in_order_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), small_segments(), 0).unwrap();
    fill(&queue, 0..200).await;
    let expected: Vec<_> = (0..200).map(|n| (n as u64 + 1, request(n))).collect();
    assert_eq!(read_all(&queue, 0), expected);
    assert_eq!(read_all(&queue, 150), expected[150..]);
    assert!(segments(folder.path()).len() > 5);
    let id = queue.id().to_owned();
    queue.close();
    drop(queue);

    let queue = Queue::open(folder.path(), small_segments(), 0).unwrap();
    assert_eq!(queue.id(), id);
    assert_eq!(read_all(&queue, 0), expected);
    assert_eq!(queue.push(&request(200)).await.unwrap(), 201);
}

#[tokio::test]
async fn concurrent_pushes_share_a_sync_and_all_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), Limits::default(), 0).unwrap();
    let mut pushes = tokio::task::JoinSet::new();
    for n in 0..500 {
        let queue = queue.clone();
        pushes.spawn(async move { queue.push(&request(n)).await.unwrap() });
    }
    let mut positions = pushes.join_all().await;
    positions.sort_unstable();
    assert_eq!(positions, (1..=500).collect::<Vec<_>>());
    assert_eq!(read_all(&queue, 0).len(), 500);
}

#[tokio::test]
async fn a_reader_follows_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), small_segments(), 0).unwrap();
    let mut reader = queue.reader(0);
    for n in 0..100 {
        queue.push(&request(n)).await.unwrap();
        assert!(reader.wait().await);
        let deliveries = reader.read(10, 1 << 20).unwrap();
        assert_eq!(deliveries.len(), 1);
        assert_eq!(deliveries[0].position, n as u64 + 1);
    }
    assert!(reader.read(10, 1 << 20).unwrap().is_empty());
}

#[tokio::test]
async fn what_is_processed_leaves_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), small_segments(), 0).unwrap();
    fill(&queue, 0..100).await;
    let before = segments(folder.path()).len();
    queue.acknowledge(50);
    assert!(segments(folder.path()).len() < before);
    queue.acknowledge(100);
    // The last segment is replaced by an empty one after a moment of quiet.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while fs::metadata(&segments(folder.path())[0]).map_or(true, |file| file.len() > EMPTY) {
        assert!(
            std::time::Instant::now() < deadline,
            "the processed segment is still there"
        );
        tokio::task::yield_now().await;
    }
    assert_eq!(queue.push(&request(1)).await.unwrap(), 101);
    queue.close();
    drop(queue);
    let queue = Queue::open(folder.path(), small_segments(), 101).unwrap();
    assert_eq!(
        queue.push(&request(2)).await.unwrap(),
        102,
        "positions go on where the database stands"
    );
}

#[tokio::test]
async fn positions_go_on_even_if_the_folder_was_emptied() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), Limits::default(), 41).unwrap();
    assert_eq!(queue.push(&request(1)).await.unwrap(), 42);
    assert_eq!(read_all(&queue, 41).len(), 1);
}

#[tokio::test]
async fn a_torn_tail_is_cut() {
    for garbage in [
        &b"\x05"[..],
        &[0; 16],
        &[0xff; 40],
        b"\x04\0\0\0\x01\x02\x03\x04\x09\0\0\0\0\0\0\0ab",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::open(folder.path(), Limits::default(), 0).unwrap();
        fill(&queue, 0..10).await;
        queue.close();
        drop(queue);
        let newest = segments(folder.path()).pop().unwrap();
        OpenOptions::new()
            .append(true)
            .open(&newest)
            .unwrap()
            .write_all(garbage)
            .unwrap();

        let queue = Queue::open(folder.path(), Limits::default(), 0).unwrap();
        assert_eq!(queue.push(&request(10)).await.unwrap(), 11);
        let numbers: Vec<_> = read_all(&queue, 0)
            .into_iter()
            .map(|(position, _)| position)
            .collect();
        assert_eq!(numbers, (1..=11).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_flipped_bit_costs_one_request() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), Limits::default(), 0).unwrap();
    fill(&queue, 0..10).await;
    queue.close();
    drop(queue);
    let path = segments(folder.path()).pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let place = bytes
        .windows(3)
        .position(|window| window == b"4:x")
        .unwrap();
    bytes[place] ^= 1;
    fs::write(&path, bytes).unwrap();
    let queue = Queue::open(folder.path(), Limits::default(), 0).unwrap();
    let numbers: Vec<_> = read_all(&queue, 0)
        .into_iter()
        .map(|(position, _)| position)
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4, 6, 7, 8, 9, 10]);
    assert_eq!(queue.damage().stretches, 1);
    read_all(&queue, 0);
    assert_eq!(queue.damage().stretches, 1, "it is counted once");
    queue.acknowledge(10);
    assert!(
        path.with_extension("damaged").exists() && !path.exists(),
        "a person can look at it"
    );
}

#[tokio::test]
async fn a_foreign_file_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("00000000000000000005.log"),
        "not a segment",
    )
    .unwrap();
    let queue = Queue::open(folder.path(), Limits::default(), 0).unwrap();
    assert_eq!(queue.push(&request(1)).await.unwrap(), 5);
    assert_eq!(read_all(&queue, 0).len(), 1);
    let aside = folder.path().join("00000000000000000005.damaged");
    assert_eq!(fs::read_to_string(aside).unwrap(), "not a segment");
}

#[tokio::test]
async fn a_segment_of_the_format_before_is_refused_unless_it_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("00000000000000000005.log");
    let (position, data) = (5_u64.to_le_bytes(), b"some record");
    let checksum = crc32fast::hash(&[&position[..], data].concat());
    let mut segment = b"BUGLEQ1\n".to_vec();
    segment.extend(11_u32.to_le_bytes());
    segment.extend(checksum.to_le_bytes());
    segment.extend(position);
    segment.extend(data);
    fs::write(&old, &segment).unwrap();
    let error = Queue::open(folder.path(), Limits::default(), 0).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(error.to_string().contains(old.to_str().unwrap()), "{error}");
    assert!(source.contains("previous version"), "{source}");
    assert!(old.exists());

    // What only begins so is damage like any other.
    let damaged = folder.path().join("damaged");
    fs::create_dir(&damaged).unwrap();
    segment[30] ^= 1;
    fs::write(damaged.join("00000000000000000005.log"), &segment).unwrap();
    let queue = Queue::open(&damaged, Limits::default(), 0).unwrap();
    assert_eq!(queue.damage().stretches, 1);

    fs::write(&old, "BUGLEQ1\n").unwrap();
    let queue = Queue::open(folder.path(), Limits::default(), 4).unwrap();
    fill(&queue, 0..3).await;
    assert_eq!(queue.damage().stretches, 0);
    assert_eq!(read_all(&queue, 4).len(), 3);
}

#[tokio::test]
async fn a_full_queue_refuses_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        segment_bytes: 2048,
        max_backlog_bytes: 10_000,
        ..Limits::default()
    };
    let queue = Queue::open(folder.path(), limits, 0).unwrap();
    let mut accepted = 0;
    let refused = loop {
        match queue.push(&request(400)).await {
            Ok(position) => accepted = position,
            Err(error) => break error,
        }
    };
    assert!(matches!(
        refused,
        PushError::Full {
            limit_bytes: 10_000
        }
    ));
    assert_eq!(read_all(&queue, 0).len() as u64, accepted);
    queue.acknowledge(accepted);
    assert_eq!(queue.push(&request(1)).await.unwrap(), accepted + 1);
}

#[tokio::test]
async fn two_processes_cannot_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let _queue = Queue::open(folder.path(), Limits::default(), 0).unwrap();
    let error = Queue::open(folder.path(), Limits::default(), 0).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "another bugle uses this data folder");
}

#[tokio::test]
async fn a_poisoned_request_is_kept_aside() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), Limits::default(), 0).unwrap();
    fill(&queue, 0..1).await;
    let delivery = queue.reader(0).read(1, 1).unwrap().remove(0);
    queue.set_aside(&delivery).unwrap();
    let kept = fs::read(folder.path().join("poisoned/00000000000000000001.request")).unwrap();
    assert_eq!(Entry::from_bytes(&kept.into()), Some(request(0)));
    // The same again is the same file; another part of the request gets its own.
    queue.set_aside_entry(1, &request(0)).unwrap();
    queue.set_aside_entry(1, &request(7)).unwrap();
    let mut names: Vec<_> = fs::read_dir(folder.path().join("poisoned"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "00000000000000000001-2.request",
            "00000000000000000001.request"
        ]
    );
}

#[tokio::test]
async fn a_reader_gives_up_what_is_no_longer_there() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), small_segments(), 0).unwrap();
    fill(&queue, 0..100).await;
    queue.acknowledge(90);
    // A database that was restored from a backup asks for the beginning.
    let mut reader = queue.reader(0);
    let mut positions = Vec::new();
    loop {
        let deliveries = reader.read(1000, 1 << 20).unwrap();
        if deliveries.is_empty() {
            break;
        }
        positions.extend(deliveries.into_iter().map(|d| d.position));
    }
    assert_eq!(positions.last(), Some(&100));
    queue.close();
    drop((queue, reader));
    for segment in segments(folder.path()) {
        fs::remove_file(segment).unwrap();
    }
    let queue = Queue::open(folder.path(), small_segments(), 100).unwrap();
    let mut reader = queue.reader(0);
    assert!(reader.read(10, 1000).unwrap().is_empty());
    tokio::select! {
        biased;
        _ = reader.wait() => panic!("there is nothing to wait for"),
        () = async {} => {}
    }
    assert_eq!(queue.push(&request(1)).await.unwrap(), 101);
    assert_eq!(reader.read(10, 1000).unwrap().len(), 1);
}

#[tokio::test]
async fn an_empty_segment_hides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), Limits::default(), 0).unwrap();
    fill(&queue, 0..10).await;
    queue.close();
    drop(queue);
    // What a full disk and a crash may leave behind.
    fs::write(folder.path().join("00000000000000000005.log"), "").unwrap();
    fs::write(folder.path().join("00000000000000000006.unfinished"), "BUG").unwrap();
    let queue = Queue::open(folder.path(), Limits::default(), 4).unwrap();
    let numbers: Vec<_> = read_all(&queue, 4)
        .into_iter()
        .map(|(position, _)| position)
        .collect();
    assert_eq!(numbers, (5..=10).collect::<Vec<_>>());
    assert_eq!(queue.push(&request(10)).await.unwrap(), 11);
    assert_eq!(queue.damage().stretches, 1);
}

#[tokio::test]
async fn records_in_a_spare_whose_new_name_was_lost_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), small_segments(), 0).unwrap();
    fill(&queue, 0..100).await;
    queue.close();
    drop(queue);
    let newest = segments(folder.path()).pop().unwrap();
    fs::rename(&newest, folder.path().join("next.spare")).unwrap();
    let queue = Queue::open(folder.path(), small_segments(), 0).unwrap();
    assert_eq!(read_all(&queue, 0).len(), 100);
    assert_eq!(queue.push(&request(1)).await.unwrap(), 101);
}

#[tokio::test]
async fn a_queue_without_its_id_is_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), small_segments(), 0).unwrap();
    fill(&queue, 0..100).await;
    let id = queue.id().to_owned();
    queue.close();
    drop(queue);
    fs::remove_file(folder.path().join("id")).unwrap();
    let queue = Queue::open(folder.path(), small_segments(), 0).unwrap();
    assert_ne!(queue.id(), id);
    assert_eq!(read_all(&queue, 0).len(), 100);
}

#[tokio::test]
async fn a_missing_segment_costs_what_was_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), small_segments(), 0).unwrap();
    fill(&queue, 0..300).await;
    queue.close();
    drop(queue);
    let files = segments(folder.path());
    let first = |n: usize| -> u64 {
        let name = files[n].file_stem().unwrap().to_str().unwrap();
        name.parse().unwrap()
    };
    fs::remove_file(&files[2]).unwrap();
    let queue = Queue::open(folder.path(), small_segments(), 0).unwrap();
    let numbers: Vec<_> = read_all(&queue, 0).into_iter().map(|(p, _)| p).collect();
    let expected: Vec<_> = (1..first(2)).chain(first(3)..=300).collect();
    assert_eq!(numbers, expected);
    assert_eq!(queue.damage().stretches, 1);
    // The same while it runs.
    fs::remove_file(&files[4]).unwrap();
    let numbers: Vec<_> = read_all(&queue, 0).into_iter().map(|(p, _)| p).collect();
    let expected: Vec<_> = (1..first(2))
        .chain(first(3)..first(4))
        .chain(first(5)..=300)
        .collect();
    assert_eq!(numbers, expected);
    assert_eq!(queue.damage().stretches, 2);
}

#[tokio::test]
async fn a_low_disk_refuses_before_it_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        min_free_bytes: u64::MAX / 2,
        ..Limits::default()
    };
    let queue = Queue::open(folder.path(), limits, 0).unwrap();
    assert!(!queue.is_accepting());
    let refused = queue.push(&request(1)).await.unwrap_err();
    assert!(matches!(
        refused,
        PushError::DiskLow { floor_bytes, free_bytes } if free_bytes > 0 && floor_bytes == u64::MAX / 2
    ));
    assert_eq!(queue.last_position(), 0);
}

#[tokio::test]
async fn the_queue_knows_its_state() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), small_segments(), 0).unwrap();
    let stats = queue.stats().unwrap();
    assert_eq!((stats.waiting_records, stats.oldest_received_at), (0, None));
    for n in 0..50 {
        let Entry::Request(mut entry) = request(n) else {
            panic!("a request is a request");
        };
        entry.head.received_at = UnixMillis(1000 + i64::try_from(n).unwrap());
        queue.push(&Entry::Request(entry)).await.unwrap();
    }
    for processed in [0, 1, 1, 30, 49] {
        queue.acknowledge(processed);
        let stats = queue.stats().unwrap();
        assert_eq!(stats.waiting_records, 50 - processed);
        let oldest = 1000 + i64::try_from(processed).unwrap();
        assert_eq!(stats.oldest_received_at, Some(UnixMillis(oldest)));
        assert!(stats.is_accepting && stats.free_disk_bytes > Some(0));
    }
    queue.acknowledge(50);
    assert_eq!(queue.stats().unwrap().oldest_received_at, None);
}

#[tokio::test]
async fn what_waits_is_charged_again_after_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), small_segments(), 0).unwrap();
    for n in 0..100 {
        let Entry::Request(mut entry) = request(n) else {
            panic!("a request is a request");
        };
        entry.head.received_at = UnixMillis(60_000 + i64::try_from(n).unwrap() * 1000);
        entry.head.charges = vec![Charge {
            category: DataCategory::Error,
            quantity: 2,
        }];
        queue.push(&Entry::Request(entry)).await.unwrap();
    }
    queue.push(&Entry::Tally(Tally::default())).await.unwrap();
    queue.acknowledge(10);
    let mut charges: Vec<_> = queue
        .unprocessed_charges()
        .unwrap()
        .into_iter()
        .map(|count| (count.received_at.0, count.charge.quantity))
        .collect();
    charges.sort_unstable();
    assert_eq!(charges, [(60_000, 100), (120_000, 80)]);
}

#[tokio::test]
async fn a_request_that_was_set_aside_is_retried_or_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), Limits::default(), 0).unwrap();
    fill(&queue, 0..20).await;
    let Entry::Request(mut charged) = request(5) else {
        panic!("a request is a request");
    };
    charged.head.charges = vec![Charge {
        category: DataCategory::Error,
        quantity: 1,
    }];
    let charged = Entry::Request(charged);
    queue.set_aside_entry(3, &request(3)).unwrap();
    queue.set_aside_entry(10, &charged).unwrap();
    queue.set_aside_entry(10, &request(6)).unwrap();
    fs::write(
        folder.path().join("00000000000000000007.damaged"),
        "anything",
    )
    .unwrap();
    fs::write(
        folder.path().join("poisoned/00000000000000000012.request"),
        "no request",
    )
    .unwrap();

    let aside = Aside::new(folder.path());
    let ids = || -> Vec<(String, AsideState)> {
        let files = aside.list().unwrap().into_iter();
        files.map(|file| (file.id, file.state)).collect()
    };
    let named = |id: &str, state| (id.to_owned(), state);
    let failed = AsideState::Failed;
    assert_eq!(
        ids(),
        [
            named("3", failed),
            named("10", failed),
            named("10-2", failed),
            named("12", failed),
            named("7.damaged", AsideState::Damaged)
        ]
    );
    let files = aside.list().unwrap();
    assert_eq!(files[1].position, Some(10));
    assert_eq!(files[1].read().unwrap(), Some(charged));
    assert!(files[3].entry.is_none() && files[3].read().unwrap().is_none());
    let Some(Entry::Request(head)) = &files[1].entry else {
        panic!("the head is read");
    };
    assert!(head.body.is_empty());

    assert_eq!(queue.take_retries().await.unwrap(), 0);
    aside.retry(&files[1]).unwrap();
    aside.retry(&files[3]).unwrap();
    files[0].delete().unwrap();
    files[4].delete().unwrap();
    assert_eq!(
        ids(),
        [
            named("10-2", failed),
            named("10", AsideState::Retry),
            named("12", AsideState::Retry)
        ]
    );
    assert_eq!(queue.take_retries().await.unwrap(), 1);
    assert_eq!(
        ids(),
        [named("10-2", failed), named("12", failed)],
        "what is no request goes back"
    );
    let last = read_all(&queue, 20);
    let [(21, Entry::Request(retried))] = &last[..] else {
        panic!("the request is in the queue: {last:?}");
    };
    assert!(retried.head.is_retry && retried.head.charges.is_empty());
    assert!(retried.body.starts_with(b"5:"));
}
