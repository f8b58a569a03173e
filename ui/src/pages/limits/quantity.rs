//! Quantities as people type them.

use crate::ledger::Unit;

/// Units of bytes with their sizes, the longer names first. They are those of the command line; a letter alone is none, as
/// people mean either by it.
const UNITS: [(&str, u64); 9] = [
    ("KIB", 1 << 10),
    ("MIB", 1 << 20),
    ("GIB", 1 << 30),
    ("TIB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

/// Reads `1000`, `1 000`, `500 MB`; bytes may have a unit and then a fraction.
///
/// # Errors
/// What is wrong, as a sentence for the person who typed it.
pub(super) fn parse(text: &str, unit: Unit) -> Result<u64, String> {
    let is_separator = |c: char| c.is_whitespace() || matches!(c, '_' | '\'' | '\u{202f}');
    let plain: String = text.chars().filter(|c| !is_separator(*c)).collect();
    if plain.is_empty() {
        return Err("Say how much may be sent; 0 refuses everything.".to_owned());
    }
    let upper = plain.to_ascii_uppercase();
    let named = UNITS
        .iter()
        .find_map(|(name, size)| Some((upper.strip_suffix(name)?, *size)));
    let (number, size) = named.unwrap_or((&upper, 1));
    if size > 1 && unit == Unit::Items {
        return Err(
            "Units such as MB are for categories that count bytes; these count items.".to_owned(),
        );
    }
    let read = match number.split_once('.') {
        Some((whole, fraction)) if size > 1 => with_fraction(whole, fraction, size),
        _ => digits(number).and_then(|number| number.checked_mul(size)),
    };
    read.filter(|quantity| i64::try_from(*quantity).is_ok())
        .ok_or_else(|| complaint(unit))
}

fn complaint(unit: Unit) -> String {
    match unit {
        Unit::Items => "This is not a whole number, such as 1000.",
        Unit::Bytes => "This is not an amount of bytes, such as 500 MB or 1000000.",
    }
    .to_owned()
}

fn digits(text: &str) -> Option<u64> {
    let is_plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

fn with_fraction(whole: &str, fraction: &str, size: u64) -> Option<u64> {
    let fraction = fraction.get(..fraction.len().min(6))?;
    let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    let part = u128::from(digits(fraction)?) * u128::from(size) / u128::from(scale);
    let whole = digits(whole)?.checked_mul(size)?;
    whole.checked_add(u64::try_from(part).ok()?)
}

/// The text that [`parse`] reads as this quantity.
pub(super) fn text(quantity: u64, unit: Unit) -> String {
    if unit == Unit::Bytes && quantity > 0 {
        for (name, size) in UNITS[4..8].iter().rev() {
            if quantity.is_multiple_of(*size) {
                return format!("{} {name}", quantity / size);
            }
        }
    }
    quantity.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_people_write_them() {
        for (typed, unit, quantity) in [
            ("1000", Unit::Items, 1000),
            (" 1 000\u{202f}000 ", Unit::Items, 1_000_000),
            ("0", Unit::Items, 0),
            ("500 MB", Unit::Bytes, 500_000_000),
            ("1.5gib", Unit::Bytes, 1_610_612_736),
            ("12b", Unit::Bytes, 12),
            ("3 KiB", Unit::Bytes, 3072),
            ("3 KB", Unit::Bytes, 3000),
            ("1_000", Unit::Bytes, 1000),
        ] {
            assert_eq!(parse(typed, unit), Ok(quantity), "{typed}");
        }
        for (typed, unit) in [
            ("", Unit::Items),
            ("-1", Unit::Items),
            ("1,000", Unit::Items),
            ("1.5", Unit::Items),
            ("10 MB", Unit::Items),
            ("many", Unit::Bytes),
            ("99999999999999999999", Unit::Items),
            ("9223372036854775808", Unit::Items),
            ("99999999 TB", Unit::Bytes),
            ("1.é GB", Unit::Bytes),
            ("1.ééééééé GB", Unit::Bytes),
            (".5 GB", Unit::Bytes),
            ("MB", Unit::Bytes),
            ("1K", Unit::Bytes),
            ("1 g", Unit::Bytes),
            ("٣", Unit::Items),
        ] {
            assert!(parse(typed, unit).is_err(), "{typed}");
        }
        for (quantity, unit) in [
            (0, Unit::Bytes),
            (5_000_000, Unit::Bytes),
            (1_234_567, Unit::Bytes),
            (5000, Unit::Items),
        ] {
            assert_eq!(parse(&text(quantity, unit), unit), Ok(quantity));
        }
        assert_eq!(text(500_000_000, Unit::Bytes), "500 MB");
    }
}
