//! Transactions: stored, and no issue made of them.

use bugle_protocol::body::Encoding;
use bugle_protocol::{EventId, RuleTopic, UnixMillis};
use bugle_store::queue::RequestKind;
use bugle_store::{IssueFilter, StoredTransaction};

use crate::support::{NOW, Road, capture, event_id, outcome};

pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A transaction that ended just now.
pub(crate) fn transaction(name: &str, trace: &str, millis: u32) -> String {
    let end = NOW.as_seconds();
    let start = end - f64::from(millis) / 1000.0;
    format!(
        r#"{{"type":"transaction","transaction":"{name}","start_timestamp":{start},"timestamp":{end},
           "contexts":{{"trace":{{"trace_id":"{trace}","span_id":"00f067aa0ba902b7","op":"http.server","status":"ok"}}}},
           "user":{{"email":"ada@example.com"}},"environment":"production","extra":{{"password":"hunter2"}}}}"#
    )
    .replace('\n', " ")
}

/// An envelope with one item.
pub(crate) fn sent(id: EventId, header: &str, item_type: &str, payload: &str) -> String {
    let comma = if header.is_empty() { "" } else { "," };
    format!("{{\"event_id\":\"{id}\"{comma}{header}}}\n{{\"type\":\"{item_type}\"}}\n{payload}\n")
}

