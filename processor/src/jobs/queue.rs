//! Finds requests in the queue, and beside it, that mention a person. They are kept as they came and cannot be edited.

use bugle_protocol::body::{decode, unpack_store};
use bugle_store::queue::{AsideState, Entry, Queue, QueuedRequest, RequestKind};
use bugle_store::{Person, QueueReport, StoreError};

/// Requests and bytes that are read at once.
const REQUESTS: usize = 100;
const BYTES: usize = 4 * 1024 * 1024;

/// A body is looked into up to this size after decompression.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// Looks at everything that waits behind `processed` now, and at everything that was set aside. Blocks.
///
/// # Errors
/// [`StoreError::Io`] if the folder or the queue cannot be read.
pub(super) fn look(
    queue: &Queue,
    processed: u64,
    person: &Person,
) -> Result<QueueReport, StoreError> {
    let mut report = QueueReport {
        waiting: waiting(queue, processed, person)?,
        ..QueueReport::default()
    };
    for file in queue.aside().list()? {
        let mut found = false;
        let read = file.for_each(|entry| {
            found = mentions(person, &entry);
            !found
        });
        match (read, file.state) {
            (Err(_), _) => report.unknown.push(file.id),
            (Ok(()), AsideState::Damaged) if found => report.damaged.push(file.id),
            (Ok(()), _) if found => report.aside.push(file.id),
            (Ok(()), _) if file.entry.is_none() => report.unknown.push(file.id),
            (Ok(()), _) => {}
        }
    }
    Ok(report)
}

fn waiting(queue: &Queue, processed: u64, person: &Person) -> Result<u64, StoreError> {
    let last = queue.last_position();
    let mut reader = queue.reader(processed);
    let mut found = 0;
    let mut position = processed;
    while position < last {
        let deliveries = reader.read(REQUESTS, BYTES)?;
        let Some(end) = deliveries.last() else { break };
        position = end.position;
        let entries = deliveries
            .iter()
            .filter_map(|one| Entry::from_bytes(&one.data));
        found += entries.filter(|entry| mentions(person, entry)).count() as u64;
    }
    Ok(found)
}

fn mentions(person: &Person, entry: &Entry) -> bool {
    match entry {
        Entry::Request(request) => in_request(person, request),
        Entry::Tally(tally) => {
            let mut details = tally.rejections.iter();
            details.any(|one| person.may_be_in(one.detail.as_bytes()))
        }
    }
}

fn in_request(person: &Person, request: &QueuedRequest) -> bool {
    let head = &request.head;
    if head.client_ip.is_some_and(|ip| person.is(&ip.to_string())) {
        return true;
    }
    let Ok(body) = decode(head.encoding, &request.body, MAX_BYTES) else {
        return false;
    };
    match head.kind {
        RequestKind::Envelope => in_json(person, &body),
        RequestKind::Store => {
            unpack_store(&body, MAX_BYTES).is_ok_and(|body| in_json(person, &body))
        }
    }
}

/// Some clients escape what is not ASCII, or a sign that HTML knows.
fn in_json(person: &Person, body: &[u8]) -> bool {
    person.may_be_in(body)
        || body.windows(2).any(|two| two == b"\\u") && person.may_be_in(&unescaped(body))
}

/// The text with the letters that `\uXXXX` stands for.
fn unescaped(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let mut parts = text.split("\\u");
    let mut units: Vec<u16> = Vec::new();
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.get(..4);
        match digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()) {
            Some(unit) => {
                units.push(unit);
                let rest = &part[4..];
                // The second half of a letter may follow.
                if !(rest.is_empty() && (0xD800..0xDC00).contains(&unit)) {
                    out.push_str(&String::from_utf16_lossy(&std::mem::take(&mut units)));
                }
                out.push_str(rest);
            }
            None => {
                out.push_str("\\u");
                out.push_str(part);
            }
        }
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_letters_are_read() {
        let person = Person::parse("ädä@example.com", false).unwrap();
        for (body, is) in [
            (r#"{"a":"\u00c4d\u00e4\u0040example.com"}"#, true),
            (r#"{"a":"ÄDÄ@example.com"}"#, true),
            (r#"{"a":"\u00c4d\u00e5\u0040example.com"}"#, false),
            (r#"{"a":"\ud83d\ude00 \uzz ädä@example.com"}"#, true),
            (r"\u12", false),
        ] {
            assert_eq!(in_json(&person, body.as_bytes()), is, "{body}");
        }
        assert_eq!(unescaped(br"\ud83d\ude00!"), "😀!".as_bytes());
    }
}
