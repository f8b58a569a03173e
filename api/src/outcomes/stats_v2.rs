//! The outcomes of an organisation over time, in groups.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use bugle_store::Scope;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::groups::{By, Grouping, QUANTITY, given};
use super::{read, width};
use crate::issues::chosen_projects;
use crate::range::{Grid, bad_period, parse_period, time};
use crate::{ApiError, Call};

/// How far the series reach back where nobody says.
const DEFAULT_PERIOD: Duration = Duration::from_secs(86_400);

/// The most numbers that an answer has: groups times stretches.
const MAX_NUMBERS: usize = 1_000_000;

/// The answer: series over the same intervals.
#[derive(Serialize)]
pub(crate) struct Series {
    start: String,
    end: String,
    /// When each stretch begins.
    intervals: Vec<String>,
    groups: Vec<Group>,
}

#[derive(Serialize)]
struct Group {
    by: By,
    totals: Fields<i64>,
    series: Fields<Vec<i64>>,
}

/// The same value under the name of each field that was asked for: where more than one is answered, they are equal.
struct Fields<T> {
    names: Vec<String>,
    value: T,
}

impl<T: Serialize> Serialize for Fields<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.names.len()))?;
        for name in &self.names {
            map.serialize_entry(name, &self.value)?;
        }
        map.end()
    }
}

/// `GET organizations/{o}/stats_v2/`.
pub(crate) async fn organization_outcomes(call: Call) -> Result<Json<Series>, ApiError> {
    call.require(Scope::OrgRead)?;
    let projects = chosen_projects(&call).await?;
    let projects: Vec<_> = projects.iter().map(|project| project.id).collect();
    let grouping = Grouping::of(&call)?;
    let grid = grid(&call)?;
    let mut groups: BTreeMap<By, Vec<i64>> = BTreeMap::new();
    if grouping.is_single() {
        groups.insert(By::new(), vec![0; grid.len()]);
    }
    let max_groups = MAX_NUMBERS / grid.len().max(1);
    read(
        &call,
        &projects,
        grouping.categories(),
        grid,
        |stretch, point| {
            let Some(by) = grouping.group(&point) else {
                return Ok(());
            };
            let group = groups.entry(by).or_insert_with(|| vec![0; grid.len()]);
            group[stretch] += point.quantity;
            if groups.len() > max_groups {
                return Err(ApiError::Invalid(format!(
                    "more than {MAX_NUMBERS} numbers: ask for fewer projects, groups or intervals"
                )));
            }
            Ok(())
        },
    )
    .await?;
    Ok(Json(series(&call, grid, groups)))
}

fn series(call: &Call, grid: Grid, groups: BTreeMap<By, Vec<i64>>) -> Series {
    let names = fields(call);
    let group = |(by, series): (By, Vec<i64>)| Group {
        by,
        totals: Fields {
            names: names.clone(),
            value: series.iter().sum(),
        },
        series: Fields {
            names: names.clone(),
            value: series,
        },
    };
    Series {
        start: grid.start().to_rfc3339(),
        end: grid.end().to_rfc3339(),
        intervals: grid.times().map(|time| time.to_rfc3339()).collect(),
        groups: groups.into_iter().map(group).collect(),
    }
}

/// The fields that a call asks for, each once; those that are not kept were refused before.
fn fields(call: &Call) -> Vec<String> {
    let mut fields = Vec::new();
    for field in given(call, "field") {
        if !fields.iter().any(|known| known == field) {
            fields.push(field.to_owned());
        }
    }
    if fields.is_empty() {
        fields.push(QUANTITY.to_owned());
    }
    fields
}

/// The time that `statsPeriod`, or `start` and `end`, ask for, in stretches of `interval`.
fn grid(call: &Call) -> Result<Grid, ApiError> {
    let param = |key| given(call, key).next();
    let width = width(param("interval").unwrap_or("1h"))?;
    match (param("statsPeriod"), param("start"), param("end")) {
        (None, Some(start), Some(end)) => Grid::new(time(start)?, time(end)?, width),
        (None, None, None) => Grid::until(call.now, DEFAULT_PERIOD, width),
        (Some(text), None, None) => {
            let period = parse_period(text).ok_or_else(|| bad_period(text))?;
            Grid::until(call.now, period, width)
        }
        _ => Err(ApiError::Invalid(
            "expected either statsPeriod, or both start and end".to_owned(),
        )),
    }
}
