//! `/js-sdk-loader/{key}.js`: a small script for pages, which fetches the browser's SDK when it is needed.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use bugle_protocol::json::{self, Json, Object};
use bugle_protocol::{Dsn, PublicKey};

use crate::receive::Inlet;
use crate::{Ingest, Rejection};

/// The script; the configuration takes the place of [`PLACE`].
const SCRIPT: &str = include_str!("loader.js");

/// Where the configuration goes: an object, or null for a script that does nothing.
const PLACE: &str = "__CONFIG__";

/// How long browsers may keep the script.
const CACHE: &str = "public, max-age=3600";

/// `GET /js-sdk-loader/{key}.js` and `.min.js`.
pub(crate) async fn serve(
    State(inlet): State<Arc<Inlet>>,
    Path(file): Path<String>,
) -> Result<impl IntoResponse, Rejection> {
    let key = file.strip_suffix(".js").ok_or(Rejection::NotFound)?;
    let key = key.strip_suffix(".min").unwrap_or(key);
    let (config, cache) = match key.parse() {
        Ok(key) => configuration(&inlet.ingest, key).await,
        Err(_) => (Json::Null, CACHE),
    };
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, cache),
    ];
    Ok((headers, SCRIPT.replace(PLACE, &in_script(&config))))
}

/// The configuration of a key, and how long it may be kept. A key that cannot be looked up now may be there again soon.
async fn configuration(ingest: &Ingest, key: PublicKey) -> (Json<'static>, &'static str) {
    let project_id = match ingest.authenticate(key, None).await {
        Ok(key) => key.project_id,
        Err(Rejection::Store(_)) => return (Json::Null, "no-store"),
        Err(_) => return (Json::Null, CACHE),
    };
    let Ok(dsn) = Dsn::new(&ingest.base_url, key, project_id) else {
        return (Json::Null, "no-store");
    };
    let config = Object::from_iter([
        ("dsn", dsn.to_string()),
        ("sdkUrl", ingest.js_sdk_url.clone()),
    ]);
    (config.into(), CACHE)
}

/// JSON as it may stand in a script, also in one that somebody copies into a page.
fn in_script(config: &Json<'_>) -> String {
    json::to_string(config)
        .replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_string() {
        let config = Json::from("</script>\"\u{2028}\\");
        let expected = r#""\u003c/script>\"\u2028\\""#;
        assert_eq!(in_script(&config), expected);
        assert_eq!(SCRIPT.matches(PLACE).count(), 1);
    }
}
