//! An issue as Sentry writes it.

use bugle_protocol::{Json, Level, json};
use bugle_store::{Issue, IssueStatus, Project};
use serde::Serialize;

use super::stats::Stats;

/// An issue of a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IssueShape {
    id: String,
    short_id: String,
    title: String,
    culprit: String,
    level: Level,
    status: &'static str,
    substatus: Option<&'static str>,
    status_details: NoDetails,
    priority: &'static str,
    #[serde(rename = "type")]
    ty: String,
    issue_type: &'static str,
    issue_category: &'static str,
    platform: String,
    logger: Option<()>,
    metadata: Json<'static>,
    project: ProjectRef,
    /// Sentry writes this one number as a text, and its clients expect that.
    count: String,
    user_count: i64,
    first_seen: String,
    last_seen: String,
    is_unhandled: bool,
    has_seen: bool,
    is_bookmarked: bool,
    is_public: bool,
    is_subscribed: bool,
    num_comments: u32,
    assigned_to: Option<()>,
    annotations: [(); 0],
    permalink: String,
    share_id: Option<()>,
    stats: Stats,
}

/// `{}`.
#[derive(Serialize)]
struct NoDetails {}

#[derive(Serialize)]
struct ProjectRef {
    id: String,
    name: String,
    slug: String,
    platform: Option<String>,
}

impl IssueShape {
    /// The issue with its chart, linked to its page below `base_url`.
    pub(crate) fn new(issue: &Issue, project: &Project, stats: Stats, base_url: &str) -> Self {
        let base_url = base_url.trim_end_matches('/');
        Self {
            id: issue.id.to_string(),
            short_id: issue.short_id.clone(),
            title: issue.title.clone(),
            culprit: issue.culprit.clone(),
            level: issue.level,
            status: status_name(issue.status),
            substatus: substatus(issue),
            status_details: NoDetails {},
            priority: priority(issue.level),
            ty: issue.event_type.clone(),
            issue_type: "error",
            issue_category: "error",
            platform: issue.platform.clone(),
            logger: None,
            metadata: metadata(&issue.metadata),
            project: ProjectRef {
                id: project.id.to_string(),
                name: project.name.clone(),
                slug: project.slug.clone(),
                platform: project.platform.clone(),
            },
            count: issue.event_count.to_string(),
            user_count: issue.user_count,
            first_seen: issue.first_seen.to_rfc3339(),
            last_seen: issue.last_seen.to_rfc3339(),
            is_unhandled: issue.is_unhandled,
            has_seen: false,
            is_bookmarked: false,
            is_public: false,
            is_subscribed: false,
            num_comments: 0,
            assigned_to: None,
            annotations: [],
            permalink: format!("{base_url}/issues/{}/", issue.short_id),
            share_id: None,
            stats,
        }
    }
}

/// Sentry's API still calls archived issues by their old name.
pub(crate) fn status_name(status: IssueStatus) -> &'static str {
    match status {
        IssueStatus::Unresolved => "unresolved",
        IssueStatus::Resolved => "resolved",
        IssueStatus::Archived => "ignored",
    }
}

fn substatus(issue: &Issue) -> Option<&'static str> {
    match issue.status {
        IssueStatus::Unresolved => Some(issue.substatus.as_str()),
        IssueStatus::Resolved => None,
        IssueStatus::Archived => Some("archived_forever"),
    }
}

/// Sentry derives the priority from the level until somebody sets another.
fn priority(level: Level) -> &'static str {
    match level {
        Level::Fatal | Level::Error => "high",
        Level::Warning => "medium",
        Level::Info | Level::Debug => "low",
    }
}

/// The stored text as an object, empty if it is none.
fn metadata(text: &str) -> Json<'static> {
    match json::parse_str(text) {
        Ok(object @ Json::Object(_)) => object.into_owned(),
        _ => json::Object::new().into(),
    }
}

/// A single issue: what a list says, and more.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IssueDetail {
    #[serde(flatten)]
    issue: IssueShape,
    first_release: Option<Release>,
    last_release: Option<Release>,
    activity: [(); 0],
    seen_by: [(); 0],
    participants: [(); 0],
    tags: [(); 0],
    user_report_count: u32,
}

/// A release by its name.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Release {
    version: String,
    short_version: String,
}

impl Release {
    /// `shop@1.2+7` is `1.2+7` for short.
    pub(crate) fn new(version: &str) -> Self {
        let short = version.rsplit_once('@').map_or(version, |(_, short)| short);
        Self {
            version: version.to_owned(),
            short_version: short.to_owned(),
        }
    }
}

impl IssueDetail {
    /// The issue with what only its own page says.
    pub(crate) fn new(shape: IssueShape, issue: &Issue) -> Self {
        Self {
            issue: shape,
            first_release: issue.first_release.as_deref().map(Release::new),
            last_release: issue.last_release.as_deref().map(Release::new),
            activity: [],
            seen_by: [],
            participants: [],
            tags: [],
            user_report_count: 0,
        }
    }
}
