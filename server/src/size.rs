//! Sizes as people write them: `512MiB`, `10GiB`, `0`.

/// What a size may look like, for messages.
pub(crate) const EXPECTED: &str = "a size, such as 512MiB, 10GiB or 0";

/// Reads a whole number of bytes, with a unit of 1024 (`KiB`, `MiB`, `GiB`, `TiB`) or of 1000 (`KB`, `MB`, `GB`, `TB`), in
/// any case, or none. `None` if it is no size, or one beyond 64 bits. A letter alone (`10G`) is no unit: people mean either
/// by it.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("512MiB", Some(512 << 20)),
            (" 10 gib ", Some(10 << 30)),
            ("3KiB", Some(3072)),
            ("3KB", Some(3000)),
            ("7 B", Some(7)),
            ("2TB", Some(2_000_000_000_000)),
            ("", None),
            ("MiB", None),
            ("-1", None),
            ("1.5GiB", None),
            ("1K", None),
            ("1m", None),
            ("1 G", None),
            ("1T", None),
            ("10GiBs", None),
            ("99999999999TiB", None),
        ] {
            assert_eq!(parse(text), bytes, "{text}");
        }
    }
}
