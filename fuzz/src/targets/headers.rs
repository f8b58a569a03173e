//! Everything that is one line of text: keys, DSNs, ids, times, names.

use bugle_protocol::body::Encoding;
use bugle_protocol::json::Json;
use bugle_protocol::timestamp::parse_timestamp;
use bugle_protocol::{Auth, Dsn, EventId, ItemType, PublicKey, UnixMillis, multipart};

use crate::captures::Captures;

const SEEDS: &[&str] = &[
    "Sentry sentry_key=a94f0b1c2d3e4f5061728394a5b6c7d8, sentry_version=7, sentry_client=raven-node/2.6.4, sentry_timestamp=1763637404103, sentry_secret=x",
    "sentry_key=a94f0b1c2d3e4f5061728394a5b6c7d8&sentry_version=7.0&sentry_client=sentry.javascript.browser%2F11",
    "Basic YTk0ZjBiMWMyZDNlNGY1MDYxNzI4Mzk0YTViNmM3ZDg6",
    "https://a94f0b1c2d3e4f5061728394a5b6c7d8:@[::1]:9000/prefix/42?x=1",
    "9ec79c33-ec99-42ab-8353-589fcb2e04dc",
    "2026-11-20T11:16:44.123456789+05:30",
    "1763637404.103",
    "multipart/form-data; charset=utf-8; boundary=\"----WebKitFormBoundary7MA4YWxkTrZu0gW\"",
    "x-gzip",
];

/// Lines as clients write them.
pub fn seeds(_: &Captures) -> Vec<Vec<u8>> {
    SEEDS.iter().map(|seed| seed.as_bytes().to_vec()).collect()
}

/// Reads a line in every way.
pub fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let _ = Auth::from_header(&text);
    let _ = Auth::from_authorization(&text);
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let _ = Auth::from_pairs(pairs);
    let _ = Encoding::from_header(&text);
    let _ = ItemType::parse(&text).category();
    if let Ok(boundary) = multipart::boundary(&text) {
        assert!(text.contains(boundary));
    }
    if let Ok(dsn) = text.parse::<Dsn>() {
        assert_eq!(
            dsn.to_string().parse(),
            Ok(dsn),
            "a DSN is written as it is read"
        );
    }
    if let Ok(key) = text.parse::<PublicKey>() {
        assert_eq!(
            key.to_string().parse(),
            Ok(key),
            "a key is written as it is read"
        );
    }
    if let Ok(id) = text.parse::<EventId>() {
        assert_eq!(
            id.to_string().parse(),
            Ok(id),
            "an id is written as it is read"
        );
    }
    if let Some(seconds) = parse_timestamp(&Json::from(text.as_ref())) {
        assert!(seconds.is_finite());
        let _ = UnixMillis::from_seconds(seconds).to_rfc3339();
    }
}
