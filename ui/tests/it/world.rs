//! A store with a project, and somebody who looks at it.

use crate::browser::Browser;
use crate::support;
use bugle_protocol::ProjectId;
use bugle_store::{Role, Store};

/// A project `Shop` of the organisation `default`, and a browser of its owner.
pub(crate) struct World {
    pub(crate) _folder: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) shop: ProjectId,
    pub(crate) browser: Browser,
}

/// Makes a world.
pub(crate) async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let store = support::open(folder.path()).await;
    let shop = support::add_project(&store, "default", "Shop", 1).await;
    support::add_user(&store, "default", "ada@example.com", Role::Owner).await;
    let browser = Browser::signed_in(&store, "ada@example.com").await;
    World {
        _folder: folder,
        store,
        shop,
        browser,
    }
}

impl World {
    /// A browser of somebody else of the organisation.
    pub(crate) async fn browser_of(&self, role: Role) -> Browser {
        let email = format!("{}@example.com", role.as_str());
        support::add_user(&self.store, "default", &email, role).await;
        Browser::signed_in(&self.store, &email).await
    }
}
