//! Whose rules a page is about.

use axum::extract::Path;
use bugle_protocol::RuleTopic;
use bugle_store::{Project, RuleOwner};
use serde::Deserialize;

use crate::Ui;
use crate::actor::Actor;
use crate::chrome::{Chrome, project_url};
use crate::problem::Problem;

/// What a path names; an organisation's pages name no project.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Params {
    #[serde(default)]
    project: Option<String>,
    /// A version, on the pages of versions.
    #[serde(default)]
    pub(super) version: Option<String>,
}

/// Whose rules they are, and where their page is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Who owns them.
    pub(super) owner: RuleOwner,
    /// The project; `None` for an organisation's rules.
    pub(super) project: Option<Project>,
    /// What people call the owner.
    pub(super) name: String,
    /// The path of the settings that the page belongs to, with a slash at its end.
    pub(super) settings_url: String,
    /// The path of the page, with a slash at its end.
    pub(super) url: String,
}

impl Place {
    /// Finds the owner that a path names.
    ///
    /// # Errors
    /// [`Problem::NotFound`], also for the projects of others.
    pub(super) async fn find(
        ui: &Ui,
        actor: &Actor,
        topic: RuleTopic,
        path: Option<Path<Params>>,
    ) -> Result<(Self, Option<String>), Problem> {
        let params = path.map_or_else(Params::default, |Path(params)| params);
        let organization = &actor.organization;
        let project = match &params.project {
            Some(name) => Some(actor.project(ui, name).await?),
            None => None,
        };
        let settings_url = match &project {
            Some(project) => format!("{}settings/", project_url(ui, project)),
            None => ui.site.link("/settings/"),
        };
        let place = Self {
            owner: match &project {
                Some(project) => RuleOwner::Project(organization.id, project.id),
                None => RuleOwner::Organization(organization.id),
            },
            name: match &project {
                Some(project) => project.name.clone(),
                None => "all projects".to_owned(),
            },
            url: format!("{settings_url}{}/", topic.name()),
            settings_url,
            project,
        };
        Ok((place, params.version))
    }

    /// What surrounds its pages.
    ///
    /// # Errors
    /// [`Problem::Store`].
    pub(super) async fn chrome(&self, ui: &Ui, actor: &Actor) -> Result<Chrome, Problem> {
        let section = match self.project {
            Some(_) => "settings",
            None => "projects",
        };
        Chrome::new(ui, actor, self.project.as_ref(), section).await
    }
}
