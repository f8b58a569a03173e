//! A limit as people read it: what it bounds, how much of it is used, and whether it refuses right now.

use std::collections::HashMap;

use bugle_protocol::{DataCategory, KeyId, LimitReason, LimitScope, ProjectId, UnixMillis};
use bugle_store::Quota;
use serde::Serialize;

use crate::Ui;
use crate::ledger::{Amount, Unit, category_label};
use crate::problem::Problem;
use crate::when::When;

/// A limit with its usage.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct QuotaView {
    pub(crate) id: i64,
    /// Whose it is: `This project`, `Key Default`.
    pub(crate) scope: String,
    /// What it counts: `errors, transactions`.
    pub(crate) what: String,
    /// How much it allows.
    pub(crate) allowed: Amount,
    /// In how long: `hour`, `30 days`.
    pub(crate) window: String,
    /// How much of the window's share is used.
    used: Amount,
    /// The same in hundredths, at most 100.
    percent: i64,
    /// When the window ends.
    pub(crate) resets: When,
    /// Whether something that it counts would be refused now.
    pub(crate) is_refusing: bool,
    /// Whether it lets nothing through at all.
    pub(crate) is_total: bool,
    /// Whether spike protection made it, so that it changes by itself.
    pub(crate) is_spike: bool,
}

/// The limits that bound a project, with what is used of them.
///
/// # Errors
/// [`Problem::Store`].
pub(crate) async fn of_project(
    ui: &Ui,
    project: ProjectId,
    now: UnixMillis,
) -> Result<Vec<QuotaView>, Problem> {
    let quotas = ui.store.quotas_of_project(project).await?;
    if quotas.is_empty() {
        return Ok(Vec::new());
    }
    let keys = ui.store.project_keys(project).await?;
    let labels = keys.into_iter().map(|key| (key.id, key.label)).collect();
    let mut views = Vec::with_capacity(quotas.len());
    for quota in quotas {
        let start = quota.slot_start(quota.slot(now));
        let used = ui.store.quota_usage(&quota, start).await?;
        views.push(QuotaView::new(&quota, used.max(0), &labels, now));
    }
    Ok(views)
}

impl QuotaView {
    fn new(quota: &Quota, used: i64, labels: &HashMap<KeyId, String>, now: UnixMillis) -> Self {
        let unit = if quota.is_bytes() {
            Unit::Bytes
        } else {
            Unit::Items
        };
        let allowed = i64::try_from(quota.quantity).unwrap_or(i64::MAX);
        Self {
            id: quota.id.0,
            scope: scope(quota, labels),
            what: what(&quota.categories),
            allowed: Amount::new(allowed, unit),
            window: window_words(quota.window_seconds),
            used: Amount::new(used, unit),
            percent: percent(used, allowed),
            resets: When::new(quota.slot_start(quota.slot(now).saturating_add(1)), now),
            is_refusing: used >= allowed,
            is_total: allowed == 0,
            is_spike: quota.reason == LimitReason::SpikeProtection,
        }
    }
}

fn scope(quota: &Quota, labels: &HashMap<KeyId, String>) -> String {
    match (quota.scope(), quota.key_id) {
        (LimitScope::Key, Some(key)) => {
            let label = labels.get(&key).cloned();
            format!("Key {}", label.unwrap_or_else(|| key.to_string()))
        }
        (LimitScope::Organization, _) => "All projects".to_owned(),
        _ => "This project".to_owned(),
    }
}

/// The categories in words; none of them means everything that counts as items.
pub(crate) fn what(categories: &[DataCategory]) -> String {
    if categories.is_empty() {
        return "all items together".to_owned();
    }
    let labels = categories.iter();
    let labels: Vec<String> = labels
        .map(|category| lower_first(&category_label(category.name())))
        .collect();
    labels.join(", ")
}

/// `Errors` as `errors`, but `UI profile chunks` as it is.
fn lower_first(label: &str) -> String {
    let mut chars = label.chars();
    match (chars.next(), label.chars().nth(1)) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => label.to_owned(),
    }
}

/// `3600` as `hour`, `259200` as `3 days`: what stands behind "per".
pub(crate) fn window_words(seconds: u64) -> String {
    let (count, unit) = match seconds {
        s if s % 86_400 == 0 => (s / 86_400, "day"),
        s if s % 3600 == 0 => (s / 3600, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    if count == 1 {
        unit.to_owned()
    } else {
        format!("{count} {unit}s")
    }
}

fn percent(used: i64, allowed: i64) -> i64 {
    if used >= allowed {
        return 100;
    }
    let percent = i128::from(used) * 100 / i128::from(allowed.max(1));
    i64::try_from(percent).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_in_words() {
        for (seconds, words) in [
            (60, "minute"),
            (600, "10 minutes"),
            (3600, "hour"),
            (7200, "2 hours"),
            (86_400, "day"),
            (2_592_000, "30 days"),
            (90, "90 seconds"),
        ] {
            assert_eq!(window_words(seconds), words);
        }
        assert_eq!(what(&[]), "all items together");
        let some = [DataCategory::Error, DataCategory::ProfileChunkUi];
        assert_eq!(what(&some), "errors, UI profile chunks");
    }

    #[test]
    fn usage_is_never_more_than_all() {
        for (used, allowed, expected) in [
            (0, 10, 0),
            (1, 3, 33),
            (999, 1000, 99),
            (1000, 1000, 100),
            (i64::MAX, 1, 100),
            (i64::MAX - 1, i64::MAX, 99),
            (0, 0, 100),
        ] {
            assert_eq!(percent(used, allowed), expected, "{used}/{allowed}");
        }
    }
}
