//! Which texts are written freely: where a mere word, such as a user name of letters, means the person and not the protocol.

/// Members of an event that people and programs fill as they like.
const FREE: [&str; 9] = [
    "culprit",
    "extra",
    "logentry",
    "message",
    "request",
    "server_name",
    "tags",
    "transaction",
    "user",
];
/// Members that are free apart from the protocol's own words in them.
const MIXED: [&str; 3] = ["breadcrumbs", "contexts", "spans"];
/// Contexts that describe software.
const OF_SOFTWARE: [&str; 8] = [
    "browser",
    "client_os",
    "cloud_resource",
    "culture",
    "gpu",
    "os",
    "runtime",
    "trace",
];
/// Keys of values that are the protocol's or a program's words.
const WORDS: [&str; 17] = [
    "category",
    "environment",
    "function",
    "handled",
    "in_app",
    "level",
    "mechanism",
    "method",
    "module",
    "op",
    "origin",
    "package",
    "platform",
    "release",
    "sdk",
    "status",
    "type",
];
/// Texts in other members, such as exceptions and stack traces.
const VALUES: [&str; 4] = ["abs_path", "code_file", "formatted", "value"];

/// What holds keys and values as lists of two.
const OF_PAIRS: [&str; 5] = ["cookies", "data", "headers", "query_string", "tags"];

/// Whether a text of an event is free, apart from those of `_meta`.
pub(super) fn is_free_in_event(path: &[String]) -> bool {
    let (Some(first), Some(last)) = (path.first(), path.last()) else {
        return false;
    };
    if FREE.contains(&first.as_str()) {
        let has_pairs = path.iter().any(|key| OF_PAIRS.contains(&key.as_str()));
        let is_key = has_pairs && is_key_of_pair(path);
        let is_method = first == "request" && last == "method";
        return !is_key && !is_method;
    }
    if MIXED.contains(&first.as_str()) {
        let software = first == "contexts"
            && path
                .get(1)
                .is_some_and(|one| OF_SOFTWARE.contains(&one.as_str()));
        return !software && !WORDS.contains(&last.as_str());
    }
    path.iter().any(|key| key == "vars") || VALUES.contains(&last.as_str())
}

/// Of the notes of an event only the texts that rules kept.
pub(super) fn is_free_in_notes(path: &[String]) -> bool {
    path.iter().any(|key| key == "val")
}

/// Of columns of JSON: tags, what a headline was made of, values of a hash.
pub(super) fn is_free_in_columns(path: &[String]) -> bool {
    let is_word = path.last().is_some_and(|key| WORDS.contains(&key.as_str()));
    !is_word && !is_key_of_pair(path)
}

/// Whether it is the first of two in a list of pairs: tags, headers, cookies, queries.
fn is_key_of_pair(path: &[String]) -> bool {
    let is_number = |text: &String| text.bytes().all(|byte| byte.is_ascii_digit());
    matches!(path, [.., pair, first] if first == "0" && is_number(pair))
}
