//! How an attachment is handed out, so that no browser takes a client's file for a page of ours.

use crate::Attachment;

/// The longest name that is offered, in characters.
const MAX_NAME_CHARS: usize = 200;

/// Types that are safe to name: no browser runs what is in them. Everything else is bytes.
const PLAIN_TYPES: [(&str, &str); 7] = [
    ("application/json", "application/json"),
    ("image/gif", "image/gif"),
    ("image/jpeg", "image/jpeg"),
    ("image/png", "image/png"),
    ("image/webp", "image/webp"),
    ("text/csv", "text/plain; charset=utf-8"),
    ("text/plain", "text/plain; charset=utf-8"),
];

impl Attachment {
    /// The value of `Content-Type` that it may be downloaded with: its own if that is harmless, else bytes.
    #[must_use]
    pub fn download_type(&self) -> &'static str {
        let claimed = self.content_type.as_deref().unwrap_or_default();
        let media_type = claimed.split(';').next().unwrap_or_default().trim();
        let plain = PLAIN_TYPES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(media_type));
        plain.map_or("application/octet-stream", |(_, sent)| sent)
    }

    /// The value of `Content-Disposition` that saves it under its name: always ASCII, whatever the client called it.
    ///
    /// The name is given twice, for old readers and in the form of <https://www.rfc-editor.org/rfc/rfc6266>.
    #[must_use]
    pub fn disposition(&self) -> String {
        let name = file_name(&self.name);
        let keep = |c: char| c.is_ascii_alphanumeric() || " !#$&+-.^_`|~()=,@".contains(c);
        let plain: String = name
            .chars()
            .map(|c| if keep(c) { c } else { '_' })
            .collect();
        format!(
            "attachment; filename=\"{plain}\"; filename*=UTF-8''{}",
            encoded(&name)
        )
    }
}

/// The last part of a path, without what file systems or people could misread.
fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last
        .chars()
        .map(|c| if is_misleading(c) { '_' } else { c })
        .take(MAX_NAME_CHARS)
        .collect();
    let name = name.trim().trim_start_matches('.');
    if name.is_empty() {
        "attachment".to_owned()
    } else {
        name.to_owned()
    }
}

/// Control characters, and those that turn the order of letters around so that `exe` looks like `png`.
fn is_misleading(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || "\"<>:|?*".contains(c)
}

fn encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use bugle_protocol::{AttachmentId, EventId, ProjectId, UnixMillis};

    use super::*;
    use crate::BlobId;

    fn attachment(name: &str, content_type: Option<&str>) -> Attachment {
        Attachment {
            id: AttachmentId(1),
            project_id: ProjectId(1),
            event_id: EventId::from_bytes([1; 16]),
            blob: BlobId([0; 32]),
            name: name.to_owned(),
            content_type: content_type.map(str::to_owned),
            attachment_type: "event.attachment".to_owned(),
            size: 1,
            received_at: UnixMillis(0),
        }
    }

    #[test]
    fn names_are_offered_in_both_forms() {
        for (name, plain, encoded) in [
            ("log.txt", "log.txt", "log.txt"),
            ("größe 1.txt", "gr__e 1.txt", "gr%C3%B6%C3%9Fe%201.txt"),
            ("C:\\temp\\a.dmp", "a.dmp", "a.dmp"),
            ("../../etc/passwd", "passwd", "passwd"),
            (
                "a\"; x=\"b\r\nSet-Cookie: y",
                "a_; x=_b__Set-Cookie_ y",
                "a_%3B%20x%3D_b__Set-Cookie_%20y",
            ),
            ("\u{202e}gnp.exe", "_gnp.exe", "_gnp.exe"),
            ("..", "attachment", "attachment"),
            ("", "attachment", "attachment"),
        ] {
            let expected = format!(
                "attachment; filename=\"{}\"; filename*=UTF-8''{encoded}",
                plain.replace(';', "_")
            );
            let disposition = attachment(name, None).disposition();
            assert_eq!(disposition, expected, "{name}");
            assert!(disposition.bytes().all(|b| (b' '..=b'~').contains(&b)));
        }
    }

    #[test]
    fn only_harmless_types_are_named() {
        for (claimed, sent) in [
            (Some("IMAGE/PNG"), "image/png"),
            (
                Some("text/plain; charset=utf-16"),
                "text/plain; charset=utf-8",
            ),
            (Some("text/html"), "application/octet-stream"),
            (Some("image/svg+xml"), "application/octet-stream"),
            (Some("text/plain\r\nx: y"), "application/octet-stream"),
            (None, "application/octet-stream"),
        ] {
            assert_eq!(
                attachment("a", claimed).download_type(),
                sent,
                "{claimed:?}"
            );
        }
    }
}