async fn stored(road: &Road, id: EventId) -> StoredTransaction {
    let stored = road.store.transaction(road.project.id, id).await.unwrap();
    stored.expect("the transaction is stored")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_stored_scrubbed_and_makes_no_issue() {
    let mut road = Road::new().await;
    let dsc = format!(r#""trace":{{"trace_id":"{TRACE}","sample_rate":"0.25"}}"#);
    let payload = transaction("/checkout/", TRACE, 250);
    for _ in 0..2 {
        road.push_envelope(sent(event_id(1), &dsc, "transaction", &payload))
            .await;
    }
    road.drain().await;
    let accepted = outcome("transaction", "accepted", "", 1);
    let duplicate = outcome("transaction", "duplicate", "", 1);
    assert_eq!(road.outcomes().await, [accepted, duplicate]);
    let stored = stored(&road, event_id(1)).await;
    assert_eq!(
        (&*stored.name, &*stored.op, &*stored.status),
        ("/checkout/", "http.server", "ok")
    );
    assert_eq!(
        (&*stored.trace_id, &*stored.span_id),
        (TRACE, "00f067aa0ba902b7")
    );
    assert_eq!((stored.duration_us, stored.timestamp), (250_000, NOW));
    assert_eq!(stored.started_at, UnixMillis(NOW.0 - 250));
    assert_eq!(stored.user_label.as_deref(), Some("ada@example.com"));
    assert_eq!((stored.client_rate, stored.server_rate), (Some(0.25), 1.0));
    let body: serde_json::Value = serde_json::from_slice(&stored.body).unwrap();
    assert_eq!(body["contexts"]["trace"]["client_sample_rate"], 0.25);
    assert_eq!(body["extra"]["password"], "[Filtered]");
    assert!(body.get("_bugle").is_none());
    let issues = IssueFilter::new(vec![road.project.id], 10);
    assert!(road.store.issues(&issues).await.unwrap().issues.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_one_in_whatever_item_it_comes() {
    let mut road = Road::new().await;
    let payload = transaction("/", TRACE, 1);
    road.push_envelope(sent(event_id(1), "", "event", &payload))
        .await;
    // The item's type goes before the payload's.
    let untyped = payload.replace(r#""type":"transaction","#, "");
    road.push_envelope(sent(event_id(2), "", "transaction", &untyped))
        .await;
    let named = payload.replacen('{', &format!(r#"{{"event_id":"{}","#, event_id(3)), 1);
    road.push(RequestKind::Store, Encoding::Identity, named)
        .await;
    road.drain().await;
    assert_eq!(
        road.outcomes().await,
        [outcome("transaction", "accepted", "", 3)]
    );
    for (n, stored_as) in [(1, event_id(1)), (2, event_id(2)), (3, event_id(255))] {
        let found = road
            .store
            .transaction(road.project.id, stored_as)
            .await
            .unwrap();
        let found = found.or(road
            .store
            .transaction(road.project.id, event_id(n))
            .await
            .unwrap());
        assert!(found.is_some(), "{n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_is_none_is_not_believed() {
    let mut road = Road::new().await;
    let shares = [
        "\"0\"", "\"1.5\"", "\"nan\"", "-1", "null", "[]", "\"1.0\"", "0.5",
    ];
    for (n, share) in (1..).zip(shares) {
        let dsc = format!(r#""trace":{{"sample_rate":{share}}}"#);
        let payload = transaction("/", TRACE, 1);
        road.push_envelope(sent(event_id(n), &dsc, "transaction", &payload))
            .await;
    }
    road.drain().await;
    let mut rates = Vec::new();
    for n in 1..=8 {
        rates.push(stored(&road, event_id(n)).await.client_rate);
    }
    assert_eq!(rates[..6], [None; 6]);
    assert_eq!(rates[6..], [Some(1.0), Some(0.5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sampling_keeps_a_share_by_trace_and_notes_it() {
    let mut road = Road::new().await;
    let line = "transaction:/api/* -> sample 0.5";
    road.save(RuleTopic::Sampling, &format!(r#"{{"rules":"{line}"}}"#))
        .await;
    let traces = (0..40_u128)
        .map(|n| EventId::from_bytes((n * 0x0123_4567_89ab_cdef_0f1e_2d3c).to_be_bytes()));
    let traces: Vec<String> = traces.map(|id| id.to_string()).collect();
    for (n, trace) in (1..).zip(&traces[1..]) {
        // Both of a trace are kept or dropped together.
        for id in [n, n + 100] {
            let payload = transaction("/api/cart", trace, 5);
            road.push_envelope(sent(event_id(id), "", "transaction", &payload))
                .await;
        }
    }
    let untouched = transaction("/", TRACE, 5);
    road.push_envelope(sent(event_id(240), "", "transaction", &untouched))
        .await;
    road.drain().await;
    let mut kept = 0;
    for n in 1..40 {
        let one = road
            .store
            .transaction(road.project.id, event_id(n))
            .await
            .unwrap();
        let other = road
            .store
            .transaction(road.project.id, event_id(n + 100))
            .await
            .unwrap();
        assert_eq!(one.is_some(), other.is_some(), "one trace, one decision");
        let Some(one) = one else { continue };
        kept += 2;
        assert_eq!(one.server_rate, 0.5);
        let body: serde_json::Value = serde_json::from_slice(&one.body).unwrap();
        let note = &body["_bugle"]["rules"][0];
        assert_eq!(
            (&note["topic"], &note["text"]),
            (&"sampling".into(), &line.into())
        );
        assert_eq!(note["rate"], 0.5);
    }
    assert!((10..70).contains(&kept), "{kept} of 78");
    assert_eq!(stored(&road, event_id(240)).await.server_rate, 1.0);
    assert_eq!(
        road.outcomes().await,
        [
            outcome("transaction", "accepted", "", kept + 1),
            outcome("transaction", "sampled", "", 78 - kept),
        ]
    );
    let hits = road.hits(RuleTopic::Sampling).await;
    assert_eq!(hits.len(), 1, "{hits:?}");
    assert_eq!(hits[0].1, 78, "kept or not");
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_of_real_clients_are_stored() {
    let mut road = Road::new().await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/captures");
    let mut names = Vec::new();
    for sdk in std::fs::read_dir(folder).unwrap() {
        let sdk = sdk.unwrap().path();
        let Ok(files) = std::fs::read_dir(&sdk) else {
            continue;
        };
        for file in files {
            let path = file.unwrap().path();
            let is_envelope = path.extension().is_some_and(|end| end == "envelope");
            let text = std::fs::read(&path).unwrap_or_default();
            let needle = br#""type":"transaction""#;
            let spaced = br#""type": "transaction""#;
            let has = |needle: &[u8]| text.windows(needle.len()).any(|window| window == needle);
            if is_envelope && (has(needle) || has(spaced)) {
                let (sdk, name) = (sdk.file_name().unwrap(), path.file_stem().unwrap());
                names.push(format!(
                    "{}/{}",
                    sdk.to_str().unwrap(),
                    name.to_str().unwrap()
                ));
            }
        }
    }
    assert!(!names.is_empty(), "there are captured transactions");
    for name in &names {
        road.push_envelope(capture(name)).await;
    }
    road.drain().await;
    let outcomes = road.outcomes().await;
    let of = |name: &str| {
        let found = outcomes
            .iter()
            .filter(|o| o.0 == "transaction" && o.1 == name);
        found.map(|o| o.3).sum::<i64>()
    };
    assert!(of("accepted") > 0, "{outcomes:?}");
    assert_eq!(of("unsupported"), 0, "{outcomes:?}");
}
