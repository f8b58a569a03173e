//! What happened before a crash, out of the files that native SDKs write as they go.

use std::collections::VecDeque;

use bugle_protocol::json::{Json, Object};
use bugle_protocol::msgpack;
use bugle_protocol::timestamp::parse_timestamp;

/// Breadcrumbs of one crash that are kept: the last ones.
const MAX_BREADCRUMBS: usize = 100;

/// Files of breadcrumbs that are taken of one crash: SDKs write two in turns.
const MAX_FILES: usize = 2;

/// Adds the breadcrumbs of the files, oldest first. Which file is the older one only their times tell. What is broken at the
/// end of a file is left out.
pub(super) fn add<'a>(event: &mut Object<'a>, files: impl Iterator<Item = &'a [u8]>) {
    let mut values_left = msgpack::MAX_VALUES;
    let files = files.map(|file| read(file, &mut values_left));
    let files = files.filter(|file| !file.is_empty());
    let mut files: Vec<_> = files.take(MAX_FILES).collect();
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

/// The last breadcrumbs of a file, which holds maps that follow each other, or one list of them.
fn read<'a>(file: &'a [u8], values_left: &mut usize) -> VecDeque<Json<'a>> {
    let mut last = VecDeque::with_capacity(MAX_BREADCRUMBS);
    let mut keep = |value: Json<'a>| {
        if matches!(value, Json::Object(_)) {
            if last.len() == MAX_BREADCRUMBS {
                last.pop_front();
            }
            last.push_back(value);
        }
    };
    for value in msgpack::values(file, values_left).map_while(Result::ok) {
        match value {
            Json::Array(items) => items.into_iter().for_each(&mut keep),
            other => keep(other),
        }
    }
    last
}

fn last_time(file: &VecDeque<Json<'_>>) -> f64 {
    let last = file
        .back()
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
    #[test]
    fn two_files_are_read_within_one_bound() {
        let messages = |files: &[Vec<u8>]| {
            let mut event = Object::new();
            add(&mut event, files.iter().map(Vec::as_slice));
            let crumbs = list(event.remove("breadcrumbs").and_then(|mut b| {
                b.as_object_mut()
                    .and_then(|breadcrumbs| breadcrumbs.remove("values"))
            }));
            let text = |crumb: &Json<'_>| crumb.get("message")?.as_str().map(str::to_owned);
            crumbs.iter().filter_map(text).collect::<String>()
        };
        let [a, b, c] = [(b'a', 1), (b'b', 2), (b'c', 3)].map(|(name, time)| crumb(name, time));
        assert_eq!(messages(&[Vec::new(), b.clone(), a.clone(), c]), "ab");
        // Numbers are no breadcrumbs, but values.
        let many = [a, vec![0; msgpack::MAX_VALUES]].concat();
        assert_eq!(messages(&[many, b]), "a");
    }
}
