//! Pages of lists: how many rows, from where, and the `Link` header that leads to the others.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::shortened;
use crate::{ApiError, Call};

/// The most rows of a page, and what a caller gets who does not say.
pub(crate) const MAX_ROWS: u32 = 100;

const HITS: HeaderName = HeaderName::from_static("x-hits");

/// One page of a list with the cursors of its neighbours.
pub(crate) struct Page<T> {
    /// The rows.
    pub(crate) rows: Vec<T>,
    /// The page before.
    pub(crate) previous: Neighbour,
    /// The page behind.
    pub(crate) next: Neighbour,
    /// How many rows all pages have, where that is cheap to know.
    pub(crate) hits: Option<i64>,
}

/// Where another page is.
pub(crate) struct Neighbour {
    /// Its cursor.
    pub(crate) cursor: String,
    /// Whether there is anything now; without, the cursor serves to ask again later.
    pub(crate) has_results: bool,
}

/// The number of rows that `per_page` or `limit` asks for; Grafana asks for thousands and follows the links.
pub(crate) fn row_limit(call: &Call) -> Result<u32, ApiError> {
    let Some(text) = call.param("per_page").or(call.param("limit")) else {
        return Ok(MAX_ROWS);
    };
    match text.parse::<u32>() {
        Ok(rows) if rows > 0 => Ok(rows.min(MAX_ROWS)),
        _ => Err(ApiError::Invalid(format!(
            "invalid limit '{}': expected a number from 1 to {MAX_ROWS}",
            shortened(text)
        ))),
    }
}

/// The cursor that the caller sent, none for the first page: clients begin without, with an empty one or with `0:0:0`.
pub(crate) fn cursor(call: &Call) -> Option<&str> {
    call.param("cursor")
        .filter(|cursor| !cursor.is_empty() && *cursor != "0:0:0")
}

/// A stretch of a list that is read by counting: its cursors are `0:{first row}:{0, or 1 if backwards}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    /// How many rows come before it.
    pub(crate) offset: u32,
    /// How many rows it has.
    pub(crate) limit: u32,
}

impl Stretch {
    /// The stretch that a call asks for.
    pub(crate) fn of(call: &Call) -> Result<Self, ApiError> {
        let offset = cursor(call).map_or(Ok(0), |text| {
            offset(text)
                .ok_or_else(|| ApiError::Invalid(format!("invalid cursor '{}'", shortened(text))))
        })?;
        Ok(Self {
            offset,
            limit: row_limit(call)?,
        })
    }

    /// The first row and one more than the last, to find out whether there is a page behind.
    pub(crate) fn limit_and_one(self) -> u32 {
        self.limit + 1
    }

    /// The page of rows that were read up to [`Self::limit_and_one`].
    pub(crate) fn page<T>(self, mut rows: Vec<T>) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let before = self.offset.saturating_sub(self.limit);
        let behind = self.offset.saturating_add(self.limit);
        Page {
            rows,
            previous: Neighbour {
                cursor: format!("0:{before}:1"),
                has_results: self.offset > 0,
            },
            next: Neighbour {
                cursor: format!("0:{behind}:0"),
                has_results: more,
            },
            hits: None,
        }
    }

    /// The page of a list that is in memory as a whole.
    pub(crate) fn cut<T>(self, all: impl IntoIterator<Item = T>) -> Page<T> {
        let skipped = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let taken = usize::try_from(self.limit_and_one()).unwrap_or(usize::MAX);
        self.page(all.into_iter().skip(skipped).take(taken).collect())
    }
}

fn offset(cursor: &str) -> Option<u32> {
    let mut parts = cursor.splitn(3, ':');
    let (value, offset, backwards) = (parts.next()?, parts.next()?, parts.next()?);
    (value == "0" && matches!(backwards, "0" | "1")).then(|| offset.parse().ok())?
}

impl<T: Serialize> Page<T> {
    /// The answer: the rows as a JSON list, the neighbours in the `Link` header.
    pub(crate) fn answer(&self, call: &Call) -> Response {
        let mut headers = HeaderMap::new();
        if let Ok(link) = HeaderValue::try_from(self.link(call)) {
            headers.insert(header::LINK, link);
        }
        if let Some(hits) = self.hits {
            headers.insert(HITS, hits.into());
        }
        let exposed = HeaderValue::from_static("Link, X-Hits");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        (headers, Json(&self.rows)).into_response()
    }

    /// Source of the form: <https://docs.sentry.io/api/pagination/>.
    fn link(&self, call: &Call) -> String {
        let address = address(call);
        let one = |rel, neighbour: &Neighbour| {
            let Neighbour {
                cursor,
                has_results,
            } = neighbour;
            format!(
                "<{address}cursor={cursor}>; rel=\"{rel}\"; results=\"{has_results}\"; cursor=\"{cursor}\""
            )
        };
        let (previous, next) = (one("previous", &self.previous), one("next", &self.next));
        format!("{previous}, {next}")
    }
}

/// The full URL of the call with all its parameters but the cursor, ready for one more.
fn address(call: &Call) -> String {
    let base = call.api.base_url.trim_end_matches('/');
    let mut address = format!("{base}{}?", call.path);
    for (key, value) in call.params().iter().filter(|(key, _)| key != "cursor") {
        push_encoded(&mut address, key);
        address.push('=');
        push_encoded(&mut address, value);
        address.push('&');
    }
    address
}

/// Appends a text so that it survives in a query and in a header.
fn push_encoded(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_strictly() {
        assert_eq!(offset("0:100:0"), Some(100));
        assert_eq!(offset("0:0:1"), Some(0));
        for bad in [
            "",
            "0",
            "0:1",
            "1:1:0",
            "0:-1:0",
            "0:1:2",
            "0:99999999999:0",
            "0:1:0:0",
            "é",
        ] {
            assert_eq!(offset(bad), None, "{bad}");
        }
    }

    #[test]
    fn nothing_ends_the_url_early() {
        let mut out = String::new();
        push_encoded(&mut out, "is:new >\"é\r\n&=1");
        assert_eq!(out, "is%3Anew%20%3E%22%C3%A9%0D%0A%26%3D1");
    }
}
