//! Forms of several parts (`multipart/form-data`, RFC 7578), as crash reporters and `curl -F` send them.

use std::borrow::Cow;

use memchr::{memchr, memmem, memrchr};

/// Parts that a form may have; crash reporters send some dozens.
pub const MAX_PARTS: usize = 1_000;

/// Bytes that the header lines of one part may have together.
pub const MAX_PART_HEADER_BYTES: usize = 16 * 1024;

/// Bytes of a boundary; the standard allows 70.
pub const MAX_BOUNDARY_BYTES: usize = 256;

/// One part of a form. Zero-copy: the body is a slice of the parsed bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part<'a> {
    /// The field's name, empty if the part has none.
    pub name: Cow<'a, str>,
    /// The file's name; a part without one is a text field. Not to be trusted: it may hold slashes.
    pub filename: Option<Cow<'a, str>>,
    /// The part's own `Content-Type`.
    pub content_type: Option<Cow<'a, str>>,
    /// The content, without the line end in front of the next boundary.
    pub body: &'a [u8],
}

/// Why bytes are not a form of several parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MultipartError {
    /// The content type is another, or names no usable boundary.
    #[error(
        "expected the content type multipart/form-data with a boundary of at most {MAX_BOUNDARY_BYTES} bytes"
    )]
    Boundary,
    /// The boundary is nowhere in the body.
    #[error("no boundary in the body")]
    NoParts,
    /// The last boundary, which ends the form, is missing.
    #[error("the body ends before the last boundary")]
    Truncated,
    /// There are more than [`MAX_PARTS`] parts.
    #[error("more than {MAX_PARTS} parts")]
    TooManyParts,
    /// The header lines of a part are longer than [`MAX_PART_HEADER_BYTES`].
    #[error("the headers of a part exceed {MAX_PART_HEADER_BYTES} bytes")]
    HeadersTooLarge,
}

/// Reads the boundary out of a `Content-Type`, such as `multipart/form-data; boundary=xyz`. Any subtype of `multipart`
/// is taken for a form.
///
/// # Errors
/// [`MultipartError::Boundary`].
pub fn boundary(content_type: &str) -> Result<&str, MultipartError> {
    let (media_type, parameters) = content_type
        .split_once(';')
        .ok_or(MultipartError::Boundary)?;
    let kind = media_type.trim().split_once('/').map(|(kind, _)| kind);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("multipart")) {
        return Err(MultipartError::Boundary);
    }
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_boundary = name.trim().eq_ignore_ascii_case("boundary");
        is_boundary.then(|| value.trim().trim_matches('"'))
    });
    value
        .filter(|value| (1..=MAX_BOUNDARY_BYTES).contains(&value.len()))
        .ok_or(MultipartError::Boundary)
}

/// Splits a form into its parts.
///
/// `body` is the whole decompressed body: `(--boundary CRLF headers CRLF CRLF content CRLF)* --boundary--`. What is in front
/// of the first boundary and behind the last is ignored. Lines may end with LF alone, if the first boundary's does. Header
/// lines that are not understood are skipped.
///
/// # Errors
/// [`MultipartError`] if the form does not end, or is larger than this module allows.
pub fn parse<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>, MultipartError> {
    let dashed = [b"--", boundary.as_bytes()].concat();
    let (first, newline) = first_delimiter(body, &dashed)?;
    let delimiter = [newline, &dashed].concat();
    let finder = memmem::Finder::new(&delimiter);
    let mut parts = Vec::new();
    let mut end = first;
    while let End::Part(start) = end {
        if parts.len() == MAX_PARTS {
            return Err(MultipartError::TooManyParts);
        }
        let (mut part, content) = read_headers(&body[start..])?;
        let content = start + content;
        // The line end in front of a boundary belongs to it, and an empty content shares it with the headers' end.
        let from = content.saturating_sub(newline.len()).max(start);
        let found = finder.find_iter(&body[from..]).find_map(|at| {
            let behind = delimiter_end(body, from + at + delimiter.len())?;
            Some((from + at, behind))
        });
        let (at, next) = found.ok_or(MultipartError::Truncated)?;
        part.body = body.get(content..at).unwrap_or_default();
        parts.push(part);
        end = next;
    }
    Ok(parts)
}

/// What follows a boundary.
#[derive(Clone, Copy)]
enum End {
    /// A part, whose headers begin at this offset.
    Part(usize),
    /// Nothing more of the form.
    Form,
}

