//! What the template of a topic's page is given.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Topic;
use super::diff::Diff;
use super::faults::FaultView;
use super::hits::{HitsView, RuleRow};
use super::versions::VersionHead;

/// The model of `rules.html`, which the topics' templates extend.
#[derive(Serialize)]
#[serde(bound = "")]
pub(super) struct EditorView<'v, T: Topic> {
    /// The topic in the path, such as `scrubbing`.
    pub(super) topic: &'static str,
    pub(super) title: &'static str,
    /// The project or the organisation.
    pub(super) name: &'v str,
    /// The address of this page.
    pub(super) url: &'v str,
    /// The address of the settings it belongs to.
    pub(super) settings_url: &'v str,
    pub(super) is_organization: bool,
    /// Whether the role may save.
    pub(super) can_administer: bool,
    pub(super) form: &'v T::Form,
    pub(super) faults: Vec<FaultView>,
    pub(super) preview: Option<T::Preview>,
    pub(super) beside: T::Beside,
    pub(super) rules: Vec<RuleRow>,
    pub(super) hits: BTreeMap<String, HitsView>,
    pub(super) comment: &'v str,
    /// The version that the form was made from; 0 before anything was saved.
    pub(super) based_on: i64,
    /// The version that applies.
    pub(super) current: Option<VersionHead>,
    /// Whether the version that applies was saved a moment ago.
    pub(super) is_saved: bool,
    /// Whether the form differs from what applies.
    pub(super) is_changed: bool,
    pub(super) conflict: Option<Conflict>,
    /// Why the version that applies cannot be shown.
    pub(super) unreadable: Option<String>,
}

/// What somebody else saved meanwhile.
#[derive(Serialize)]
pub(super) struct Conflict {
    pub(super) theirs: VersionHead,
    /// What they changed.
    pub(super) diff: Diff,
    /// What saving this form would change of theirs.
    pub(super) own: Diff,
}
