//! Whatever is in an envelope, and whatever fails: outcomes add up to what was charged.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bugle_protocol::body::Encoding;
use bugle_protocol::{EventId, KeyId, LimitReason, ProjectId, UnixMillis, charges};
use bugle_rules::{Documents, ProjectRules};
use bugle_store::Blobs;
use bugle_store::queue::{LimitedItem, RequestKind};
use proptest::prelude::*;

use super::*;
use crate::request::{Rules, Tools, process};

const ITEMS: [(&str, &[u8]); 33] = [
    (r#"{"type":"event"}"#, br#"{"message":"m"}"#),
    (r#"{"type":"event"}"#, b"{nonsense"),
    (r#"{"type":"event"}"#, b"[]"),
    (r#"{"type":"attachment"}"#, b""),
    (r#"{"type":"attachment","filename":"a"}"#, b"12345"),
    (
        r#"{"type":"attachment","attachment_type":"event.minidump"}"#,
        b"MDMP",
    ),
    (
        r#"{"type":"attachment","attachment_type":"event.applecrashreport"}"#,
        b"crash",
    ),
    (
        r#"{"type":"attachment","attachment_type":"event.payload"}"#,
        b"\x80",
    ),
    (
        r#"{"type":"attachment","attachment_type":"event.payload"}"#,
        b"\xc1",
    ),
    (
        r#"{"type":"attachment","attachment_type":"event.breadcrumbs"}"#,
        b"\x91\x80",
    ),
    (
        r#"{"type":"attachment","content_type":"application/vnd.sentry.attachment-ref+json"}"#,
        b"{}",
    ),
    (r#"{"type":"unreal_report"}"#, b"crash"),
    (r#"{"type":"form_data"}"#, br#"[["a","b"]]"#),
    (r#"{"type":"user_report"}"#, br#"{"comments":"hm"}"#),
    (r#"{"type":"user_report"}"#, b"hm"),
    (
        r#"{"type":"feedback"}"#,
        br#"{"contexts":{"feedback":{"message":"hm"}}}"#,
    ),
    (r#"{"type":"feedback"}"#, b"{}"),
    (
        r#"{"type":"client_report"}"#,
        br#"{"discarded_events":[{"category":"error","reason":"before_send","quantity":3}]}"#,
    ),
    (r#"{"type":"client_report"}"#, b"no"),
    (
        r#"{"type":"raw_security"}"#,
        br#"{"csp-report":{"violated-directive":"img-src"}}"#,
    ),
    (r#"{"type":"nel"}"#, br#"{"body":{"type":"dns.refused"}}"#),
    (r#"{"type":"nel"}"#, b"{}"),
    (r#"{"type":"log","item_count":7}"#, b"{}"),
    (r#"{"type":"transaction"}"#, b"{}"),
    (r#"{"type":"transaction"}"#, TRANSACTION),
    (r#"{"type":"event"}"#, TRANSACTION),
    (r#"{"type":"event"}"#, br#"{"type":"transaction"}"#),
    (r#"{"type":"event"}"#, br#"{"message":"noise"}"#),
    (r#"{"type":"event"}"#, br#"{"message":"rare"}"#),
    (
        r#"{"type":"feedback"}"#,
        br#"{"contexts":{"feedback":{"message":"noise"}},"logger":"noise"}"#,
    ),
    (
        r#"{"type":"attachment","attachment_type":"event.payload"}"#,
        br#"{"message":"noise"}"#,
    ),
    (r#"{"type":"replay_recording"}"#, b"1"),
    (r#"{"type":"novel"}"#, b"?"),
];

const TRANSACTION: &[u8] = br#"{"type":"transaction","start_timestamp":1795163900,"timestamp":1795163901,
    "contexts":{"trace":{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"}}}"#;

const FILTERS: &str = r#"{"rules":"logger:noise -> drop\nmessage:noise -> drop"}"#;
const SAMPLING: &str = r#"{"rules":"event.type:default message:rare -> sample 0"}"#;

/// By category, and by category and outcome.
type Totals<K> = BTreeMap<K, i64>;

fn request(has_id: bool, items: &[usize], limited: &[usize]) -> QueuedRequest {
    let mut body = match has_id {
        true => format!("{{\"event_id\":\"{}\"}}\n", EventId::from_bytes([1; 16])).into_bytes(),
        false => b"{}\n".to_vec(),
    };
    for index in items {
        let (header, payload) = ITEMS[*index];
        let header = header.strip_suffix('}').unwrap();
        body.extend(format!("{header},\"length\":{}}}\n", payload.len()).bytes());
        body.extend_from_slice(payload);
        body.push(b'\n');
    }
    let limited = limited.iter().map(|item| LimitedItem {
        item: *item,
        reason: LimitReason::KeyQuota,
    });
    QueuedRequest {
        head: RequestHead {
            project_id: ProjectId(1),
            key_id: KeyId(1),
            received_at: UnixMillis(1_795_163_904_106),
            kind: RequestKind::Envelope,
            encoding: Encoding::Identity,
            event_id: Some(EventId::from_bytes([2; 16])),
            client_ip: None,
            client: None,
            user_agent: None,
            charges: Vec::new(),
            limited: limited.collect(),
            is_retry: false,
        },
        body: body.into(),
    }
}

/// What was charged as an error may turn out to be a transaction.
fn error_or(category: DataCategory) -> DataCategory {
    match category {
        DataCategory::Transaction => DataCategory::Error,
        other => other,
    }
}

fn charged(request: &QueuedRequest) -> Totals<DataCategory> {
    let envelope = bugle_protocol::Envelope::parse(&request.body).unwrap();
    let mut totals = BTreeMap::new();
    for charge in charges(&envelope.items).into_iter().flatten() {
        *totals.entry(error_or(charge.category)).or_default() += quantity(charge.quantity);
    }
    totals
}

/// What the ledger would have of a batch; what clients say they dropped is beside it.
fn counted(batch: &Batch) -> Totals<(DataCategory, Outcome)> {
    let mut totals = Totals::new();
    let mut add = |category, outcome, quantity| {
        *totals.entry((category, outcome)).or_default() += quantity;
    };
    for count in &batch.outcomes {
        if !matches!(count.outcome, Outcome::ClientDiscard(_)) {
            add(count.category, count.outcome, count.quantity);
        }
    }
    for event in &batch.events {
        add(event.category, Outcome::Accepted, 1);
    }
    for attachment in &batch.attachments {
        let bytes = quantity(attachment.size.max(1));
        add(DataCategory::Attachment, Outcome::Accepted, bytes);
        add(DataCategory::AttachmentItem, Outcome::Accepted, 1);
    }
    for _ in &batch.feedback {
        add(DataCategory::Feedback, Outcome::Accepted, 1);
    }
    for _ in &batch.transactions {
        add(DataCategory::Transaction, Outcome::Accepted, 1);
    }
    totals
}

fn by_category(totals: &Totals<(DataCategory, Outcome)>) -> Totals<DataCategory> {
    let mut sums = Totals::new();
    for ((category, _), quantity) in totals {
        *sums.entry(error_or(*category)).or_default() += quantity;
    }
    sums
}

struct World {
    folder: tempfile::TempDir,
    project: ProjectRules,
    grouping: bugle_grouping::Rules,
}

fn rules() -> ProjectRules {
    let (rules, problems) = ProjectRules::compile(&Documents {
        filters: Some(FILTERS),
        sampling: Some(SAMPLING),
        ..Documents::default()
    });
    assert_eq!(problems, []);
    rules
}

impl World {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            project: rules(),
            grouping: bugle_grouping::Rules::default(),
        }
    }

    fn process(
        &self,
        request: &QueuedRequest,
        refused: &[usize],
        batch: &mut Batch,
    ) -> Option<QueuedRequest> {
        let blobs = Blobs::new(self.folder.path());
        let large = Mutex::default();
        let tools = Tools {
            rules: Rules::new(&self.project, &self.grouping),
            blobs: &blobs,
            large: &large,
        };
        let mut processed = process(request, &tools, refused).unwrap();
        let aside = processed.aside.take();
        processed.settle(&request.head, batch);
        aside
    }
}

proptest! {
    #[test]
    fn outcomes_add_up_to_charges(
        has_id: bool,
        items in prop::collection::vec(0..ITEMS.len(), 0..12),
        limited in prop::collection::vec(0..12_usize, 0..4),
        refused in prop::collection::vec(0..12_usize, 0..4),
        refused_again in prop::collection::vec(0..12_usize, 0..2),
    ) {
        let world = World::new();
        let request = request(has_id, &items, &limited);
        let mut batch = Batch::default();
        let aside = world.process(&request, &refused, &mut batch);
        let first = counted(&batch);
        prop_assert_eq!(by_category(&first), charged(&request));
        prop_assert!(first.values().all(|quantity| *quantity > 0));

        // What was set aside comes again, perhaps to fail again, and then once more.
        for refused in [&refused_again[..], &[]] {
            let Some(mut again) = aside.clone() else { break };
            again.head.is_retry = true;
            again.head.charges.clear();
            let mut batch = batch.clone();
            let rest = world.process(&again, refused, &mut batch);
            let second = counted(&batch);
            let mut sums = by_category(&second);
            sums.retain(|_, quantity| *quantity != 0);
            prop_assert_eq!(sums, charged(&request));
            prop_assert!(second.values().all(|quantity| *quantity >= 0), "{:?}", second);
            let failed = second.keys().filter(|(_, outcome)| *outcome == FAILED);
            let failed: i64 = failed.map(|key| second[key]).sum();
            prop_assert_eq!(failed != 0, rest.is_some_and(|rest| !rest.head.charges.is_empty()));
        }
    }
}
