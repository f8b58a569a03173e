//! Sentry's names of fields and ours.

/// Our name of a field.
pub(super) fn key(name: &str) -> Option<String> {
    let known = match name {
        "exception.ty" => "error.type",
        "exception.value" => "error.value",
        "event.level"
        | "event.release"
        | "event.dist"
        | "event.environment"
        | "event.transaction"
        | "event.platform"
        | "event.logger"
        | "event.release.package"
        | "event.release.build"
        | "event.transaction.source"
        | "event.user.id"
        | "event.user.email"
        | "event.sdk.name"
        | "event.sdk.version"
        | "event.request.method"
        | "event.request.url" => {
            return Some(name["event.".len()..].to_owned());
        }
        "event.release.version.short" => "release.version",
        "event.logentry.formatted" | "event.logentry.message" => "message",
        "event.user.ip_address" => "user.ip",
        "event.user.name" | "event.user.username" => "user.username",
        "event.duration" => "transaction.duration",
        "event.contexts.trace.status" => "transaction.status",
        "event.contexts.trace.op" => "transaction.op",
        "envelope.client_ip" => "sender.address",
        "trace.release" => "release",
        "trace.environment" => "environment",
        "trace.transaction" => "transaction",
        "trace.user.id" => "user.id",
        _ => return open_key(name),
    };
    Some(known.to_owned())
}

/// A name of which the last part is the user's.
fn open_key(name: &str) -> Option<String> {
    let (before, rest, after) = if let Some(tag) = name.strip_prefix("event.tags.") {
        ("tags[", tag, "]")
    } else if let Some(header) = name.strip_prefix("event.request.headers.") {
        ("headers.", header, "")
    } else if let Some(measured) = name.strip_prefix("event.measurements.") {
        ("measurements.", measured.strip_suffix(".value")?, "")
    } else {
        let name = name.strip_prefix("event.")?;
        let (group, rest) = name.split_once('.')?;
        let group = ["contexts.", "extra."]
            .into_iter()
            .find(|known| known.trim_end_matches('.') == group)?;
        (group, rest, "")
    };
    let also = if after.is_empty() { "_.-" } else { "_.-:" };
    let is_usable = !rest.is_empty()
        && rest
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || also.contains(c));
    is_usable.then(|| format!("{before}{rest}{after}"))
}
