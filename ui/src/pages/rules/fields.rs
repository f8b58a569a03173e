//! The fields of a form as it was sent.

/// Pairs of a name and a value, in the form's order; a name may stand there more than once.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Takes the pairs of a body. Browsers end the lines of a text with CR LF; in here they end with LF.
    pub(super) fn new(pairs: Vec<(String, String)>) -> Self {
        let unified = |(name, value): (String, String)| match value.contains('\r') {
            true => (name, value.replace("\r\n", "\n").replace('\r', "\n")),
            false => (name, value),
        };
        Self(pairs.into_iter().map(unified).collect())
    }

    /// The value of a field; empty if it was not sent.
    pub(super) fn get(&self, name: &str) -> &str {
        let named = self.0.iter().find(|(key, _)| key == name);
        named.map_or("", |(_, value)| value)
    }

    /// All values of a field.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Whether a box was checked.
    pub(super) fn is_checked(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }
}

/// The lines of a text that are not blank, trimmed.
pub(super) fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_one_way() {
        let pairs = [("a", "x\r\n\r\n y \rz"), ("b", "")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fields = Fields::new(pairs.to_vec());
        assert_eq!(fields.get("a"), "x\n\n y \nz");
        assert_eq!(lines(fields.get("a")), ["x", "y", "z"]);
        assert!(fields.is_checked("b") && !fields.is_checked("c"));
        assert_eq!(fields.get("c"), "");
    }
}
