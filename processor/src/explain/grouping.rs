//! Answers cases about grouping; events are normalised first, as they are on their road.

use bugle_grouping::explain::{self, ExplainError};
use bugle_protocol::json::{Json, Object, to_string};
use bugle_protocol::{Event, UnixMillis};

use crate::normalize::{Context, Settings, normalize};

/// Groups an event: `{"name", "event"}` gives its variants, title, culprit and level.
#[must_use]
pub fn group(line: &str) -> String {
    answer(explain::group(line, normalized))
}

/// Parameterises a message: `{"input", "mode"?}` gives the same with `output`.
#[must_use]
pub fn message(line: &str) -> String {
    answer(explain::message(line))
}

/// Tries stack trace rules on frames.
#[must_use]
pub fn enhancements(line: &str) -> String {
    answer(explain::enhancements(line, normalized))
}

/// Tries fingerprint rules on an event.
#[must_use]
pub fn fingerprint(line: &str) -> String {
    answer(explain::fingerprint(line, normalized))
}

fn answer(explained: Result<String, ExplainError>) -> String {
    explained.unwrap_or_else(|error| {
        let error = Object::from_iter([("error", Json::from(error.to_string()))]);
        to_string(&Json::Object(error))
    })
}

/// What grouping reads of an event that just came in. A transaction that would be refused groups as nothing.
fn normalized(event: Event<'_>) -> Event<'_> {
    let context = Context {
        received_at: UnixMillis::now(),
        ..Context::default()
    };
    // Reports that browsers no longer send (HPKP, Expect-CT) are no known field any more, but can still be explained.
    let settings = Settings {
        removes_unknown: false,
        ..Settings::default()
    };
    normalize(event, &context, &settings)
        .map(|normalized| normalized.into_event())
        .unwrap_or_default()
}
