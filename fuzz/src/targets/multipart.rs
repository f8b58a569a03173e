//! Forms of several parts. The boundary is the first line of an input, so that it is changed too.

use bugle_protocol::multipart::parse;

use crate::captures::Captures;

const FORMS: &[&str] = &[
    "boundary\r\n--boundary\r\nContent-Disposition: form-data; name=\"sentry[release]\"\r\n\r\n1.0\r\n--boundary\r\n\
     Content-Disposition: form-data; name=\"upload_file_minidump\"; filename=\"C:\\crash\\a.dmp\"\r\n\
     Content-Type: application/octet-stream\r\n\r\nMDMP\x01\x02\r\n\r\n--boundary--\r\n",
    "X\npreamble\n--X\nContent-Disposition: form-data; name=\"sentry\"\n\n{\"release\":\"1\"}\n--X--\nepilogue",
    "b\r\n--b\r\ncontent-disposition: form-data; name=a; filename*=UTF-8''na%C3%AFve.txt; filename=\"n\\\"a%22.txt\"\r\n\r\n\r\n--b--",
    "b\r\n--b--\r\n",
];

/// Forms of crash reporters and of `curl`, and one with a captured event in it.
pub fn seeds(captures: &Captures) -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = FORMS.iter().map(|form| form.as_bytes().to_vec()).collect();
    for store in captures.stores.iter().take(3) {
        let head = &b"b\r\n--b\r\nContent-Disposition: form-data; name=\"event\"\r\n\r\n"[..];
        seeds.push([head, store, &b"\r\n--b--\r\n"[..]].concat());
    }
    seeds
}

/// Splits a form and reads its parts.
pub fn run(input: &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n');
    let (boundary, body) = input.split_at(end.map_or(0, |end| end + 1));
    let boundary = String::from_utf8_lossy(boundary.trim_ascii());
    let Ok(parts) = parse(body, &boundary) else {
        return;
    };
    let content_bytes: usize = parts.iter().map(|part| part.body.len()).sum();
    assert!(content_bytes <= body.len(), "a content is counted twice");
    for part in &parts {
        let _ = (part.text(), part.name.len(), part.filename.as_deref());
    }
}
