//! The words that shape a statement. Others are names, so that a column may be called `date` or `key`.

/// In capitals, sorted.
const KEYWORDS: [&str; 79] = [
    "ALL",
    "ALTER",
    "AND",
    "AS",
    "ASC",
    "BEGIN",
    "BETWEEN",
    "BY",
    "CASE",
    "CLOSE",
    "COLLATE",
    "COMMIT",
    "CONFLICT",
    "CREATE",
    "CROSS",
    "CURSOR",
    "DECLARE",
    "DEFAULT",
    "DELETE",
    "DESC",
    "DISTINCT",
    "DO",
    "DROP",
    "DUPLICATE",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "FALSE",
    "FETCH",
    "FOR",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTERVAL",
    "INTO",
    "IS",
    "JOIN",
    "LATERAL",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NATURAL",
    "NOT",
    "NOTHING",
    "NULL",
    "NULLS",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PARTITION",
    "RELEASE",
    "RETURNING",
    "RIGHT",
    "ROLLBACK",
    "SAVEPOINT",
    "SELECT",
    "SET",
    "TABLE",
    "THEN",
    "TOP",
    "TRUE",
    "UNION",
    "UPDATE",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WITH",
];

/// Longest of them.
const MAX_LENGTH: usize = 9;

/// The keyword that a word is, in any case.
pub(super) fn keyword(word: &str) -> Option<&'static str> {
    if word.len() > MAX_LENGTH || !word.is_ascii() {
        return None;
    }
    let mut upper = [0; MAX_LENGTH];
    let upper = &mut upper[..word.len()];
    upper.copy_from_slice(word.as_bytes());
    upper.make_ascii_uppercase();
    let at = KEYWORDS.binary_search_by_key(&&*upper, |known| known.as_bytes());
    at.ok().map(|at| KEYWORDS[at])
}

#[cfg(test)]
mod tests {
    use super::{KEYWORDS, MAX_LENGTH, keyword};

    #[test]
    fn keywords_are_found_in_any_case() {
        assert!(KEYWORDS.is_sorted());
        let longest = KEYWORDS.iter().map(|word| word.len()).max();
        assert_eq!(longest, Some(MAX_LENGTH));
        assert_eq!(keyword("select"), Some("SELECT"));
        assert_eq!(keyword("Savepoint"), Some("SAVEPOINT"));
        for name in ["", "selects", "date", "ärger", "a_name_that_is_long"] {
            assert_eq!(keyword(name), None);
        }
    }
}
