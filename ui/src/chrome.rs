//! What surrounds a signed-in page: navigation, the account, the form token.

use bugle_store::Project;
use serde::Serialize;

use crate::Ui;
use crate::actor::Actor;
use crate::problem::Problem;

/// Names that mean something else in front of a path; a project of such a slug is reached by its id.
const RESERVED: [&str; 14] = [
    "api",
    "feedback",
    "healthz",
    "issues",
    "js-sdk-loader",
    "livez",
    "login",
    "logout",
    "metrics",
    "projects",
    "readyz",
    "settings",
    "setup",
    "static",
];

/// The model of `page.html`.
#[derive(Debug, Serialize)]
pub(crate) struct Chrome {
    /// The account's address.
    email: String,
    /// Its role.
    role: &'static str,
    /// Whether it may change things.
    pub(crate) can_change: bool,
    /// The session's form token.
    form_token: String,
    /// The projects to go to.
    projects: Vec<ProjectLink>,
    /// The project of this page.
    project: Option<ProjectLink>,
    /// Which part of the navigation this page belongs to.
    section: &'static str,
}

/// A project in the navigation.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ProjectLink {
    /// The name people read.
    name: String,
    /// The path of its pages, with a slash at its end.
    url: String,
}

impl ProjectLink {
    /// The link to `project`.
    pub(crate) fn new(ui: &Ui, project: &Project) -> Self {
        Self {
            name: project.name.clone(),
            url: project_url(ui, project),
        }
    }
}

impl Chrome {
    /// Builds the navigation for a page of `project`, or of no project; `section` is `issues`, `feedback`, `stats`,
    /// `projects`, `start` or `settings`.
    ///
    /// # Errors
    /// [`Problem::Store`].
    pub(crate) async fn new(
        ui: &Ui,
        actor: &Actor,
        project: Option<&Project>,
        section: &'static str,
    ) -> Result<Self, Problem> {
        let projects = ui.store.projects(actor.organization.id).await?;
        Ok(Self {
            email: actor.user.email.clone(),
            role: actor.user.role.as_str(),
            can_change: actor.can_change(),
            form_token: actor.form_token.clone(),
            projects: projects.iter().map(|p| ProjectLink::new(ui, p)).collect(),
            project: project.map(|project| ProjectLink::new(ui, project)),
            section,
        })
    }
}

/// The path of a project's pages, with a slash at its end.
pub(crate) fn project_url(ui: &Ui, project: &Project) -> String {
    if RESERVED.contains(&project.slug.as_str()) {
        ui.site.link(&format!("/{}/", project.id))
    } else {
        ui.site.link(&format!("/{}/", project.slug))
    }
}
