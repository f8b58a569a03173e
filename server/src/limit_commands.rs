//! `bugle limit`: how much may be taken in.

use anyhow::{Context as _, bail};
use bugle_protocol::{DataCategory, PublicKey, QuotaId, UnixMillis};
use bugle_store::{NewQuota, Organization, Project, Quota, QuotaTarget, Store};

use crate::cli::{LimitCommand, Switch};
use crate::setup::first_organization;

/// Projects that are named to whoever names another one.
const MOST_SLUGS: usize = 20;

/// What a window that cannot be read hears.
const EXPECTED_WINDOW: &str = "expected a number and m, h or d, such as 1m, 12h or 30d";

/// Runs a command on limits. The running server heeds it within 5 seconds.
pub(crate) async fn run(command: LimitCommand, store: &Store) -> anyhow::Result<()> {
    let now = UnixMillis::now();
    let organization = first_organization(store, now).await?;
    match command {
        LimitCommand::Set {
            project,
            key,
            organization: _,
            category,
            quantity,
            window,
        } => {
            let target = target(store, &organization, project.as_deref(), key.as_deref()).await?;
            let new = NewQuota {
                target,
                categories: categories(&category)?,
                quantity,
                window_seconds: window_seconds(&window)?,
            };
            let quota = store.set_quota(&new, now).await?;
            println!("{}", quota.id);
        }
        LimitCommand::List { json } => list(store, &organization, json, now).await?,
        LimitCommand::Remove { id } => {
            if !store.remove_quota(QuotaId(id)).await? {
                bail!("there is no limit {id}");
            }
        }
        LimitCommand::SpikeProtection { project, switch } => {
            let project = find_project(store, &organization, &project).await?;
            let is_on = matches!(switch, Switch::On);
            store.set_spike_protection(project.id, is_on, now).await?;
        }
    }
    Ok(())
}

/// What the options name; without any, the whole organisation.
async fn target(
    store: &Store,
    organization: &Organization,
    project: Option<&str>,
    key: Option<&str>,
) -> anyhow::Result<QuotaTarget> {
    if let Some(slug) = project {
        let project = find_project(store, organization, slug).await?;
        return Ok(QuotaTarget::Project(project.id));
    }
    let Some(key) = key else {
        return Ok(QuotaTarget::Organization(organization.id));
    };
    let public_key: PublicKey = key
        .parse()
        .with_context(|| format!("invalid key '{key}': expected the 32 hex digits of a DSN"))?;
    let key = store.project_key(public_key).await?;
    let key = key.with_context(|| format!("there is no key '{public_key}'"))?;
    Ok(QuotaTarget::Key(key.id))
}

/// Finds a project by its slug; one that does not exist is answered with those that do.
pub(crate) async fn find_project(
    store: &Store,
    organization: &Organization,
    slug: &str,
) -> anyhow::Result<Project> {
    if let Some(project) = store.project_by_slug(organization.id, slug).await? {
        return Ok(project);
    }
    let projects = store.projects(organization.id).await?;
    let slugs = projects.iter().map(|one| one.slug.as_str());
    let mut slugs: Vec<&str> = slugs.take(MOST_SLUGS + 1).collect();
    if let Some(slug) = slugs.get_mut(MOST_SLUGS) {
        *slug = "…";
    }
    match slugs.is_empty() {
        true => bail!("there is no project '{slug}': add one with `bugle project add`"),
        false => bail!(
            "there is no project '{slug}': expected one of {}",
            slugs.join(", ")
        ),
    }
}

fn categories(names: &[String]) -> anyhow::Result<Vec<DataCategory>> {
    let read = |name: &String| {
        let category = DataCategory::from_name(name.trim());
        category.with_context(|| {
            let limited = DataCategory::ALL.iter().filter(|c| c.is_limited());
            let known: Vec<_> = limited.map(|category| category.name()).collect();
            format!(
                "unknown category '{name}': expected some of {}",
                known.join(", ")
            )
        })
    };
    names.iter().map(read).collect()
}

