//! A browser without windows: keeps a cookie, sends what browsers send, looks at pages.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response, StatusCode, header};
use bugle_store::Store;
use bugle_ui::{Ui, router};
use tower::ServiceExt as _;

/// The public URL of the pages under test; the path in it must be in every link.
pub(crate) const BASE: &str = "https://errors.example/bugle";

/// A browser.
pub(crate) struct Browser {
    app: Router,
    /// The session cookie, if there is one.
    pub(crate) cookie: Option<String>,
}

/// An answer.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) text: String,
}

impl Browser {
    /// A browser in front of the pages over `store`.
    pub(crate) fn new(store: &Store) -> Self {
        let pages = router(Arc::new(Ui::new(store.clone(), BASE)));
        Self {
            app: Router::new().nest_service("/bugle", pages),
            cookie: None,
        }
    }

    /// A browser of somebody who is signed in.
    pub(crate) async fn signed_in(store: &Store, email: &str) -> Self {
        let mut browser = Self::new(store);
        let form = [("email", email), ("password", "correct horse")];
        let page = browser.post("/bugle/login", &form).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
        browser
    }

    /// Opens a path.
    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(Method::GET, path, None, "same-origin").await
    }

    /// Sends a form from a page of the same origin.
    pub(crate) async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Page {
        self.send(Method::POST, path, Some(form), "same-origin")
            .await
    }

    /// Sends a form from another site's page.
    pub(crate) async fn post_from_elsewhere(&mut self, path: &str, form: &[(&str, &str)]) -> Page {
        self.send(Method::POST, path, Some(form), "cross-site")
            .await
    }

    /// The form token of the pages.
    pub(crate) async fn form_token(&mut self) -> String {
        let page = self.get("/bugle/projects/").await;
        let (_, rest) = page
            .text
            .split_once("name=\"form_token\" value=\"")
            .unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        form: Option<&[(&str, &str)]>,
        site: &str,
    ) -> Page {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("sec-fetch-site", site);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let body = Body::from(form.map(encode).unwrap_or_default());
        let request = request.body(body).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        self.keep_cookie(&response);
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Page {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    fn keep_cookie(&mut self, response: &Response<Body>) {
        if let Some(cookie) = response.headers().get(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
    }
}

impl Page {
    /// Where the answer leads.
    pub(crate) fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().unwrap()
    }

    /// The text that people see: tags gone, entities read, blanks as one.
    pub(crate) fn words(&self) -> String {
        let mut pieces = self.text.split('<');
        let mut text = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (tag, words) = piece.split_once('>').unwrap_or((piece, ""));
            let name = tag.trim_start_matches('/').split(' ').next().unwrap();
            if !["a", "b", "code", "mark", "span"].contains(&name) {
                text.push(' ');
            }
            text.push_str(words);
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let entities = [
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&#39;", "'"),
            ("&quot;", "\""),
        ];
        let plain = entities
            .into_iter()
            .fold(text, |text, (entity, c)| text.replace(entity, c));
        plain.replace("&amp;", "&")
    }

    /// Fails unless the page has the design and all of `wanted` in its words.
    pub(crate) fn assert_shows(&self, wanted: &[&str]) {
        let words = self.words();
        for wanted in wanted {
            assert!(words.contains(wanted), "no '{wanted}' in:\n{words}");
        }
        assert!(self.text.contains("/bugle/static/"), "not a page");
    }
}

fn encode(form: &[(&str, &str)]) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect()
    };
    let pairs: Vec<String> = form
        .iter()
        .map(|(key, value)| format!("{}={}", escape(key), escape(value)))
        .collect();
    pairs.join("&")
}
