#![doc = include_str!("../README.md")]

mod actor;
mod assets;
mod chart;
mod chrome;
mod event;
mod guard;
mod ledger;
mod pages;
mod password;
mod problem;
mod quota;
mod rule_words;
mod site;
mod templates;
mod throttle;
mod url;
mod when;

use std::sync::Arc;

use axum::Router;
use bugle_store::Store;
use tokio::sync::Semaphore;

use crate::assets::Assets;
use crate::site::Site;
use crate::templates::Templates;
use crate::throttle::Throttle;

/// How many passwords are hashed at the same time; each takes 19 MiB and a core for some 20 ms.
const CONCURRENT_HASHES: usize = 2;

/// What the pages need to be served.
#[derive(Debug)]
pub struct Ui {
    /// Where everything is read from and written to.
    pub store: Store,
    /// The public URL without a slash at its end, such as `https://errors.example.com/bugle`. Links carry its path, and
    /// a form is accepted only from its origin.
    pub base_url: String,
    pub(crate) site: Site,
    pub(crate) assets: Assets,
    pub(crate) templates: Templates,
    pub(crate) throttle: Throttle,
    pub(crate) hashing: Arc<Semaphore>,
}

impl Ui {
    /// Compiles the templates. `base_url` is the public URL that people's browsers see.
    #[must_use]
    pub fn new(store: Store, base_url: &str) -> Self {
        let base_url = base_url.trim_end_matches('/').to_owned();
        Self {
            store,
            site: Site::of(&base_url),
            base_url,
            assets: Assets::new(),
            templates: Templates::new(),
            throttle: Throttle::default(),
            hashing: Arc::new(Semaphore::new(CONCURRENT_HASHES)),
        }
    }
}

/// The routes of all pages, relative to the path of [`Ui::base_url`]: the server strips it, or mounts the router there with
/// `nest_service` (axum's `nest` does not pass on the path with a slash at its end).
///
/// Unknown paths get the "not found" page through this router's fallback. A `ConnectInfo<SocketAddr>` extension, if the
/// server sets one, tells who signs in too often; behind a proxy the server should put the client's address there.
pub fn router(ui: Arc<Ui>) -> Router {
    guard::protect(pages::routes(), &ui).with_state(ui)
}