/// Finds the first boundary at the start of a line; the second value is how lines end.
fn first_delimiter(body: &[u8], dashed: &[u8]) -> Result<(End, &'static [u8]), MultipartError> {
    let found = memmem::find_iter(body, dashed)
        .filter(|&at| at == 0 || body[at - 1] == b'\n')
        .find_map(|at| delimiter_end(body, at + dashed.len()));
    let end = found.ok_or(MultipartError::NoParts)?;
    let newline: &[u8] = match end {
        End::Part(start) if !body[..start].ends_with(b"\r\n") => b"\n",
        _ => b"\r\n",
    };
    Ok((end, newline))
}

/// What follows a boundary that ends at `at`; `None` if it is only the beginning of a longer text.
fn delimiter_end(body: &[u8], at: usize) -> Option<End> {
    let rest = body.get(at..)?;
    let (is_last, rest) = match rest.strip_prefix(b"--") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let blanks = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let line_end = match &rest[blanks..] {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        [] if is_last => 0,
        _ => return None,
    };
    Some(if is_last {
        End::Form
    } else {
        End::Part(at + blanks + line_end)
    })
}

/// Reads the header lines of a part up to the blank line; the second value is where its content begins.
fn read_headers(bytes: &[u8]) -> Result<(Part<'_>, usize), MultipartError> {
    let mut part = Part::default();
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        let window = &rest[..rest.len().min(MAX_PART_HEADER_BYTES + 1)];
        let Some(end) = memchr(b'\n', window).filter(|end| at + end < MAX_PART_HEADER_BYTES) else {
            return Err(if window.len() > MAX_PART_HEADER_BYTES - at {
                MultipartError::HeadersTooLarge
            } else {
                MultipartError::Truncated
            });
        };
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        at += end + 1;
        if line.is_empty() {
            return Ok((part, at));
        }
        part.read_header(line);
    }
}

impl<'a> Part<'a> {
    /// The content as text, with U+FFFD where it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.body)
    }

    fn read_header(&mut self, line: &'a [u8]) {
        let Some(colon) = memchr(b':', line) else {
            return;
        };
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-type") {
            self.content_type = Some(String::from_utf8_lossy(value));
        } else if name.eq_ignore_ascii_case(b"content-disposition") {
            for (name, value) in parameters(value) {
                if name.eq_ignore_ascii_case(b"name") {
                    self.name = value;
                } else if name.eq_ignore_ascii_case(b"filename*") {
                    // It goes before the plain form, which holds a poorer version of the name.
                    if let Some(decoded) = extended_value(&value) {
                        self.filename = Some(Cow::Owned(decoded));
                        return;
                    }
                } else if name.eq_ignore_ascii_case(b"filename") {
                    self.filename = Some(value);
                }
            }
        }
    }
}

/// The parameters of a header value: `form-data; name="a"; filename="b;c"`.
fn parameters(value: &[u8]) -> impl Iterator<Item = (&[u8], Cow<'_, str>)> {
    let mut rest = memchr(b';', value).map_or(&[][..], |at| &value[at + 1..]);
    std::iter::from_fn(move || {
        let equals = memchr(b'=', rest)?;
        // What has no value is skipped.
        let from = memrchr(b';', &rest[..equals]).map_or(0, |at| at + 1);
        let name = rest[from..equals].trim_ascii();
        let (value, behind) = parameter_value(rest[equals + 1..].trim_ascii_start());
        rest = memchr(b';', behind).map_or(&[][..], |at| &behind[at + 1..]);
        Some((name, value))
    })
}

/// Reads a token or a quoted text; the second value is what follows it.
fn parameter_value(bytes: &[u8]) -> (Cow<'_, str>, &[u8]) {
    let Some(quoted) = bytes.strip_prefix(b"\"") else {
        let end = memchr(b';', bytes).unwrap_or(bytes.len());
        return (
            String::from_utf8_lossy(bytes[..end].trim_ascii()),
            &bytes[end..],
        );
    };
    let mut end = 0;
    let mut has_escapes = false;
    while let Some(&byte) = quoted.get(end) {
        match byte {
            b'"' => break,
            b'\\' if is_escape(&quoted[end..]) => {
                has_escapes = true;
                end += 2;
            }
            b'%' => {
                has_escapes = true;
                end += 1;
            }
            _ => end += 1,
        }
    }
    let text = String::from_utf8_lossy(&quoted[..end]);
    let text = if has_escapes { unescape(&text) } else { text };
    (text, &quoted[end..])
}

