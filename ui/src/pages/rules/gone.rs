//! What rules said that are counted, and that a form has no more.

use std::collections::{BTreeMap, BTreeSet};

use bugle_store::RuleVersion;

use super::Topic;
use super::place::Place;
use crate::Ui;
use crate::problem::Problem;

/// Versions that are looked through, newest first.
const VERSIONS: usize = 50;
/// Versions that are in memory at a time: one may be large.
const PAGE: u32 = 10;

/// What the rules of these names said when they were saved last; those that no version of late has are left out.
///
/// # Errors
/// [`Problem::Store`], and [`Problem::Broken`] if looking through a version panics.
pub(super) async fn labels<T: Topic>(
    ui: &Ui,
    place: &Place,
    mut names: BTreeSet<String>,
) -> Result<BTreeMap<String, String>, Problem> {
    let (mut labels, mut before, mut seen) = (BTreeMap::new(), None, 0);
    while !names.is_empty() && seen < VERSIONS {
        let versions = ui.store.rule_versions(place.owner, T::TOPIC, before, PAGE);
        let versions = versions.await?;
        let Some(oldest) = versions.last() else {
            break;
        };
        before = Some(oldest.id);
        seen += versions.len();
        let look = move || {
            for version in &versions {
                take::<T>(version, &mut names, &mut labels);
            }
            (names, labels)
        };
        (names, labels) = tokio::task::spawn_blocking(look)
            .await
            .map_err(|_| Problem::Broken("looking through versions panicked"))?;
    }
    Ok(labels)
}

/// Takes the labels of those rules of a version that are looked for.
fn take<T: Topic>(
    version: &RuleVersion,
    names: &mut BTreeSet<String>,
    labels: &mut BTreeMap<String, String>,
) {
    if names.is_empty() {
        return;
    }
    let Ok(document) = serde_json::from_str(&version.document) else {
        return;
    };
    for rule in T::rules(&T::fill(&document)) {
        if names.remove(&rule.name) {
            labels.insert(rule.name, rule.label);
        }
    }
}