/// Reads a window such as `1h`, in seconds.
fn window_seconds(text: &str) -> anyhow::Result<u64> {
    let invalid = || format!("invalid window '{text}': {EXPECTED_WINDOW}");
    let (index, unit) = text.char_indices().next_back().with_context(invalid)?;
    let seconds = match unit {
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => bail!("{}", invalid()),
    };
    let number: u64 = text[..index].parse().ok().with_context(invalid)?;
    number.checked_mul(seconds).with_context(invalid)
}

/// Writes a window as [`window_seconds`] reads it.
fn window_text(seconds: u64) -> String {
    match seconds {
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3600 == 0 => format!("{}h", s / 3600),
        s => format!("{}m", s / 60),
    }
}

/// A limit, with what has been taken in of it in its running window and is processed.
#[derive(serde::Serialize)]
struct Row {
    #[serde(flatten)]
    quota: Quota,
    scope: &'static str,
    project: Option<String>,
    key: Option<String>,
    used: i64,
}

async fn list(
    store: &Store,
    organization: &Organization,
    json: bool,
    now: UnixMillis,
) -> anyhow::Result<()> {
    let projects = store.projects(organization.id).await?;
    let mut rows = Vec::new();
    for quota in store.quotas(organization.id).await? {
        let since = quota.slot_start(quota.slot(now));
        let used = store.quota_usage(&quota, since).await?;
        let project = projects.iter().find(|p| Some(p.id) == quota.project_id);
        let key = match quota.project_id {
            Some(project) => store.project_keys(project).await?,
            None => Vec::new(),
        };
        let key = key.iter().find(|key| Some(key.id) == quota.key_id);
        rows.push(Row {
            scope: quota.scope().name(),
            project: project.map(|project| project.slug.clone()),
            key: key.map(|key| key.public_key.to_string()),
            used,
            quota,
        });
    }
    if json {
        println!("{}", serde_json::to_string(&rows)?);
    } else {
        rows.iter().for_each(print);
    }
    Ok(())
}

/// A line of the list: id, what is bounded, categories, usage and quantity, window, reason.
fn print(row: &Row) {
    let quota = &row.quota;
    let names: Vec<_> = quota.categories.iter().map(|c| c.name()).collect();
    let categories = if names.is_empty() {
        "all".to_owned()
    } else {
        names.join(",")
    };
    let target = match (&row.project, &row.key) {
        (_, Some(key)) => format!("key {key}"),
        (Some(slug), None) => format!("project {slug}"),
        (None, None) => "organization".to_owned(),
    };
    println!(
        "{}\t{target}\t{categories}\t{}/{}\t{}\t{}",
        quota.id,
        row.used,
        quota.quantity,
        window_text(quota.window_seconds),
        quota.reason.name()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_a_number_and_a_unit() {
        for (text, seconds) in [("1m", 60), ("90m", 5400), ("1h", 3600), ("30d", 2_592_000)] {
            assert_eq!(window_seconds(text).unwrap(), seconds, "{text}");
        }
        for bad in [
            "",
            "m",
            "1",
            "1s",
            "-1m",
            "1.5h",
            "1é",
            "9999999999999999999d",
        ] {
            let error = window_seconds(bad).unwrap_err().to_string();
            assert_eq!(error, format!("invalid window '{bad}': {EXPECTED_WINDOW}"));
        }
        assert_eq!(window_text(300), "5m");
        assert_eq!(window_text(7200), "2h");
        assert_eq!(window_text(86_400), "1d");
    }

    #[test]
    fn an_unknown_category_is_named() {
        let names = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let read = categories(&names("error, span")).unwrap();
        assert_eq!(read, [DataCategory::Error, DataCategory::Span]);
        let error = categories(&names("error,wat")).unwrap_err().to_string();
        assert!(error.starts_with("unknown category 'wat': expected some of error, transaction, "));
        assert!(!error.contains("client_report"));
    }
}
