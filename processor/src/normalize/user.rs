//! The user, and where an address comes from when the client sent none.

use std::net::IpAddr;

use bugle_protocol::event::User;
use bugle_protocol::json::{Json, Object};

use super::note::object_mut;
use super::scalar::{IP, LENIENT, TEXT};
use super::schema::{Kind, Limit, NAME, Schema, field};

/// The user; members that are not known move to `data`.
pub(super) static USER: Schema = Schema::new(
    "user",
    &[
        field("id", LENIENT).limit(NAME),
        field("email", TEXT).limit(Limit::chars(75)),
        field("ip_address", IP),
        field("username", LENIENT).limit(NAME),
        field("name", LENIENT).limit(NAME),
        field("segment", TEXT),
        field("geo", Kind::Struct(&GEO)),
        field("sentry_user", TEXT),
        field("data", Kind::Map(&Kind::Any)),
    ],
)
.open();

static GEO: Schema = Schema::new(
    "geo",
    &[
        field("country_code", TEXT).limit(Limit::chars(102)),
        field("city", TEXT),
        field("subdivision", TEXT),
        field("region", TEXT),
    ],
)
.open();

/// Stands for the address from which the event came.
const AUTO: &str = "{{auto}}";

/// Completes the user: own members to `data`, the address unless nothing may be inferred, and the identity by which users
/// are counted.
pub(super) fn normalize(event: &mut Object<'_>, client_ip: Option<IpAddr>, infers_ip: bool) {
    if let Some(user) = object_mut(event, "user") {
        // The server's own member: a client's would let it pose as another user.
        user.remove("sentry_user");
        for key in ["id", "username", "email", "name"] {
            if user.get_str(key) == Some("") {
                user.remove(key);
            }
        }
        gather_data(user);
    }
    if infers_ip {
        resolve_address(event, client_ip);
    } else if let Some(user) = object_mut(event, "user")
        && user.get_str("ip_address") == Some(AUTO)
    {
        user.remove("ip_address");
    }
    let identity = event.get("user").and_then(Json::as_object).map(User);
    if let Some(identity) = identity.and_then(User::identity)
        && let Some(user) = object_mut(event, "user")
    {
        user.insert("sentry_user", identity);
    }
    if object_mut(event, "user").is_some_and(|user| user.is_empty()) {
        event.remove("user");
    }
}

fn gather_data(user: &mut Object<'_>) {
    if user.keys().all(|key| USER.field(key).is_some()) {
        return;
    }
    let data = match user.remove("data") {
        Some(Json::Object(data)) => data,
        _ => Object::new(),
    };
    let (known, unknown): (Vec<_>, Vec<_>) = std::mem::take(user)
        .into_iter()
        .partition(|(key, _)| USER.field(key).is_some());
    *user = known.into_iter().collect();
    let data: Object<'_> = data.into_iter().chain(unknown).collect();
    user.insert("data", data);
}

/// Whether the address may be taken from the connection, as `sdk.settings.infer_ip` says; old clients do not say.
#[derive(PartialEq, Eq)]
enum InferIp {
    Always,
    Never,
    /// Only for clients that run on the user's own machine.
    ByPlatform,
}

impl InferIp {
    fn of(event: &Object<'_>) -> Self {
        let setting = event
            .get("sdk")
            .and_then(|sdk| sdk.at(&["settings", "infer_ip"]));
        match setting.and_then(Json::as_str) {
            Some("auto") => Self::Always,
            Some("never") => Self::Never,
            _ => Self::ByPlatform,
        }
    }

    fn allows(&self, platform: Option<&str>) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::ByPlatform => matches!(platform, Some("javascript" | "cocoa" | "objc")),
        }
    }
}

/// Finds the address: the client's own, the web server's `REMOTE_ADDR`, that of the connection.
fn resolve_address(event: &mut Object<'_>, client_ip: Option<IpAddr>) {
    let client_ip = client_ip.map(|ip| ip.to_string());
    let remote = resolve_remote_address(event, client_ip.as_deref());
    let own = event
        .get("user")
        .and_then(|user| user.get_str("ip_address"));
    let found = match own {
        Some(AUTO) => client_ip,
        Some(_) => None,
        None => match (remote, InferIp::of(event)) {
            (_, InferIp::Never) => None,
            (Some(remote), _) => Some(remote),
            (None, infer) => client_ip.filter(|_| infer.allows(event.get_str("platform"))),
        },
    };
    if let Some(address) = found {
        let user = event.get_or_insert_with("user", || Json::Object(Object::new()));
        if user.is_null() {
            *user = Json::Object(Object::new());
        }
        if let Json::Object(user) = user {
            user.insert("ip_address", address);
        }
    }
}

fn resolve_remote_address(event: &mut Object<'_>, client_ip: Option<&str>) -> Option<String> {
    let env = object_mut(object_mut(event, "request")?, "env")?;
    if env.get_str("REMOTE_ADDR") == Some(AUTO)
        && let Some(client_ip) = client_ip
    {
        env.insert("REMOTE_ADDR", client_ip.to_owned());
    }
    let remote = env.get_str("REMOTE_ADDR")?;
    remote.parse::<IpAddr>().ok()?;
    Some(remote.to_owned())
}
