//! `MessagePack`, as native SDKs write events beside a crash dump.

use bugle_protocol::json::{Json, Number, parse_str, to_string};
use bugle_protocol::msgpack::{MAX_VALUES, parse, values};

use crate::captures::Captures;

/// The captured events in this form, and every kind of value.
pub fn seeds(captures: &Captures) -> Vec<Vec<u8>> {
    let mut seeds = vec![
        b"\x81\xa1a\x01\x81\xa1a\x02".to_vec(),
        b"\x9a\xc0\xc2\xc3\xca\x3f\xc0\0\0\xcb\x3f\xf8\0\0\0\0\0\0\xd0\x80\xd1\xff\xfe\xd6\xff\0\0\0\x05\xc4\x02hi\xda\0\x01a".to_vec(),
        b"\xde\0\x01\x05\xc7\x0c\xff\x1d\xcd\x65\0\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
    ];
    for store in &captures.stores {
        if let Ok(tree) = bugle_protocol::json::parse(store) {
            let mut bytes = Vec::new();
            write(&tree, &mut bytes);
            seeds.push(bytes);
        }
    }
    seeds
}

/// Reads one value and many; what is read can be said in JSON.
pub fn run(input: &[u8]) {
    if let Ok(value) = parse(input) {
        let text = to_string(&value);
        assert!(parse_str(&text).is_ok(), "not JSON: {text}");
    }
    assert!(values(input, &mut { MAX_VALUES }).count() <= input.len());
}

/// Writes a tree in the longer forms.
fn write(value: &Json<'_>, out: &mut Vec<u8>) {
    let header = |marker: u8, len: usize, out: &mut Vec<u8>| {
        out.push(marker);
        out.extend(u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes());
    };
    match value {
        Json::Null => out.push(0xc0),
        Json::Bool(value) => out.push(0xc2 + u8::from(*value)),
        Json::Number(Number::Unsigned(n)) => out.extend([&[0xcf][..], &n.to_be_bytes()].concat()),
        Json::Number(Number::Signed(n)) => out.extend([&[0xd3][..], &n.to_be_bytes()].concat()),
        Json::Number(Number::Float(n)) => out.extend([&[0xcb][..], &n.to_be_bytes()].concat()),
        Json::String(text) => {
            header(0xdb, text.len(), out);
            out.extend_from_slice(text.as_bytes());
        }
        Json::Array(items) => {
            header(0xdd, items.len(), out);
            items.iter().for_each(|item| write(item, out));
        }
        Json::Object(object) => {
            header(0xdf, object.len(), out);
            for (key, value) in object.iter() {
                header(0xdb, key.len(), out);
                out.extend_from_slice(key.as_bytes());
                write(value, out);
            }
        }
    }
}
