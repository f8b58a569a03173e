//! What happened before a crash, out of the files that native SDKs write as they go.

use bugle_protocol::json::{Json, Object};
use bugle_protocol::msgpack;
use bugle_protocol::timestamp::parse_timestamp;

/// Breadcrumbs of one crash that are kept: the last ones.
const MAX_BREADCRUMBS: usize = 100;

/// Adds the breadcrumbs of the files, oldest first. SDKs write two files in turns; which is the older one only their times
/// tell. What is broken at the end of a file is left out.
pub(super) fn add<'a>(event: &mut Object<'a>, files: impl Iterator<Item = &'a [u8]>) {
    let mut files: Vec<Vec<Json<'a>>> = files.map(read).collect();
    files.retain(|file| !file.is_empty());
    if files.is_empty() {
        return;
    }
    files.sort_by(|a, b| last_time(a).total_cmp(&last_time(b)));
    let mut all = match event.remove("breadcrumbs") {
        Some(Json::Object(mut object)) => list(object.remove("values")),
        other => list(other),
    };
    all.extend(files.into_iter().flatten());
    let values = all.split_off(all.len().saturating_sub(MAX_BREADCRUMBS));
    event.insert("breadcrumbs", Object::from_iter([("values", values)]));
}

fn list(value: Option<Json<'_>>) -> Vec<Json<'_>> {
    match value {
        Some(Json::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// A file holds maps that follow each other, or one list of them.
fn read(file: &[u8]) -> Vec<Json<'_>> {
    let values = msgpack::values(file).map_while(Result::ok);
    let mut breadcrumbs = Vec::new();
    for value in values {
        match value {
            Json::Array(items) => breadcrumbs.extend(items),
            other => breadcrumbs.push(other),
        }
    }
    breadcrumbs.retain(|breadcrumb| matches!(breadcrumb, Json::Object(_)));
    breadcrumbs
}

fn last_time(file: &[Json<'_>]) -> f64 {
    let last = file
        .last()
        .and_then(|breadcrumb| breadcrumb.get("timestamp"));
    last.and_then(parse_timestamp).unwrap_or(f64::NEG_INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_protocol::json;

    /// A breadcrumb of a message and a time, each of one byte.
    fn crumb(message: u8, time: u8) -> Vec<u8> {
        let mut bytes = b"\x82\xa7message\xa1".to_vec();
        bytes.push(message);
        bytes.extend(b"\xa9timestamp");
        bytes.push(time);
        bytes
    }

    #[test]
    fn files_are_put_in_the_order_of_their_times() {
        let newer = [crumb(b'c', 3), crumb(b'd', 4), b"\x82\xa7mess".to_vec()].concat();
        let older = [b"\x92".to_vec(), crumb(b'a', 1), crumb(b'b', 2)].concat();
        let mut event = Object::new();
        add(&mut event, [&newer[..], b"", b"\xc1", &older].into_iter());
        let text = json::to_string(&Json::Object(event));
        let messages: String = text
            .split("\"message\":\"")
            .skip(1)
            .filter_map(|rest| rest.chars().next())
            .collect();
        assert_eq!(messages, "abcd");
    }

    #[test]
    fn only_the_last_ones_are_kept() {
        let file: Vec<u8> = (0..120).flat_map(|n| crumb(b'x', n)).collect();
        let mut event = Object::new();
        add(&mut event, std::iter::once(&file[..]));
        let values = event.get("breadcrumbs").and_then(|list| list.get("values"));
        let values = values.and_then(Json::as_array).unwrap();
        assert_eq!(values.len(), MAX_BREADCRUMBS);
        assert_eq!(
            values[99].get("timestamp").and_then(Json::as_i64),
            Some(119)
        );
    }
}
