//! The form that sets a limit: what it offers, what was filled in, and what is wrong with it.

use bugle_protocol::{DataCategory, KeyId, LimitScope, OrganizationId, ProjectId};
use bugle_store::{NewQuota, ProjectKey, Quota, QuotaTarget};
use serde::Serialize;

use super::quantity;
use crate::ledger::{Unit, category_label};
use crate::quota::window_words;

/// The windows on offer, in seconds.
const WINDOWS: [u64; 7] = [60, 600, 3600, 21_600, 86_400, 604_800, 2_592_000];

/// What is or was filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filled {
    scope: String,
    categories: Vec<String>,
    quantity: String,
    window: String,
    /// The id of the limit that this one takes the place of; empty for a new one.
    pub(super) replaces: String,
}

/// The model of the form.
#[derive(Debug, Serialize)]
pub(super) struct FormView {
    scopes: Vec<Choice>,
    items: Vec<Choice>,
    bytes: Vec<Choice>,
    quantity: String,
    windows: Vec<Choice>,
    errors: Errors,
    /// The id of the limit that it changes; empty for a new one.
    replaces: String,
}

/// What can be chosen.
#[derive(Debug, Serialize)]
struct Choice {
    value: String,
    label: String,
    is_chosen: bool,
}

/// What is wrong, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Errors {
    pub(super) scope: Option<String>,
    pub(super) categories: Option<String>,
    pub(super) quantity: Option<String>,
    pub(super) window: Option<String>,
    /// What no field has to itself.
    pub(super) all: Option<String>,
}

impl Errors {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a limit can be set.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) organization: OrganizationId,
    pub(super) project: ProjectId,
    pub(super) keys: &'a [ProjectKey],
}

impl Default for Filled {
    fn default() -> Self {
        Self {
            scope: "project".to_owned(),
            categories: vec![DataCategory::Error.name().to_owned()],
            quantity: String::new(),
            window: "3600".to_owned(),
            replaces: String::new(),
        }
    }
}

impl Filled {
    /// What a browser sent.
    pub(super) fn of_fields(fields: &[(String, String)]) -> Self {
        let all = |name: &'static str| {
            let named = fields.iter().filter(move |(key, _)| key == name);
            named.map(|(_, value)| value.clone())
        };
        let first = |name: &'static str| all(name).next().unwrap_or_default();
        Self {
            scope: first("scope"),
            categories: all("category").take(DataCategory::ALL.len()).collect(),
            quantity: first("quantity"),
            window: first("window"),
            replaces: first("replaces"),
        }
    }

    /// What sets the same limit again.
    pub(super) fn of_quota(quota: &Quota) -> Self {
        let unit = unit(&quota.categories);
        let categories = quota.categories.iter();
        Self {
            scope: match (quota.scope(), quota.key_id) {
                (LimitScope::Key, Some(key)) => format!("key:{key}"),
                (LimitScope::Organization, _) => "organization".to_owned(),
                _ => "project".to_owned(),
            },
            categories: categories.map(|c| c.name().to_owned()).collect(),
            quantity: quantity::text(quota.quantity, unit),
            window: quota.window_seconds.to_string(),
            replaces: quota.id.to_string(),
        }
    }

    /// The limit that is wanted.
    ///
    /// # Errors
    /// What is wrong with the fields.
    pub(super) fn read(&self, place: &Place<'_>) -> Result<NewQuota, Errors> {
        let mut errors = Errors::default();
        let target = place.target(&self.scope);
        if target.is_none() {
            errors.scope = Some("Choose whom the limit is for.".to_owned());
        }
        let categories = self.categories().unwrap_or_else(|error| {
            errors.categories = Some(error);
            Vec::new()
        });
        let quantity = quantity::parse(&self.quantity, unit(&categories));
        let quantity = quantity.unwrap_or_else(|error| {
            errors.quantity = Some(error);
            0
        });
        let window_seconds = self.window.parse().unwrap_or_else(|_| {
            errors.window = Some("Choose a window.".to_owned());
            0
        });
        match target {
            Some(target) if errors.is_empty() => Ok(NewQuota {
                target,
                categories,
                quantity,
                window_seconds,
            }),
            _ => Err(errors),
        }
    }

    fn categories(&self) -> Result<Vec<DataCategory>, String> {
        let names = self.categories.iter();
        let known: Option<Vec<DataCategory>> =
            names.map(|name| DataCategory::from_name(name)).collect();
        let Some(categories) = known else {
            return Err("One of the categories is not known.".to_owned());
        };
        let bytes = categories.iter().filter(|c| c.is_bytes()).count();
        if bytes > 0 && bytes < categories.len() {
            return Err(
                "Bytes and items cannot be added up: set a limit for each of the two groups."
                    .to_owned(),
            );
        }
        Ok(categories)
    }

    /// The form with these values in it.
    pub(super) fn into_view(self, place: &Place<'_>, errors: Errors) -> FormView {
        let category = |category: &DataCategory| Choice {
            value: category.name().to_owned(),
            label: category_label(category.name()),
            is_chosen: self.categories.iter().any(|name| name == category.name()),
        };
        let limited = DataCategory::ALL.iter().filter(|c| c.is_limited());
        let (bytes, items): (Vec<_>, Vec<_>) = limited.partition(|c| c.is_bytes());
        FormView {
            scopes: place.choices(&self.scope),
            items: items.into_iter().map(category).collect(),
            bytes: bytes.into_iter().map(category).collect(),
            windows: windows(&self.window),
            quantity: self.quantity,
            replaces: self.replaces,
            errors,
        }
    }
}

