//! The HTTP request during which an event happened.

use bugle_protocol::Json;
use bugle_protocol::event::Request;
use bugle_protocol::json;
use serde::Serialize;

use super::curl;
use super::fields::{self, Field};
use super::noted::Noted;
use crate::url::as_link;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RequestView {
    method: Option<String>,
    url: Option<Field>,
    query: Vec<Field>,
    headers: Vec<Field>,
    cookies: Vec<Field>,
    env: Vec<Field>,
    body: Option<Field>,
    /// A command that repeats it, if the URL is one.
    curl: Option<String>,
}

impl RequestView {
    /// Reads a `request`.
    pub(super) fn new(noted: Noted<'_, '_>) -> Option<Self> {
        let request = Request(noted.object()?);
        let mut view = Self {
            method: request.method().map(str::to_owned),
            url: noted.get("url").map(|url| Field::new("URL", url)),
            query: query(noted.get("query_string")),
            headers: fields::of_pairs(noted.get("headers")),
            cookies: fields::of_pairs(noted.get("cookies")),
            env: fields::of_object(noted.get("env")),
            body: noted.get("data").map(|body| Field::new("Body", body)),
            curl: None,
        };
        view.curl = request
            .url()
            .and_then(as_link)
            .map(|url| view.command(url, request));
        Some(view)
    }

    fn with_query(&self, url: &str) -> String {
        let fields = self.query.iter();
        let pairs: Vec<_> = fields.map(|f| (f.key.as_str(), f.text())).collect();
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| (*k, v.as_str())).collect();
        crate::url::with_query(url, &pairs)
    }

    fn command(&self, url: &str, request: Request<'_, '_>) -> String {
        let url = match request.0.get_str("query_string") {
            Some(query) => format!("{url}?{query}"),
            None => self.with_query(url),
        };
        let body = request.data().map(|body| match body {
            Json::String(text) => text.to_string(),
            other => json::to_string(other),
        });
        let method = request.method().unwrap_or("GET");
        curl::command(method, &url, &self.headers, &self.cookies, body.as_deref())
    }
}

/// The pairs of a query; one that could not be split is shown as it is.
fn query(query: Option<Noted<'_, '_>>) -> Vec<Field> {
    match query {
        Some(text) if text.json.as_str().is_some() => vec![Field::new("query", text)],
        other => fields::of_pairs(other),
    }
}
