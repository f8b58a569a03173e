//! What became of everything that a project's clients sent.

mod range;
mod rejected;
mod totals;

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Html;
use bugle_protocol::{DataCategory, UnixMillis};
use bugle_store::{OutcomePoint, OutcomeQuery, OutcomeTotal, Project};
use serde::{Deserialize, Serialize};

use crate::Ui;
use crate::actor::Actor;
use crate::chrome::{Chrome, project_url};
use crate::ledger::{Amount, Stacked, Stretch, Unit, category_label};
use crate::problem::Problem;
use crate::quota::{self, QuotaView};
use crate::url::with_query;

use range::Range;
use rejected::Rejected;
pub(super) use totals::{Balance, balance};
use totals::{KeyRow, Reason, Totals};

/// As many as a project keeps.
const MOST_REJECTIONS: u32 = 100;

/// What the address says.
#[derive(Debug, Deserialize)]
pub(super) struct StatsQuery {
    /// `24h`, `7d` or `30d`.
    #[serde(default)]
    period: String,
    /// A category; empty for all that count as items.
    #[serde(default)]
    category: String,
}

/// The model of `stats.html`.
#[derive(Debug, Serialize)]
struct StatsView {
    name: String,
    ranges: Vec<Choice>,
    categories: Vec<Choice>,
    /// What is counted, in words: `Errors`.
    what: String,
    /// `the last 24 hours`
    when: &'static str,
    /// How long a bar is: `an hour`.
    step: &'static str,
    chart: Stacked,
    totals: Totals,
    reasons: Vec<Reason>,
    keys: Vec<KeyRow>,
    rejected: Rejected,
    /// The limits that refuse something right now.
    refusing: Vec<QuotaView>,
    limits_url: String,
}

/// A link that changes what is shown.
#[derive(Debug, Serialize)]
struct Choice {
    label: String,
    url: String,
    is_active: bool,
    /// How much there is of it.
    amount: Option<Amount>,
}

/// `GET /{project}/stats/`
pub(super) async fn show(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
    Query(query): Query<StatsQuery>,
) -> Result<Html<String>, Problem> {
    let project = actor.project(&ui, &name).await?;
    let now = UnixMillis::now();
    let mut refusing = quota::of_project(&ui, project.id, now).await?;
    refusing.retain(|quota| quota.is_refusing);
    let keys = ui.store.project_keys(project.id).await?;
    let stats = Stats {
        range: Range::named(&query.period),
        category: DataCategory::from_name(&query.category),
        path: format!("{}stats/", project_url(&ui, &project)),
        now,
    };
    let from = stats.range.from(now);
    let totals = ui.store.outcome_totals_by_key(project.id, from).await?;
    let points = ui.store.outcome_series(&stats.series(&project)).await?;
    let rejections = ui.store.rejections(project.id, MOST_REJECTIONS).await?;
    let all: Vec<OutcomeTotal> = totals.iter().map(|(_, total)| total.clone()).collect();
    let view = StatsView {
        ranges: stats.ranges(),
        categories: stats.categories(&all),
        what: stats.what(),
        when: stats.range.words(),
        step: stats.range.step_words(),
        chart: stats.chart(&points),
        reasons: Reason::all(&all, |category| stats.shows(category)),
        keys: KeyRow::all(&keys, &totals, stats.category),
        totals: Totals::new(&all),
        rejected: Rejected::new(&rejections, &keys, now),
        refusing,
        limits_url: format!("{}settings/limits/", project_url(&ui, &project)),
        name: project.name.clone(),
    };
    let chrome = Chrome::new(&ui, &actor, Some(&project), "stats").await?;
    ui.templates.page(&ui, "stats.html", &chrome, &view)
}

/// What somebody wants to see.
struct Stats {
    range: Range,
    /// None for everything that counts as items.
    category: Option<DataCategory>,
    path: String,
    now: UnixMillis,
}

impl Stats {
    fn series(&self, project: &Project) -> OutcomeQuery {
        OutcomeQuery {
            projects: vec![project.id],
            from: self.range.from(self.now),
            to: UnixMillis(self.now.0.saturating_add(1)),
            step: self.range.step(),
            categories: self.category.into_iter().collect(),
        }
    }

    fn unit(&self) -> Unit {
        self.category
            .map_or(Unit::Items, |category| Unit::of(category.name()))
    }

    fn shows(&self, category: &str) -> bool {
        match self.category {
            Some(chosen) => chosen.name() == category,
            None => Unit::of(category) == Unit::Items,
        }
    }

    fn what(&self) -> String {
        match self.category {
            Some(category) => category_label(category.name()),
            None => "All items".to_owned(),
        }
    }

    fn url(&self, range: Range, category: &str) -> String {
        let period = if range == Range::Day {
            ""
        } else {
            range.name()
        };
        with_query(&self.path, &[("period", period), ("category", category)])
    }

    fn chart(&self, points: &[OutcomePoint]) -> Stacked {
        let labels = self.range.labels(self.now).into_iter();
        let mut stretches: Vec<Stretch> = labels
            .map(|label| Stretch {
                label,
                counts: Vec::new(),
            })
            .collect();
        for point in points.iter().filter(|point| self.shows(&point.category)) {
            let index = self.range.index(point.time, self.now);
            if let Some(stretch) = index.and_then(|index| stretches.get_mut(index)) {
                stretch.counts.push((point.outcome.clone(), point.quantity));
            }
        }
        Stacked::new(&stretches, self.unit())
    }

    fn ranges(&self) -> Vec<Choice> {
        let category = self.category.map_or("", DataCategory::name);
        let choice = |range: Range| Choice {
            label: range.name().to_owned(),
            url: self.url(range, category),
            is_active: range == self.range,
            amount: None,
        };
        Range::ALL.into_iter().map(choice).collect()
    }

    /// All items, the categories that occur, and the chosen one.
    fn categories(&self, totals: &[OutcomeTotal]) -> Vec<Choice> {
        let sum = |wanted: &dyn Fn(&str) -> bool| -> i64 {
            let wanted = totals.iter().filter(|total| wanted(&total.category));
            wanted.map(|total| total.quantity).sum()
        };
        let mut choices = vec![Choice {
            label: "All items".to_owned(),
            url: self.url(self.range, ""),
            is_active: self.category.is_none(),
            amount: Some(Amount::new(
                sum(&|name| Unit::of(name) == Unit::Items),
                Unit::Items,
            )),
        }];
        for &category in DataCategory::ALL {
            let name = category.name();
            let is_active = self.category == Some(category);
            if is_active || totals.iter().any(|total| total.category == name) {
                choices.push(Choice {
                    label: category_label(name),
                    url: self.url(self.range, name),
                    is_active,
                    amount: Some(Amount::new(sum(&|other| other == name), Unit::of(name))),
                });
            }
        }
        choices
    }
}
