//! The parameters of a request's address.

use axum::extract::Query;
use axum::http::Uri;

/// The decoded parameters in their order.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads an address. A query that is none at all has no parameters.
    pub(super) fn of(uri: &Uri) -> Self {
        match Query::try_from_uri(uri) {
            Ok(Query(pairs)) => Self(pairs),
            Err(_) => Self(Vec::new()),
        }
    }

    /// The first value of `name` that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        let found = values.find(|(_, value)| !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }
}
