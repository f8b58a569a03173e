//! The client keys of a project, and the rate limit of each.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bugle_protocol::json::{Number, Object, parse};
use bugle_protocol::{Dsn, Json as Tree, PublicKey};
use bugle_store::{Project, ProjectKey, Quota, Scope, StoreError, check_window};
use serde::Serialize;

use crate::paging::Stretch;
use crate::{ApiError, Call};

/// What a call without a body that can be read hears.
const EXPECTED: &str = "expected a JSON object such as {\"name\": \"Web\"}";

/// What a rate limit that cannot be read hears.
const EXPECTED_LIMIT: &str =
    "invalid rateLimit: expected null or {\"window\": seconds, \"count\": events}";

/// The name of a key that was given none.
const DEFAULT_NAME: &str = "Default";

/// A client key.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyShape {
    /// Sentry's id of a key is its public half.
    id: String,
    name: String,
    label: String,
    public: String,
    /// Keys have had no second half for years; the field stays.
    secret: Option<()>,
    project_id: i64,
    is_active: bool,
    rate_limit: Option<RateLimitShape>,
    date_created: String,
    dsn: DsnShape,
}

#[derive(Serialize)]
struct RateLimitShape {
    /// Seconds.
    window: u64,
    count: u64,
}

#[derive(Serialize)]
struct DsnShape {
    public: String,
    secret: String,
}

impl KeyShape {
    fn new(key: ProjectKey, base_url: &str) -> Self {
        // A base that is no web address cannot be part of a DSN.
        let dsn = Dsn::new(base_url, key.public_key, key.project_id);
        let dsn = dsn.map(|dsn| dsn.to_string()).unwrap_or_default();
        let limit = key.quotas.iter().find(|quota| quota.is_rate_limit());
        let limit = limit.map(|quota: &Quota| RateLimitShape {
            window: quota.window_seconds,
            count: quota.quantity,
        });
        Self {
            id: key.public_key.to_string(),
            name: key.label.clone(),
            label: key.label,
            public: key.public_key.to_string(),
            secret: None,
            project_id: key.project_id.0,
            is_active: key.is_active,
            rate_limit: limit,
            date_created: key.created_at.to_rfc3339(),
            dsn: DsnShape {
                public: dsn.clone(),
                secret: dsn,
            },
        }
    }
}

/// What a call changes of a key; `None` is left as it is.
#[derive(Debug, PartialEq, Eq)]
struct Changes {
    name: Option<String>,
    is_active: Option<bool>,
    /// How many events in how many seconds; within, `None` for no limit.
    rate_limit: Option<Option<(u64, u64)>>,
}

impl Changes {
    /// Reads the body, of whatever content type; fields that only Sentry has are passed over.
    fn read(body: Result<Bytes, BytesRejection>) -> Result<Self, ApiError> {
        let body = body.map_err(|error| ApiError::Invalid(error.body_text()))?;
        let Ok(Tree::Object(fields)) = parse(&body) else {
            return Err(ApiError::Invalid(EXPECTED.to_owned()));
        };
        Ok(Self {
            name: name(&fields)?,
            is_active: is_active(&fields)?,
            rate_limit: fields.get_raw("rateLimit").map(rate_limit).transpose()?,
        })
    }
}

fn name(fields: &Object<'_>) -> Result<Option<String>, ApiError> {
    match fields.get("name") {
        None => Ok(None),
        Some(name) => {
            let name = name.as_str().map(str::trim).filter(|name| !name.is_empty());
            let name =
                name.ok_or_else(|| ApiError::Invalid("invalid name: expected a text".into()))?;
            Ok(Some(name.to_owned()))
        }
    }
}

fn is_active(fields: &Object<'_>) -> Result<Option<bool>, ApiError> {
    match fields.get("isActive") {
        None => Ok(None),
        Some(Tree::Bool(is_active)) => Ok(Some(*is_active)),
        Some(_) => Err(ApiError::Invalid(
            "invalid isActive: expected true or false".into(),
        )),
    }
}

/// As in Sentry, no window or no count mean no limit.
fn rate_limit(limit: &Tree<'_>) -> Result<Option<(u64, u64)>, ApiError> {
    let invalid = || ApiError::Invalid(EXPECTED_LIMIT.to_owned());
    let Some(fields) = limit.as_object() else {
        return match limit {
            Tree::Null => Ok(None),
            _ => Err(invalid()),
        };
    };
    let number = |key| match fields.get(key) {
        None => Ok(0),
        Some(number) => {
            let number = number.as_number().and_then(Number::as_u64);
            number.ok_or_else(invalid)
        }
    };
    let (count, window) = (number("count")?, number("window")?);
    if count == 0 || window == 0 {
        return Ok(None);
    }
    check_window(window)
        .map_err(|error| ApiError::Invalid(format!("invalid rateLimit: {error}")))?;
    Ok(Some((count, window)))
}

