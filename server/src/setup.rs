//! The first start: an organisation, a project with a key, and the link under which the owner's account is made.

use anyhow::Context as _;
use bugle_protocol::{Dsn, PublicKey, UnixMillis};
use bugle_store::{NewProject, Organization, Role, Store};
use sha2::{Digest as _, Sha256};

/// The setting that holds the SHA-256 of the link's token in hex, as long as nobody has used it.
pub(crate) const SETUP_TOKEN_HASH: &str = "setup_token_hash";

/// What a person needs to begin with.
pub(crate) struct Welcome {
    /// The DSN of the first project.
    pub(crate) dsn: Dsn,
    /// The link under which the owner's account is made.
    pub(crate) setup_url: String,
}

/// Makes organisation and project on an empty database. As long as there is no owner, every start makes a new link and
/// voids the one before it.
pub(crate) async fn prepare(
    store: &Store,
    base_url: &str,
    now: UnixMillis,
) -> anyhow::Result<Option<Welcome>> {
    let organization = first_organization(store, now).await?;
    let users = store.users(organization.id).await?;
    if users.iter().any(|user| user.role == Role::Owner) {
        return Ok(None);
    }
    let project = match store.projects(organization.id).await?.into_iter().next() {
        Some(project) => project,
        None => {
            let new = NewProject {
                organization_id: organization.id,
                name: "default",
                platform: None,
                public_key: new_key()?,
            };
            store.create_project(&new, now).await?
        }
    };
    let key = store
        .project_keys(project.id)
        .await?
        .into_iter()
        .next()
        .context("the project has no key")?;
    let token = hex(&random::<16>()?);
    store
        .set_setting(SETUP_TOKEN_HASH, &hex(&Sha256::digest(token.as_bytes())))
        .await?;
    Ok(Some(Welcome {
        dsn: Dsn::new(base_url, key.public_key, project.id)?,
        setup_url: format!("{base_url}/setup/{token}"),
    }))
}

/// The one organisation of the instance, made if the database is empty.
pub(crate) async fn first_organization(
    store: &Store,
    now: UnixMillis,
) -> anyhow::Result<Organization> {
    if let Some(organization) = store.organizations().await?.into_iter().next() {
        return Ok(organization);
    }
    store.create_organization("default", "Default", now).await?;
    store
        .organizations()
        .await?
        .into_iter()
        .next()
        .context("the organization that was just made is gone")
}

/// A fresh project key.
pub(crate) fn new_key() -> anyhow::Result<PublicKey> {
    Ok(PublicKey::from_bytes(random()?))
}

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system has no random numbers: {error}"))?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
