//! Names of transactions: ids in them are replaced, or every user's page would count as a page of its own.

use bugle_protocol::json::{Json, Object};
use bugle_protocol::meta::{Remark, RemarkKind};

use super::note::{Notes, Path};
use super::transaction;

/// Sets the source of the name, and replaces ids in names that come from URLs.
pub(super) fn normalize(event: &mut Object<'_>, notes: &mut Notes) {
    let source = event
        .get("transaction_info")
        .and_then(|info| info.get_str("source"));
    let is_url = match source {
        Some("url" | "sanitized") => true,
        Some(_) => false,
        None => names_after_url(event),
    };
    if is_url {
        sanitize_name(event, notes);
    }
    if let Some(info) = transaction::info_mut(event) {
        if is_url {
            info.insert("source", "sanitized");
        } else if info.get("source").is_none() {
            info.insert("source", "unknown");
        }
    }
}

/// Whether the name is likely a URL though the client does not say so: that of browser SDKs before their router is
/// known, of PHP frameworks, and of any server for pages that do not exist.
fn names_after_url(event: &Object<'_>) -> bool {
    const SDKS: [&str; 10] = [
        "sentry.javascript.angular",
        "sentry.javascript.browser",
        "sentry.javascript.ember",
        "sentry.javascript.gatsby",
        "sentry.javascript.react",
        "sentry.javascript.remix",
        "sentry.javascript.vue",
        "sentry.javascript.nextjs",
        "sentry.php.laravel",
        "sentry.php.symfony",
    ];
    let sdk = event
        .get("sdk")
        .and_then(|sdk| sdk.get_str("name"))
        .unwrap_or_default();
    let tags = event
        .get("tags")
        .and_then(Json::as_array)
        .unwrap_or_default();
    let is_missing_page = tags
        .iter()
        .filter_map(super::pairs::entry)
        .any(|tag| tag == ("http.status_code", "404"));
    SDKS.contains(&sdk)
        || (is_missing_page && (sdk.starts_with("sentry.python") || sdk.starts_with("sentry.ruby")))
}

fn sanitize_name(event: &mut Object<'_>, notes: &mut Notes) {
    let Some(name) = event.get_str("transaction") else {
        return;
    };
    let Some((sanitized, remarks)) = sanitize(name) else {
        return;
    };
    let original = event.insert("transaction", sanitized).unwrap_or_default();
    let note = notes.at(&Path::ROOT.key("transaction"));
    note.remarks.extend(remarks);
    note.original_value.get_or_insert(original.into_owned());
}

/// Replaces every segment that looks like an id by `*`; `None` if there is none, or nothing else.
fn sanitize(name: &str) -> Option<(String, Vec<Remark>)> {
    let mut sanitized = String::with_capacity(name.len());
    let mut remarks = Vec::new();
    let mut start = 0;
    for piece in name.split_inclusive(['/', '\\']) {
        let segment = piece.trim_end_matches(['/', '\\']);
        match id_kind(segment) {
            Some(kind) => {
                let remark = Remark::new(kind, RemarkKind::Substituted);
                remarks.push(remark.at(start, start + segment.len()));
                sanitized.push('*');
                sanitized.push_str(&piece[segment.len()..]);
            }
            None => sanitized.push_str(piece),
        }
        start += piece.len();
    }
    (!remarks.is_empty() && sanitized != "*").then_some((sanitized, remarks))
}

/// What kind of id a segment of a path is, if it is one.
fn id_kind(segment: &str) -> Option<&'static str> {
    let bytes = segment.as_bytes();
    let is_hex = |text: &[u8]| text.iter().all(u8::is_ascii_hexdigit);
    if bytes
        .windows(2)
        .any(|pair| pair.iter().all(u8::is_ascii_digit))
    {
        return Some("int");
    }
    match bytes.len() {
        36 if segment.split('-').map(str::len).eq([8, 4, 4, 4, 12]) => {
            let letters = bytes
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || *b == b'-');
            letters.then_some("uuid")
        }
        40 if is_hex(bytes) => Some("sha1"),
        32 if is_hex(bytes) => Some("md5"),
        length if length > 2 && bytes.starts_with(b"0x") && is_hex(&bytes[2..]) => Some("hex"),
        _ => None,
    }
}
