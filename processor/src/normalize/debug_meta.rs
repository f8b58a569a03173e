//! The loaded images of an application: binaries, source maps.

use bugle_protocol::Json;

use super::note::{Fault, Path};
use super::read::Reader;
use super::scalar::{ADDRESS, TEXT, UNSIGNED};
use super::schema::{Kind, Schema, field};

/// What is needed to make names of addresses.
pub(super) static DEBUG_META: Schema = Schema::new(
    "debugmeta",
    &[
        field("sdk_info", Kind::Map(&Kind::Any)),
        field("images", Kind::List(&Kind::Custom(image))),
    ],
);

static NATIVE: Schema = Schema::new(
    "nativedebugimage",
    &[
        field("code_id", TEXT),
        field("code_file", TEXT).required(),
        field("debug_id", Kind::Scalar(debug_id)).required(),
        field("debug_file", TEXT),
        field("debug_checksum", TEXT),
        field("arch", TEXT),
        field("image_addr", ADDRESS),
        field("image_size", UNSIGNED),
        field("image_vmaddr", ADDRESS),
        field("type", TEXT),
    ],
)
.aliases(&[
    ("name", "code_file"),
    ("id", "debug_id"),
    ("uuid", "debug_id"),
])
.open();

static SOURCE_MAP: Schema = Schema::new(
    "sourcemapdebugimage",
    &[
        field("code_file", TEXT).required(),
        field("debug_id", Kind::Scalar(debug_id)).required(),
        field("debug_file", TEXT),
        field("type", TEXT),
    ],
)
.open();

static PROGUARD: Schema = Schema::new(
    "proguarddebugimage",
    &[
        field("uuid", Kind::Scalar(debug_id)).required(),
        field("type", TEXT),
    ],
)
.open();

static JVM: Schema = Schema::new(
    "jvmdebugimage",
    &[
        field("debug_id", Kind::Scalar(debug_id)).required(),
        field("type", TEXT),
    ],
)
.open();

fn image(reader: &mut Reader, value: &mut Json<'_>, path: &Path<'_>) {
    let schema = match value.get_str("type") {
        Some("elf" | "macho" | "pe" | "pe_dotnet" | "symbolic" | "wasm" | "apple") => &NATIVE,
        Some("sourcemap") => &SOURCE_MAP,
        Some("proguard") => &PROGUARD,
        Some("jvm") => &JVM,
        _ => {
            let fault = Fault::invalid("unsupported debug image type");
            return reader.notes.reject(path, value, fault);
        }
    };
    reader.read(&Kind::Struct(schema), value, path);
}

/// A UUID with dashes, and for PDB files an age behind it, all in lower case.
fn debug_id(value: &mut Json<'_>) -> Result<(), Fault> {
    let fault = || Fault::invalid("invalid debug identifier");
    let text = value.as_str().ok_or_else(fault)?;
    let hex: String = text.chars().filter(|c| *c != '-').collect();
    if !(32..=40).contains(&hex.len()) || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(fault());
    }
    let hex = hex.to_ascii_lowercase();
    let age = hex[32..].trim_start_matches('0');
    let mut id = format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..32]
    );
    if !age.is_empty() {
        id.push('-');
        id.push_str(age);
    }
    if id != text {
        *value = Json::from(id);
    }
    Ok(())
}
