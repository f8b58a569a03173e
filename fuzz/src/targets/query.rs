//! The condition language: what people type into the search field, and what rules are made of.

use bugle_protocol::{Level, UnixMillis};
use bugle_query::{Fields, Key, MAX_BYTES, Query, Values, rules};

use crate::captures::Captures;

const SEEDS: &[&str] = &[
    "is:unresolved error.type:[DisallowedHost, SuspiciousOperation] !level:info",
    "message:\"could not \\\"connect*\" AND (release:1.2.* OR has:user.email) age:-24h",
    "transaction.duration:>=500ms times_seen:>10 timestamp:2026-11-20T11:16:44+01:00 size:<2mib",
    "# Robots\nrequest.user_agent:[*bot*, *crawler*] -> drop\n\ntransaction:/api/* -> sample 0.5\n",
    "tags[a:b]:\"*\" !has:tags[é] free text \u{1f980}",
];

/// Conditions and rules as people write them.
pub fn seeds(_: &Captures) -> Vec<Vec<u8>> {
    SEEDS.iter().map(|seed| seed.as_bytes().to_vec()).collect()
}

/// Answers every key with a value of some type, so that each comparison is tried.
struct AnyFields<'a>(&'a str);

impl Fields for AnyFields<'_> {
    fn values(&self, key: &Key) -> Values<'_> {
        match key.name().len() % 10 {
            0 => Values::None,
            1 => Values::Number(1e300),
            2 => Values::Duration(-0.5),
            3 => Values::Time(UnixMillis(i64::MAX)),
            4 => Values::Bool(true),
            5 => Values::Level(Level::Error),
            6 => Values::Version(self.0.into()),
            7 => Values::Many(vec![Values::Number(0.5), self.0.into()]),
            8 => Values::Opaque,
            _ => Values::from(self.0),
        }
    }

    fn free_text(&self) -> Values<'_> {
        Values::from(self.0)
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(i64::MIN)
    }
}

/// Parses a text as a condition and as rules, and asks both.
pub fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match Query::parse(&text) {
        Ok(query) => {
            let printed = query.to_string();
            // Escapes may make it longer than what is parsed.
            if printed.len() <= MAX_BYTES {
                assert_eq!(
                    Query::parse(&printed).as_ref(),
                    Ok(&query),
                    "printed as {printed}"
                );
            }
            let _ = query.matches(&AnyFields(&text));
        }
        Err(error) => assert!(
            error.render(&text).contains('^'),
            "the error shows no place"
        ),
    }
    let (rules, _) = rules::parse_lenient(&text, |action| Ok(action.to_owned()));
    let _ = rules.matching(&AnyFields(&text)).count();
}
