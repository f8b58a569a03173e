//! The fields by name.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use bugle_protocol::event::{Request, User};
use bugle_query::Values;

use super::lists::{List, frames};
use super::read::version_and_build;
use super::{Facts, paths};

/// A field of events that conditions can ask for.
#[derive(Debug)]
pub struct Field {
    /// Its name; `extra.*` stands for all names that begin so.
    pub name: &'static str,
    /// Other names of the same field.
    pub aliases: &'static [&'static str],
    /// What its values are.
    pub kind: FieldKind,
    /// What it holds, in a sentence.
    pub meaning: &'static str,
    get: Get,
}

/// What the values of a field are, which says how conditions compare them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Texts, without an order.
    Text,
    /// Numbers, or sizes in bytes.
    Number,
    /// Milliseconds.
    Duration,
    /// Points in time.
    Time,
    /// `true` or `false`.
    Bool,
    /// Severities.
    Level,
    /// Versions.
    Version,
    /// Addresses, which belong to networks.
    Address,
    /// Whatever the client sent; comparisons read a text as what the condition's value is.
    Any,
}

/// How a field is read.
type One = for<'f, 'e> fn(&'f Facts<'e>) -> Values<'f>;
/// How the fields of a group are read: by what follows the dot.
type Under = for<'f, 'e> fn(&'f Facts<'e>, &str) -> Values<'f>;

#[derive(Debug)]
enum Get {
    One(One),
    Under(Under),
}

/// A field that was found by its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'n> {
    pub(super) field: &'static Field,
    /// What follows the dot of a group.
    rest: &'n str,
}

impl FieldKind {
    /// The name that people read.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Duration => "duration",
            Self::Time => "time",
            Self::Bool => "true or false",
            Self::Level => "level",
            Self::Version => "version",
            Self::Address => "address",
            Self::Any => "any",
        }
    }
}

impl Field {
    const fn new(name: &'static str, kind: FieldKind, meaning: &'static str, get: One) -> Self {
        Self {
            name,
            aliases: &[],
            kind,
            meaning,
            get: Get::One(get),
        }
    }

    const fn group(name: &'static str, meaning: &'static str, get: Under) -> Self {
        Self {
            name,
            aliases: &[],
            kind: FieldKind::Any,
            meaning,
            get: Get::Under(get),
        }
    }

    const fn or(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// All names.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// Whether the name stands for all that begin with it.
    #[must_use]
    pub fn is_group(&self) -> bool {
        matches!(self.get, Get::Under(_))
    }
}

impl Found<'_> {
    pub(super) fn read<'f>(self, facts: &'f Facts<'_>) -> Values<'f> {
        match self.field.get {
            Get::One(get) => get(facts),
            Get::Under(get) => get(facts, self.rest),
        }
    }
}

/// The field of a name, or the group to which it belongs.
pub(super) fn find(name: &str) -> Option<Found<'_>> {
    if let Some(field) = BY_NAME.get(name) {
        return Some(Found { field, rest: "" });
    }
    GROUPS.iter().find_map(|(prefix, field)| {
        let rest = name.strip_prefix(prefix)?;
        (!rest.is_empty()).then_some(Found { field, rest })
    })
}

static BY_NAME: LazyLock<HashMap<&'static str, &'static Field>> = LazyLock::new(|| {
    let single = FIELDS.iter().filter(|field| !field.is_group());
    single
        .flat_map(|field| field.names().map(move |name| (name, field)))
        .collect()
});

/// The groups by what their names begin with.
static GROUPS: LazyLock<Vec<(&'static str, &'static Field)>> = LazyLock::new(|| {
    let groups = FIELDS.iter().filter(|field| field.is_group());
    groups
        .flat_map(|field| {
            field
                .names()
                .map(move |name| (name.trim_end_matches('*'), field))
        })
        .collect()
});

use FieldKind::{Address, Any, Bool, Duration, Level, Number, Text, Time};