/// `GET projects/{o}/{p}/keys/`, with `status=active` or `status=inactive` only such.
pub(crate) async fn list(call: Call) -> Result<Response, ApiError> {
    call.require(Scope::ProjectRead)?;
    let project = call.project().await?;
    let keys = call.api.store.project_keys(project.id).await?;
    let status = call.param("status").unwrap_or_default();
    let is_wanted = |key: &ProjectKey| match status {
        "active" => key.is_active,
        "inactive" => !key.is_active,
        _ => true,
    };
    let shapes = keys
        .into_iter()
        .filter(is_wanted)
        .map(|key| KeyShape::new(key, &call.api.base_url));
    Ok(Stretch::of(&call)?.cut(shapes).answer(&call))
}

/// `GET projects/{o}/{p}/keys/{k}/`.
pub(crate) async fn detail(call: Call) -> Result<Json<KeyShape>, ApiError> {
    call.require(Scope::ProjectRead)?;
    let project = call.project().await?;
    shown(&call, &project, call.key_name()).await
}

/// `POST projects/{o}/{p}/keys/`: makes a key.
pub(crate) async fn create(
    call: Call,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    call.require(Scope::ProjectWrite)?;
    let project = call.project().await?;
    let changes = Changes::read(body)?;
    let public_key = random_key()?;
    let label = changes.name.as_deref().unwrap_or(DEFAULT_NAME);
    let store = &call.api.store;
    let made = store.create_key(project.id, label, public_key, call.now);
    made.await?;
    let name = public_key.to_string();
    let key = find(&call, &project, &name).await?;
    change_rate_limit(&call, &key, changes.rate_limit).await?;
    let shown = shown(&call, &project, &name).await?;
    Ok((StatusCode::CREATED, shown).into_response())
}

/// `PUT projects/{o}/{p}/keys/{k}/`: names a key, switches it on or off, limits it.
pub(crate) async fn update(
    call: Call,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<KeyShape>, ApiError> {
    call.require(Scope::ProjectWrite)?;
    let project = call.project().await?;
    let key = find(&call, &project, call.key_name()).await?;
    let changes = Changes::read(body)?;
    // First what may be refused, so that a call which fails changes nothing.
    change_rate_limit(&call, &key, changes.rate_limit).await?;
    let label = changes.name.as_deref().unwrap_or(&key.label);
    let is_active = changes.is_active.unwrap_or(key.is_active);
    let store = &call.api.store;
    store.update_key(key.id, label, is_active).await?;
    shown(&call, &project, call.key_name()).await
}

/// `DELETE projects/{o}/{p}/keys/{k}/`: switches the key off. Its row stays, because outcomes are counted by it.
pub(crate) async fn remove(call: Call) -> Result<StatusCode, ApiError> {
    call.require(Scope::ProjectWrite)?;
    let project = call.project().await?;
    let key = find(&call, &project, call.key_name()).await?;
    let store = &call.api.store;
    store.update_key(key.id, &key.label, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn change_rate_limit(
    call: &Call,
    key: &ProjectKey,
    limit: Option<Option<(u64, u64)>>,
) -> Result<(), ApiError> {
    let Some(limit) = limit else {
        return Ok(());
    };
    let set = call.api.store.set_key_rate_limit(key, limit, call.now);
    match set.await {
        Err(StoreError::Invalid(reason)) => {
            Err(ApiError::Invalid(format!("invalid rateLimit: {reason}")))
        }
        set => Ok(set?),
    }
}

async fn shown(call: &Call, project: &Project, name: &str) -> Result<Json<KeyShape>, ApiError> {
    let key = find(call, project, name).await?;
    Ok(Json(KeyShape::new(key, &call.api.base_url)))
}

/// The project's key of this public half.
async fn find(call: &Call, project: &Project, name: &str) -> Result<ProjectKey, ApiError> {
    let keys = call.api.store.project_keys(project.id).await?;
    let public_key: Option<PublicKey> = name.parse().ok();
    let found = keys
        .into_iter()
        .find(|key| Some(key.public_key) == public_key);
    found.ok_or_else(|| ApiError::missing("key", name))
}

fn random_key() -> Result<PublicKey, ApiError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| ApiError::NoRandomness)?;
    Ok(PublicKey::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_and_nonsense_is_refused() {
        let read = |body: &'static str| Changes::read(Ok(Bytes::from_static(body.as_bytes())));
        let changes = read(
            r#"{"name":" Web ","isActive":false,"rateLimit":{"window":60,"count":5},"browserSdk":{}}"#,
        );
        assert_eq!(
            changes.unwrap(),
            Changes {
                name: Some("Web".to_owned()),
                is_active: Some(false),
                rate_limit: Some(Some((5, 60))),
            }
        );
        for none in ["null", "{}", r#"{"window":0,"count":7}"#] {
            let limit = parse(none.as_bytes()).unwrap();
            assert_eq!(rate_limit(&limit).unwrap(), None, "{none}");
        }
        for bad in [
            "",
            "[]",
            r#"{"name":7}"#,
            r#"{"name":" "}"#,
            r#"{"isActive":"yes"}"#,
            r#"{"rateLimit":60}"#,
            r#"{"rateLimit":{"window":-60,"count":1}}"#,
            r#"{"rateLimit":{"window":90,"count":1}}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
