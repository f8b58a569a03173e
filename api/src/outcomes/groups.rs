//! Outcomes sorted into groups: what a group is made of, and what is left out.

use std::collections::BTreeMap;

use bugle_protocol::DataCategory;
use bugle_store::OutcomePoint;
use serde::Serialize;

use super::ERRORS;
use crate::error::shortened;
use crate::{ApiError, Call};

/// The outcomes that a filter may name.
const OUTCOMES: [&str; 8] = [
    "accepted",
    "filtered",
    "sampled",
    "rate_limited",
    "invalid",
    "duplicate",
    "unsupported",
    "client_discard",
];

/// What groups differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dimension {
    Outcome,
    Category,
    Reason,
    Project,
}

impl Dimension {
    fn named(name: &str) -> Result<Self, ApiError> {
        match name {
            "outcome" => Ok(Self::Outcome),
            "category" => Ok(Self::Category),
            "reason" => Ok(Self::Reason),
            "project" => Ok(Self::Project),
            _ => Err(ApiError::Invalid(format!(
                "unknown groupBy '{}': expected outcome, category, reason or project",
                shortened(name)
            ))),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Outcome => "outcome",
            Self::Category => "category",
            Self::Reason => "reason",
            Self::Project => "project",
        }
    }
}

/// What a group has in common, such as `{"outcome": "accepted"}`.
pub(super) type By = BTreeMap<&'static str, Value>;

/// A project's id is a number, everything else a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub(super) enum Value {
    Name(String),
    Number(i64),
}

/// Which points count, and in which group.
#[derive(Debug)]
pub(super) struct Grouping {
    dimensions: Vec<Dimension>,
    outcomes: Vec<String>,
    reasons: Vec<String>,
    /// The categories that are read; none means all.
    categories: Vec<DataCategory>,
    /// Whether items are added up over categories, so that bytes must stay out.
    is_mixed: bool,
    /// Whether security reports are shown as the errors that they are for Sentry.
    joins_errors: bool,
}

impl Grouping {
    /// What a call asks for.
    pub(super) fn of(call: &Call) -> Result<Self, ApiError> {
        let dimensions = given(call, "groupBy").map(Dimension::named);
        let mut dimensions = dimensions.collect::<Result<Vec<_>, _>>()?;
        dimensions.sort_unstable();
        dimensions.dedup();
        let categories = categories(call)?;
        let is_by_category = dimensions.contains(&Dimension::Category);
        if !is_by_category {
            refuse_mixed_units(&categories)?;
        }
        let grouping = Self {
            outcomes: outcomes(call)?,
            reasons: given(call, "reason").map(str::to_owned).collect(),
            is_mixed: categories.is_empty() && !is_by_category,
            joins_errors: !given(call, "category").any(|name| name == "security"),
            dimensions,
            categories,
        };
        grouping.check_field(call)?;
        Ok(grouping)
    }

    /// Items are seen as often as they are counted, but nobody counts how often bytes were seen.
    fn check_field(&self, call: &Call) -> Result<(), ApiError> {
        for field in given(call, "field") {
            let is_answered = match field {
                QUANTITY => true,
                TIMES_SEEN => {
                    !self.categories.is_empty() && !self.categories.iter().any(|c| c.is_bytes())
                }
                _ => {
                    return Err(ApiError::Invalid(format!(
                        "unknown field '{}': expected {QUANTITY} or {TIMES_SEEN}",
                        shortened(field)
                    )));
                }
            };
            if !is_answered {
                return Err(ApiError::Invalid(format!(
                    "{TIMES_SEEN} is only kept for categories that count items: name some, or ask for {QUANTITY}"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn categories(&self) -> &[DataCategory] {
        &self.categories
    }

    /// The group of a point, `None` if it does not count.
    pub(super) fn group(&self, point: &OutcomePoint) -> Option<By> {
        let passes = |wanted: &[String], name: &String| wanted.is_empty() || wanted.contains(name);
        if !passes(&self.outcomes, &point.outcome) || !passes(&self.reasons, &point.reason) {
            return None;
        }
        let category = DataCategory::from_name(&point.category);
        if self.is_mixed && category.is_some_and(DataCategory::is_bytes) {
            return None;
        }
        let value = |dimension| match dimension {
            Dimension::Outcome => Value::Name(point.outcome.clone()),
            Dimension::Reason => Value::Name(point.reason.clone()),
            Dimension::Project => Value::Number(point.project_id.0),
            Dimension::Category
                if self.joins_errors && category == Some(DataCategory::Security) =>
            {
                Value::Name(DataCategory::Error.name().to_owned())
            }
            Dimension::Category => Value::Name(point.category.clone()),
        };
        let dimensions = self.dimensions.iter();
        Some(dimensions.map(|d| (d.name(), value(*d))).collect())
    }

    /// Whether there is one group, even if nothing is in it.
    pub(super) fn is_single(&self) -> bool {
        self.dimensions.is_empty()
    }
}

/// The categories that a call names, each once. Whoever asks for errors gets all that Sentry calls so.
fn categories(call: &Call) -> Result<Vec<DataCategory>, ApiError> {
    let categories = given(call, "category").map(category);
    let mut categories = categories.collect::<Result<Vec<_>, _>>()?;
    if categories.contains(&DataCategory::Error) {
        categories.extend(ERRORS);
    }
    categories.sort_unstable();
    categories.dedup();
    Ok(categories)
}

/// A sum of bytes and items, or of the bytes of two things, says nothing.
fn refuse_mixed_units(categories: &[DataCategory]) -> Result<(), ApiError> {
    let bytes = categories.iter().find(|category| category.is_bytes());
    match bytes {
        Some(bytes) if categories.len() > 1 => Err(ApiError::Invalid(format!(
            "the category {} is counted in bytes: ask for it alone or by category",
            bytes.name()
        ))),
        _ => Ok(()),
    }
}

/// Reads a category, by the protocol's name or by those that only this part of the API has.
fn category(name: &str) -> Result<DataCategory, ApiError> {
    let category = match name {
        "default" => Some(DataCategory::Error),
        "profiles" => Some(DataCategory::Profile),
        "replays" => Some(DataCategory::Replay),
        _ => DataCategory::from_name(name),
    };
    category.ok_or_else(|| {
        let known: Vec<_> = DataCategory::ALL.iter().map(|c| c.name()).collect();
        let (name, known) = (shortened(name), known.join(", "));
        ApiError::Invalid(format!(
            "unknown category '{name}': expected one of {known}"
        ))
    })
}

fn outcomes(call: &Call) -> Result<Vec<String>, ApiError> {
    let outcome = |name: &str| {
        if OUTCOMES.contains(&name) {
            return Ok(name.to_owned());
        }
        let (name, known) = (shortened(name), OUTCOMES.join(", "));
        Err(ApiError::Invalid(format!(
            "unknown outcome '{name}': expected one of {known}"
        )))
    };
    given(call, "outcome").map(outcome).collect()
}

/// The field that adds up items, or bytes.
pub(super) const QUANTITY: &str = "sum(quantity)";

/// The field that adds up how often something was seen.
pub(super) const TIMES_SEEN: &str = "sum(times_seen)";

/// The values of a parameter that say something.
pub(super) fn given<'c>(call: &'c Call, key: &str) -> impl Iterator<Item = &'c str> {
    call.all(key).filter(|value| !value.is_empty())
}