/// Only quotes and backslashes are escaped by one: a Windows path is sent as it is.
fn is_escape(bytes: &[u8]) -> bool {
    matches!(bytes, [b'\\', b'"' | b'\\', ..])
}

/// Undoes the two ways in which clients write quotes and line ends inside quoted texts: backslashes and, as browsers do,
/// `%22`, `%0D` and `%0A`.
fn unescape(text: &str) -> Cow<'static, str> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (written, read) = if is_escape(rest.as_bytes()) {
            (&rest[1..2], 2)
        } else {
            match rest.as_bytes() {
                [b'%', b'2', b'2', ..] => ("\"", 3),
                [b'%', b'0', b'd' | b'D', ..] => ("\r", 3),
                [b'%', b'0', b'a' | b'A', ..] => ("\n", 3),
                _ => (&rest[..c.len_utf8()], c.len_utf8()),
            }
        };
        out.push_str(written);
        rest = &rest[read..];
    }
    Cow::Owned(out)
}

/// Reads `UTF-8''na%C3%AFve.txt` (RFC 8187); `None` in another charset.
fn extended_value(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let [byte, behind @ ..] = rest {
        let digits = behind
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let decoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match decoded.filter(|_| *byte == b'%') {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*byte);
                rest = behind;
            }
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn fields(body: &str) -> Result<Vec<(String, Option<String>, String)>, MultipartError> {
        let parts = parse(body.as_bytes(), "X")?.into_iter();
        let shown = |part: Part<'_>| {
            let filename = part.filename.as_ref().map(ToString::to_string);
            (part.name.to_string(), filename, part.text().into_owned())
        };
        Ok(parts.map(shown).collect())
    }

    /// The one part that a body of this disposition holds.
    fn disposed(disposition: &str) -> (String, Option<String>) {
        let body = format!("--X\r\nContent-Disposition: {disposition}\r\n\r\n\r\n--X--\r\n");
        let (name, filename, _) = fields(&body).unwrap().remove(0);
        (name, filename)
    }

    #[test]
    fn the_boundary_is_read_from_the_content_type() {
        for (content_type, expected) in [
            ("multipart/form-data; boundary=xyz", Some("xyz")),
            ("Multipart/Form-Data;Boundary=\"a b\"", Some("a b")),
            (
                "multipart/mixed; charset=utf-8; boundary=----w1",
                Some("----w1"),
            ),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("text/plain; boundary=x", None),
            ("", None),
        ] {
            assert_eq!(boundary(content_type).ok(), expected, "{content_type}");
        }
        let long = format!("multipart/form-data; boundary={}", "x".repeat(300));
        assert_eq!(boundary(&long), Err(MultipartError::Boundary));
    }

    #[test]
    fn parts_are_split_at_boundaries_alone() {
        let a = |text: &str| vec![("a".to_owned(), None, text.to_owned())];
        let head = "Content-Disposition: form-data; name=a";
        for (body, expected) in [
            (format!("--X\r\n{head}\r\n\r\n1\r\n--X--\r\n"), a("1")),
            (format!("--X\r\n{head}\r\n\r\n1\r\n--X--"), a("1")),
            (format!("--X \t\r\n{head}\r\n\r\n1\r\n--X-- \r\n"), a("1")),
            (
                format!("preamble\r\n--X\r\n{head}\r\n\r\n1\r\n--X--\r\nepilogue"),
                a("1"),
            ),
            (format!("--X\n{head}\n\n1\n--X--\n"), a("1")),
            (format!("--X\n{head}\n\n1\r\n--X--\n"), a("1\r")),
            (
                format!("--X\r\n{head}\r\n\r\n1\n--X--\r\n--X--"),
                a("1\n--X--"),
            ),
            (format!("--X\r\n{head}\r\n\r\n\r\n--X--"), a("")),
            (format!("--X\r\n{head}\r\n\r\n--X--"), a("")),
            ("--X--".to_owned(), vec![]),
            (
                "--X\r\n\r\nx\r\n--X--".to_owned(),
                vec![(String::new(), None, "x".to_owned())],
            ),
        ] {
            assert_eq!(fields(&body), Ok(expected), "{body:?}");
        }
    }

    #[test]
    fn broken_forms_name_the_fault() {
        let many = format!("{}--X--", "--X\r\n\r\n\r\n".repeat(MAX_PARTS + 1));
        let long = format!("--X\r\na: {}\r\n\r\n\r\n--X--", "x".repeat(20_000));
        let lines = format!("--X\r\n{}\r\n\r\n--X--", "a: b\r\n".repeat(5_000));
        for (body, error) in [
            ("", MultipartError::NoParts),
            ("x--X\r\n\r\n", MultipartError::NoParts),
            ("--XY\r\n\r\n--XY--", MultipartError::NoParts),
            ("--X\r\n", MultipartError::Truncated),
            ("--X\r\na: b\r\n\r\ncontent", MultipartError::Truncated),
            ("--X\r\n\r\n1\r\n--X\r\n\r\n2", MultipartError::Truncated),
            (
                "--X\r\n\r\n1\r\n--XY\r\n--X-\r\n--X--Y",
                MultipartError::Truncated,
            ),
            (&many, MultipartError::TooManyParts),
            (&long, MultipartError::HeadersTooLarge),
            (&lines, MultipartError::HeadersTooLarge),
        ] {
            assert_eq!(fields(body), Err(error));
        }
    }

    #[test]
    fn names_are_read_in_the_forms_that_clients_write() {
        for (disposition, name, filename) in [
            ("form-data; name=\"a\"", "a", None),
            ("form-data; name=a; filename=b.dmp", "a", Some("b.dmp")),
            (
                "form-data;name=\"sentry[tags][x]\"",
                "sentry[tags][x]",
                None,
            ),
            (
                "form-data; filename=\"b;c=d\"; name=\"a\"",
                "a",
                Some("b;c=d"),
            ),
            (r#"form-data; name="a\"b\\c""#, r#"a"b\c"#, None),
            (
                r#"form-data; name=a; filename="C:\dump.dmp""#,
                "a",
                Some(r"C:\dump.dmp"),
            ),
            ("form-data; name=\"a%22b%0D%0A%41é\"", "a\"b\r\n%41é", None),
            (
                "form-data; name=a; filename*=UTF-8''na%C3%AFve%20%2; filename=\"naive\"",
                "a",
                Some("naïve %2"),
            ),
            (
                "form-data; name=a; filename*=latin1''x; filename=y",
                "a",
                Some("y"),
            ),
            ("form-data; name=\"unfinished", "unfinished", None),
            ("form-data; ; odd; name=a", "a", None),
            ("form-data", "", None),
            ("", "", None),
        ] {
            let expected = (name.to_owned(), filename.map(ToOwned::to_owned));
            assert_eq!(disposed(disposition), expected, "{disposition}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in vec(prop_oneof![any::<u8>(), prop::sample::select(b"-X\r\n:;=\"\\% ".to_vec())], 0..400)) {
            let _ = parse(&bytes, "X");
            let _ = parse(&[b"--X\r\n", bytes.as_slice()].concat(), "X");
            let _ = boundary(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn what_is_written_is_read_back(
            parts in vec(("[a-z\\[\\]\"%]{0,12}", proptest::option::of("[ -~é]{0,12}"), vec(any::<u8>(), 0..60)), 0..6),
            newline in prop::sample::select(vec!["\r\n", "\n"]),
        ) {
            let boundary = "----boundary-that-no-content-has";
            let mut body = Vec::new();
            let quote = |text: &str| text.replace('\\', "\\\\").replace('%', "\u{1}").replace('"', "%22").replace('\u{1}', "%");
            for (name, filename, content) in &parts {
                let filename = filename.as_ref().map(|name| format!("; filename=\"{}\"", quote(name)));
                let filename = filename.unwrap_or_default();
                let name = quote(name);
                body.extend_from_slice(format!("--{boundary}{newline}Content-Disposition: form-data; name=\"{name}\"{filename}{newline}{newline}").as_bytes());
                body.extend_from_slice(content);
                body.extend_from_slice(newline.as_bytes());
            }
            body.extend_from_slice(format!("--{boundary}--{newline}").as_bytes());
            let read = parse(&body, boundary).unwrap();
            prop_assert_eq!(read.len(), parts.len());
            for (read, (name, filename, content)) in read.iter().zip(&parts) {
                prop_assert_eq!(read.body, content.as_slice());
                // A percent sign in front of the right digits cannot be told from an escape: browsers do not escape it.
                if !name.contains('%') {
                    prop_assert_eq!(&*read.name, name);
                }
                if !filename.as_ref().is_some_and(|name| name.contains('%')) {
                    prop_assert_eq!(read.filename.as_deref(), filename.as_deref());
                }
            }
        }
    }
}