/// All fields, those that belong together in a row.
pub static FIELDS: &[Field] = &[
    Field::new("event.type", Text, "What it is: `error`, `default` (a message), `transaction`, `csp`, `nel`, ...", |f| {
        f.event.event_type().into()
    }),
    Field::new("id", Text, "The event's id, 32 hex digits.", |f| f.text("event_id")).or(&["event.id"]),
    Field::new("timestamp", Time, "When it happened, after correcting the client's clock.", |f| f.time("timestamp")),
    Field::new("received", Time, "When it arrived.", |f| f.time("received")),
    Field::new("level", Level, "Its severity: `debug`, `info`, `warning`, `error` or `fatal`.", |f| {
        Values::Level(f.event.level())
    }),
    Field::new("title", Text, "`type: value` of the exception that was raised last, the first line of a log message, or the transaction.", |f| {
        Some(f.title()).filter(|title| !title.is_empty()).into()
    }),
    Field::new("message", Text, "The log message, its template, and the values of all exceptions.", |f| f.list(List::Message)),
    Field::new("culprit", Text, "Where it happened: what the client says, or the transaction.", |f| {
        f.event.get_str("culprit").or(f.event.get_str("transaction")).into()
    }),
    Field::new("platform", Text, "The language or system: `python`, `javascript`, ...", |f| f.event.platform().into())
        .or(&["platform.name"]),
    Field::new("logger", Text, "The name of the logger.", |f| f.text("logger")),
    Field::new("environment", Text, "Such as `production`.", |f| f.text("environment")),
    Field::new("server_name", Text, "The host on which it happened.", |f| {
        f.event.tag("server_name").or(f.event.get_str("server_name")).into()
    }),
    Field::new("release", Text, "The release as it was sent: `shop@1.2.3+45`.", |f| f.text("release")),
    Field::new("release.package", Text, "Of a release, what comes before the `@`.", |f| {
        f.release().and_then(|release| release.package()).into()
    }),
    Field::new("release.version", FieldKind::Version, "Of a release, the version without its build: `1.2.3`.", |f| {
        f.release().map_or(Values::None, |release| {
            Values::Version(Cow::Borrowed(version_and_build(release).0))
        })
    }),
    Field::new("release.build", Any, "Of a release, what follows the `+`.", |f| {
        f.release().and_then(|release| version_and_build(release).1).into()
    }),
    Field::new("dist", Any, "The distribution of the release.", |f| f.text("dist")),
    Field::new("error.type", Text, "The classes of all exceptions: `KeyError`.", |f| f.list(List::ErrorType)),
    Field::new("error.value", Text, "The messages of all exceptions.", |f| f.list(List::ErrorValue)),
    Field::new("error.module", Text, "The modules of the exceptions' classes.", |f| f.list(List::ErrorModule)),
    Field::new("error.mechanism", Text, "How the exceptions were caught: `django`, `onerror`, ...", |f| f.list(List::Mechanism)),
    Field::new("error.handled", Bool, "Whether the program handled all exceptions, as far as the client says; absent without one.", |f| {
        f.is_unhandled().map_or(Values::None, |unhandled| Values::Bool(!unhandled))
    }),
    Field::new("error.unhandled", Bool, "Whether some exception went past everything that could have handled it; absent without one.", |f| {
        f.is_unhandled().map_or(Values::None, Values::Bool)
    }),
    Field::new("error.main_thread", Bool, "Whether an exception was raised in the main thread, where the client says so.", |f| f.in_main_thread()),
    Field::new("stack.filename", Text, "The files of all frames, relative to the project where the client knows it.", |f| f.list(List::StackFilename)),
    Field::new("stack.abs_path", Text, "The whole paths or URLs of the frames' files.", |f| f.list(List::StackAbsPath)),
    Field::new("stack.function", Text, "The functions of all frames.", |f| f.list(List::StackFunction)),
    Field::new("stack.module", Text, "The modules of all frames.", |f| f.list(List::StackModule)),
    Field::new("stack.package", Text, "The packages or binaries of all frames.", |f| f.list(List::StackPackage)),
    Field::new("stack.in_app", Bool, "Whether the client says of some frame that it is the application's own; absent without frames.", |f| {
        let mut frames = frames(f.event).peekable();
        match frames.peek() {
            None => Values::None,
            Some(_) => Values::Bool(frames.any(|frame| frame.in_app() == Some(true))),
        }
    }),
    Field::new("transaction", Text, "The transaction, or during which one the error happened: `/checkout/`.", |f| f.text("transaction")),
    Field::new("transaction.duration", Duration, "How long a transaction took; absent for everything else.", |f| {
        f.duration_ms().map_or(Values::None, Values::Duration)
    }),
    Field::new("transaction.op", Text, "What a transaction does: `http.server`.", |f| f.of_transaction("op")),
    Field::new("transaction.status", Text, "How a transaction ended: `ok`, `internal_error`, `unknown`, ...", |f| f.of_transaction("status")),
    Field::new("transaction.source", Text, "What a transaction is named after: `url`, `route`, `view`, ...", |f| {
        let info = f.event.get("transaction_info").filter(|_| f.is_transaction());
        info.and_then(|info| info.get_str("source")).into()
    }),
    Field::new("request.url", Text, "The request's URL without query and fragment.", |f| f.request(Request::url)).or(&["url", "http.url"]),
    Field::new("request.method", Text, "`GET`, `POST`, ...", |f| f.request(Request::method)).or(&["http.method"]),
    Field::new("request.user_agent", Text, "The `User-Agent` header of the request during which it happened.", |f| {
        f.header("User-Agent").into()
    })
    .or(&["user_agent.original", "user_agent"]),
    Field::new("http.referer", Text, "The `Referer` header.", |f| f.header("Referer").into()).or(&["request.referer"]),
    Field::new("http.status_code", Number, "The status with which the request was answered.", |f| {
        f.context("response", "status_code")
    }),
    Field::group("headers.*", "A header of the request, in any case: `headers.x-forwarded-for`.", |f, name| f.header(name).into())
        .or(&["request.headers.*"]),
    Field::new("sender.address", Address, "From where the event was sent, as the proxies tell it. Unknown for stored events.", |f| {
        f.sender.client_ip.map_or(Values::None, |ip| Values::Address(ip.to_canonical()))
    })
    .or(&["sender.ip", "request.client_ip"]),
    Field::new("sender.user_agent", Text, "The `User-Agent` of the request that brought the event: mostly an SDK's. Unknown for stored events.", |f| {
        f.sender.user_agent.into()
    }),
    Field::new("user", Text, "What tells the user from others: `id:42`, else `username:`, `email:` or `ip:`.", |f| {
        let identity = f.user.get_or_init(|| f.event.user().and_then(User::identity));
        identity.as_deref().into()
    }),
    Field::new("user.id", Text, "The application's id of the user.", |f| f.of_user(User::id)),
    Field::new("user.email", Text, "The user's e-mail address.", |f| f.of_user(User::email)),
    Field::new("user.username", Text, "The user's login name.", |f| f.of_user(User::username)),
    Field::new("user.ip", Address, "The user's address.", |f| match f.of_user(User::ip_address) {
        Values::Text(text) => text
            .parse::<IpAddr>()
            .map_or(Values::Text(text), |ip| Values::Address(ip.to_canonical())),
        other => other,
    })
    .or(&["user.ip_address"]),
    Field::group("geo.*", "Where the user's address is: `geo.country_code`, `geo.region`, `geo.city`, `geo.subdivision`.", |f, name| {
        f.within(&["user", "geo"], name)
    })
    .or(&["user.geo.*"]),
    Field::group("user.*", "Any other attribute of the user, such as `user.name`.", |f, name| {
        match f.within(&["user"], name) {
            Values::None => f.within(&["user", "data"], name),
            found => found,
        }
    }),
    Field::new("os", Text, "System and version: `Windows 10`.", |f| f.product("os")),
    Field::new("os.name", Text, "The system.", |f| f.context("os", "name")),
    Field::new("os.version", FieldKind::Version, "The system's version.", |f| f.version("os")),
    Field::new("client_os", Text, "Of a request to a server, the visitor's system and version.", |f| f.product("client_os")),
    Field::new("client_os.name", Text, "The visitor's system.", |f| f.context("client_os", "name")),
    Field::new("client_os.version", FieldKind::Version, "The visitor's system's version.", |f| f.version("client_os")),
    Field::new("browser", Text, "Browser and version: `Firefox 145.0`.", |f| f.product("browser")),
    Field::new("browser.name", Text, "The browser: `Chrome`, `Mobile Safari`, ...", |f| f.context("browser", "name")),
    Field::new("browser.version", FieldKind::Version, "The browser's version.", |f| f.version("browser")),
    Field::new("runtime", Text, "Language implementation and version: `CPython 3.13.1`.", |f| f.product("runtime")),
    Field::new("runtime.name", Text, "The language's implementation.", |f| f.context("runtime", "name")),
    Field::new("runtime.version", FieldKind::Version, "Its version.", |f| f.version("runtime")),
    Field::new("device", Text, "The device's model.", |f| f.context("device", "model")),
    Field::group("os.*", "More about the system: `os.build`, `os.kernel_version`, `os.rooted`.", |f, name| f.context("os", name)),
    Field::group("device.*", "The device: `device.family`, `device.model`, `device.brand`, `device.arch`, `device.simulator`, ...", |f, name| {
        f.context("device", name)
    }),
    Field::group("app.*", "The app: `app.app_name`, `app.app_version`, `app.in_foreground`, ...", |f, name| f.context("app", name)),
    Field::group("gpu.*", "The graphics processor: `gpu.name`, `gpu.vendor_name`, ...", |f, name| f.context("gpu", name)),
    Field::new("sdk.name", Text, "The client library: `sentry.python.django`.", |f| {
        f.event.sdk().and_then(|sdk| sdk.name()).into()
    }),
    Field::new("sdk.version", FieldKind::Version, "The client library's version.", |f| {
        let version = f.event.sdk().and_then(|sdk| sdk.version());
        version.map_or(Values::None, |version| Values::Version(version.into()))
    }),
    Field::new("trace", Text, "The id of the trace to which it belongs.", |f| f.context("trace", "trace_id")),
    Field::new("trace.span", Text, "The id of the span in which it happened.", |f| f.context("trace", "span_id")),
    Field::new("trace.parent_span", Text, "The id of the span around that.", |f| f.context("trace", "parent_span_id")),
    Field::new("trace.sampled", Bool, "Whether the client kept the trace, where it says so.", |f| f.context("trace", "sampled")),
    Field::new("trace.client_sample_rate", Number, "The rate at which the client sampled the trace.", |f| {
        f.context("trace", "client_sample_rate")
    }),
    Field::group("csp.*", "A browser's report on a page's security policy: `csp.blocked_uri`, `csp.effective_directive`, ...", |f, name| {
        f.within(&["csp"], name)
    }),
    Field::group("measurements.*", "What was measured during a transaction, in milliseconds or bytes where it has such a unit: `measurements.lcp`.", |f, name| {
        let measurements = f.object(&["measurements"]);
        let found = measurements.and_then(|object| object.get(name));
        found.and_then(paths::measurement).unwrap_or_default()
    }),
    Field::group("extra.*", "Additional data; inner members behind further dots: `extra.order.id`.", |f, name| f.within(&["extra"], name)),
    Field::group("contexts.*", "A member of any context: `contexts.state.type`, `contexts.trace.data.db.system`.", |f, name| {
        f.within(&["contexts"], name)
    }),
];
