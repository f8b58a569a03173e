//! The flat parts of an event.

use crate::json::{Json, Object};
use crate::timestamp::parse_timestamp;

/// A log message with its template.
#[derive(Clone, Copy, Debug)]
pub struct LogEntry<'t, 'a>(pub &'t Object<'a>);

/// Something that happened before the event.
#[derive(Clone, Copy, Debug)]
pub struct Breadcrumb<'t, 'a>(pub &'t Object<'a>);

/// The HTTP request during which the event happened.
#[derive(Clone, Copy, Debug)]
pub struct Request<'t, 'a>(pub &'t Object<'a>);

/// The user to whom the event happened.
#[derive(Clone, Copy, Debug)]
pub struct User<'t, 'a>(pub &'t Object<'a>);

/// The client library.
#[derive(Clone, Copy, Debug)]
pub struct Sdk<'t, 'a>(pub &'t Object<'a>);

impl<'t> LogEntry<'t, '_> {
    /// The template, constant over all occurrences.
    #[must_use]
    pub fn message(self) -> Option<&'t str> {
        self.0.get_str("message")
    }

    /// The text with its parameters filled in.
    #[must_use]
    pub fn formatted(self) -> Option<&'t str> {
        self.0.get_str("formatted")
    }

    /// The text a person should read.
    #[must_use]
    pub fn text(self) -> Option<&'t str> {
        self.formatted().or(self.message())
    }
}

impl<'t, 'a> Breadcrumb<'t, 'a> {
    /// When, in seconds since the epoch.
    #[must_use]
    pub fn timestamp(self) -> Option<f64> {
        parse_timestamp(self.0.get("timestamp")?)
    }

    /// `http`, `query`, `navigation`, `default` …
    #[must_use]
    pub fn ty(self) -> Option<&'t str> {
        self.0.get_str("type")
    }

    /// A dotted name such as `httplib` or `orders.service`.
    #[must_use]
    pub fn category(self) -> Option<&'t str> {
        self.0.get_str("category")
    }

    /// The level's name.
    #[must_use]
    pub fn level(self) -> Option<&'t str> {
        self.0.get_str("level")
    }

    /// The text.
    #[must_use]
    pub fn message(self) -> Option<&'t str> {
        self.0.get_str("message")
    }

    /// The details.
    #[must_use]
    pub fn data(self) -> Option<&'t Object<'a>> {
        self.0.get("data")?.as_object()
    }
}

impl<'t, 'a> Request<'t, 'a> {
    /// The URL without query and fragment.
    #[must_use]
    pub fn url(self) -> Option<&'t str> {
        self.0.get_str("url")
    }

    /// The method.
    #[must_use]
    pub fn method(self) -> Option<&'t str> {
        self.0.get_str("method")
    }

    /// The body: any JSON, or a text.
    #[must_use]
    pub fn data(self) -> Option<&'t Json<'a>> {
        self.0.get("data")
    }

    /// The headers in order, as normalising left them (a list of pairs).
    pub fn headers(self) -> impl Iterator<Item = (&'t str, &'t str)> {
        pairs(self.0.get("headers"))
    }

    /// The value of one header; `name` in Title-Case.
    #[must_use]
    pub fn header(self, name: &str) -> Option<&'t str> {
        self.headers()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The query string's pairs.
    pub fn query_string(self) -> impl Iterator<Item = (&'t str, &'t str)> {
        pairs(self.0.get("query_string"))
    }

    /// The cookies.
    pub fn cookies(self) -> impl Iterator<Item = (&'t str, &'t str)> {
        pairs(self.0.get("cookies"))
    }
}

fn pairs<'t>(json: Option<&'t Json<'_>>) -> impl Iterator<Item = (&'t str, &'t str)> {
    json.and_then(Json::as_array)
        .unwrap_or_default()
        .iter()
        .filter_map(|pair| {
            let pair = pair.as_array()?;
            Some((
                pair.first()?.as_str()?,
                pair.get(1).and_then(Json::as_str).unwrap_or_default(),
            ))
        })
}

impl<'t> User<'t, '_> {
    /// The application's id of the user.
    #[must_use]
    pub fn id(self) -> Option<&'t str> {
        self.0.get_str("id")
    }

    /// The e-mail address.
    #[must_use]
    pub fn email(self) -> Option<&'t str> {
        self.0.get_str("email")
    }

    /// The login name.
    #[must_use]
    pub fn username(self) -> Option<&'t str> {
        self.0.get_str("username")
    }

    /// The address.
    #[must_use]
    pub fn ip_address(self) -> Option<&'t str> {
        self.0.get_str("ip_address")
    }

    /// What tells this user from others when users are counted: the first of id, username, e-mail and address, with
    /// its kind in front, such as `id:42`.
    #[must_use]
    pub fn identity(self) -> Option<String> {
        let candidates = [
            ("id", self.id()),
            ("username", self.username()),
            ("email", self.email()),
            ("ip", self.ip_address()),
        ];
        let (kind, value) = candidates
            .into_iter()
            .find_map(|(kind, value)| Some((kind, value.filter(|v| !v.is_empty())?)))?;
        Some(format!("{kind}:{value}"))
    }
}

impl<'t> Sdk<'t, '_> {
    /// The name, such as `sentry.python.django`.
    #[must_use]
    pub fn name(self) -> Option<&'t str> {
        self.0.get_str("name")
    }

    /// The version.
    #[must_use]
    pub fn version(self) -> Option<&'t str> {
        self.0.get_str("version")
    }
}
