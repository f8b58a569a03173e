//! Quantities as people read them.

use bugle_protocol::DataCategory;
use serde::Serialize;

use crate::templates::grouped;

/// What a quantity counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Things.
    Items,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// The unit of a category by its name; one that this version does not know counts items.
    pub(crate) fn of(category: &str) -> Self {
        match DataCategory::from_name(category) {
            Some(category) if category.is_bytes() => Self::Bytes,
            _ => Self::Items,
        }
    }
}

/// A quantity for a table: short enough to be compared, with the exact number beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Amount {
    /// `1 234` or `1.2 MB`.
    pub(crate) text: String,
    /// `1 234 567 bytes`; none where the text is exact.
    pub(crate) exact: Option<String>,
}

impl Amount {
    /// A quantity in its unit.
    pub(crate) fn new(quantity: i64, unit: Unit) -> Self {
        match unit {
            Unit::Items => Self {
                text: grouped(quantity),
                exact: None,
            },
            Unit::Bytes => Self {
                text: bytes(quantity),
                exact: (quantity >= 1000).then(|| format!("{} bytes", grouped(quantity))),
            },
        }
    }
}

/// `1234567` as `1.2 MB`, in steps of a thousand; never more than was counted.
pub(crate) fn bytes(count: i64) -> String {
    let (unit, name) = match count {
        ..1_000 => return format!("{count} B"),
        1_000..1_000_000 => (1_000, "KB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        1_000_000_000..1_000_000_000_000 => (1_000_000_000, "GB"),
        _ => (1_000_000_000_000, "TB"),
    };
    let tenths = count / (unit / 10);
    if tenths < 100 && tenths % 10 != 0 {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", grouped(tenths / 10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_readable() {
        for (count, text) in [
            (0, "0 B"),
            (-5, "-5 B"),
            (999, "999 B"),
            (1000, "1 KB"),
            (1234, "1.2 KB"),
            (99_999, "99 KB"),
            (999_999, "999 KB"),
            (1_400_000, "1.4 MB"),
            (2_000_000_000, "2 GB"),
            (i64::MAX, "9\u{202f}223\u{202f}372 TB"),
        ] {
            assert_eq!(bytes(count), text);
        }
        let amount = Amount::new(1_234_567, Unit::of("attachment"));
        assert_eq!(amount.text, "1.2 MB");
        assert_eq!(amount.exact.unwrap(), "1\u{202f}234\u{202f}567 bytes");
        assert_eq!(Amount::new(1234, Unit::of("error")).text, "1\u{202f}234");
        assert_eq!(Unit::of("wat"), Unit::Items);
    }
}