fn unit(categories: &[DataCategory]) -> Unit {
    match categories.first() {
        Some(category) if category.is_bytes() => Unit::Bytes,
        _ => Unit::Items,
    }
}

/// The windows on offer, and the one of a limit that the command line set.
fn windows(chosen: &str) -> Vec<Choice> {
    let mut all = WINDOWS.to_vec();
    all.extend(chosen.parse::<u64>().ok());
    all.sort_unstable();
    all.dedup();
    let choice = |seconds: u64| Choice {
        value: seconds.to_string(),
        label: window_words(seconds),
        is_chosen: seconds.to_string() == chosen,
    };
    all.into_iter().map(choice).collect()
}

impl Place<'_> {
    fn target(&self, scope: &str) -> Option<QuotaTarget> {
        match scope {
            "project" => Some(QuotaTarget::Project(self.project)),
            "organization" => Some(QuotaTarget::Organization(self.organization)),
            other => {
                let id = KeyId(other.strip_prefix("key:")?.parse().ok()?);
                let is_own = self.keys.iter().any(|key| key.id == id);
                is_own.then_some(QuotaTarget::Key(id))
            }
        }
    }

    fn choices(&self, chosen: &str) -> Vec<Choice> {
        let choice = |value: String, label: String| Choice {
            is_chosen: value == chosen,
            value,
            label,
        };
        let keys = self.keys.iter();
        let keys = keys.map(|key| choice(format!("key:{}", key.id), format!("Key {}", key.label)));
        let mut choices = vec![choice("project".to_owned(), "This project".to_owned())];
        choices.extend(keys);
        choices.push(choice(
            "organization".to_owned(),
            "All projects together".to_owned(),
        ));
        choices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place {
        organization: OrganizationId(1),
        project: ProjectId(2),
        keys: &[],
    };

    fn filled(scope: &str, categories: &[&str], quantity: &str, window: &str) -> Filled {
        Filled {
            scope: scope.to_owned(),
            categories: categories.iter().map(|name| (*name).to_owned()).collect(),
            quantity: quantity.to_owned(),
            window: window.to_owned(),
            replaces: String::new(),
        }
    }

    #[test]
    fn what_is_filled_in_becomes_a_limit() {
        let new = filled("project", &["attachment"], "2 MB", "60")
            .read(&PLACE)
            .unwrap();
        assert_eq!(new.target, QuotaTarget::Project(ProjectId(2)));
        assert_eq!((new.quantity, new.window_seconds), (2_000_000, 60));
        let new = filled("organization", &[], "5", "60").read(&PLACE).unwrap();
        assert!(new.categories.is_empty());
    }

    #[test]
    fn each_field_says_what_is_wrong_with_it() {
        let errors = filled("key:9", &["error", "attachment"], "x", "soon").read(&PLACE);
        let errors = errors.unwrap_err();
        assert!(errors.scope.is_some() && errors.quantity.is_some() && errors.window.is_some());
        assert!(errors.categories.unwrap().contains("cannot be added up"));
        let errors = filled("project", &["wat"], "1", "60")
            .read(&PLACE)
            .unwrap_err();
        assert_eq!(
            errors.categories.unwrap(),
            "One of the categories is not known."
        );
    }

    #[test]
    fn a_form_keeps_what_was_filled_in() {
        let odd = filled("nobody", &["span"], "<x>", "7200");
        let view = odd.into_view(&PLACE, Errors::default());
        assert_eq!(view.quantity, "<x>");
        let chosen = |choices: &[Choice]| -> Vec<String> {
            let chosen = choices.iter().filter(|choice| choice.is_chosen);
            chosen.map(|choice| choice.label.clone()).collect()
        };
        assert_eq!(chosen(&view.windows), ["2 hours"]);
        assert_eq!(chosen(&view.items), ["Spans"]);
        assert!(chosen(&view.scopes).is_empty() && chosen(&view.bytes).is_empty());
    }
}
