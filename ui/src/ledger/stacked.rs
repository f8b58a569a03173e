//! A chart of outcomes over time: one bar per stretch of time, its outcomes on top of each other.

use serde::Serialize;

use super::amount::{Amount, Unit};
use super::words::{OUTCOMES, outcome_label, outcome_meaning};

/// The height of the chart, in the units of the view box.
const HEIGHT: i64 = 1000;
/// The height of the axis's top value. The rest is room for parts that are drawn larger than they are, to be seen at all.
const SCALE: i64 = 940;
/// The height of the smallest part that is drawn.
const LEAST: i64 = 7;
/// The width of a bar and the gap behind it.
const STEP: usize = 10;
const BAR: usize = 8;

/// A bar before it is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// When it was, such as `2026-11-20 13:00`.
    pub(crate) label: String,
    /// What ended in it: pairs of an outcome and a quantity, each outcome as often as wanted.
    pub(crate) counts: Vec<(String, i64)>,
}

/// A chart with its legend and its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Stacked {
    /// The width of the view box.
    width: usize,
    /// The height of the view box.
    height: i64,
    /// Where the lines of the axis are, and the values they stand for.
    lines: Vec<Line>,
    bars: Vec<Bar>,
    /// The outcomes that occur, from the bottom to the top.
    pub(crate) series: Vec<Series>,
    /// The sum of all.
    pub(crate) total: Amount,
    /// Whether nothing at all is in it.
    pub(crate) is_empty: bool,
    /// What the chart says, in words.
    summary: String,
}

/// A line of the axis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Line {
    y: i64,
    amount: Amount,
}

/// One stretch of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Bar {
    x: usize,
    width: usize,
    label: String,
    parts: Vec<Part>,
    /// What the bar says, in words.
    note: String,
    /// The quantities in the order of the series.
    cells: Vec<Amount>,
    total: Amount,
}

/// An outcome's part of a bar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Part {
    class: &'static str,
    y: i64,
    height: i64,
}

/// An outcome over all stretches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Series {
    /// The outcome's name, `other` if this version does not know it: for its colour.
    pub(crate) class: &'static str,
    pub(crate) label: String,
    pub(crate) meaning: &'static str,
    pub(crate) amount: Amount,
}

/// The name for the colour of an outcome.
pub(crate) fn class(outcome: &str) -> &'static str {
    let known = OUTCOMES.iter().find(|known| **known == outcome);
    known.copied().unwrap_or("other")
}

impl Stacked {
    /// Draws the stretches, oldest first.
    pub(crate) fn new(stretches: &[Stretch], unit: Unit) -> Self {
        let outcomes = occurring(stretches);
        let rows: Vec<Vec<i64>> = stretches.iter().map(|s| sums(s, &outcomes)).collect();
        let peak = rows.iter().map(total).max().unwrap_or_default();
        let top = round_up(peak);
        let bars = stretches.iter().zip(&rows).enumerate();
        let bars = bars.map(|(i, (stretch, row))| Bar::new(i, stretch, &outcomes, row, top, unit));
        let columns = (0..outcomes.len()).map(|i| total(rows.iter().map(|row| &row[i])));
        let sum = rows.iter().map(total).fold(0, i64::saturating_add);
        Self {
            width: stretches.len() * STEP,
            height: HEIGHT,
            lines: lines(top, unit),
            bars: bars.collect(),
            series: series(&outcomes, columns, unit),
            total: Amount::new(sum, unit),
            is_empty: sum == 0,
            summary: summary(stretches, &rows, unit),
        }
    }
}

/// The outcomes that occur: those that are known in their order, then the others by name.
fn occurring(stretches: &[Stretch]) -> Vec<String> {
    let counts = stretches.iter().flat_map(|stretch| &stretch.counts);
    let mut names: Vec<String> = counts.map(|(name, _)| name.clone()).collect();
    let place = |name: &String| OUTCOMES.iter().position(|known| known == name);
    names.sort_by_key(|name| (place(name).unwrap_or(OUTCOMES.len()), name.clone()));
    names.dedup();
    names
}

/// How many of each outcome a stretch has. What was taken back in another stretch than it was counted in is no bar.
fn sums(stretch: &Stretch, outcomes: &[String]) -> Vec<i64> {
    let sum = |outcome: &String| {
        let counts = stretch.counts.iter().filter(|(name, _)| name == outcome);
        counts
            .map(|(_, count)| *count)
            .fold(0, i64::saturating_add)
            .max(0)
    };
    outcomes.iter().map(sum).collect()
}

fn total<'c>(counts: impl IntoIterator<Item = &'c i64>) -> i64 {
    counts.into_iter().copied().fold(0, i64::saturating_add)
}

/// The next round number whose half can be read too.
fn round_up(peak: i64) -> i64 {
    const SMALL: [i64; 4] = [2, 4, 6, 8];
    const STEPS: [i64; 10] = [10, 12, 16, 20, 24, 30, 40, 50, 60, 80];
    if let Some(top) = SMALL.into_iter().find(|top| *top >= peak) {
        return top;
    }
    let mut power = 1_i64;
    loop {
        let tops = STEPS.into_iter().map(|step| power.saturating_mul(step));
        if let Some(top) = { tops }.find(|top| *top >= peak) {
            return top;
        }
        power = power.saturating_mul(10);
    }
}

fn lines(top: i64, unit: Unit) -> Vec<Line> {
    let line = |value: i64| Line {
        y: HEIGHT - scaled(value, top),
        amount: Amount::new(value, unit),
    };
    vec![line(top), line(top / 2)]
}

fn scaled(value: i64, top: i64) -> i64 {
    let height = i128::from(value) * i128::from(SCALE) / i128::from(top.max(1));
    i64::try_from(height).unwrap_or(SCALE)
}

impl Bar {
    fn new(
        index: usize,
        stretch: &Stretch,
        outcomes: &[String],
        row: &[i64],
        top: i64,
        unit: Unit,
    ) -> Self {
        let cells: Vec<Amount> = row.iter().map(|count| Amount::new(*count, unit)).collect();
        Self {
            x: index * STEP,
            width: BAR,
            label: stretch.label.clone(),
            parts: parts(outcomes, row, top),
            note: note(outcomes, row, &cells),
            cells,
            total: Amount::new(total(row), unit),
        }
    }
}

fn parts(outcomes: &[String], row: &[i64], top: i64) -> Vec<Part> {
    let mut y = HEIGHT;
    let mut parts = Vec::new();
    for (outcome, count) in outcomes.iter().zip(row).filter(|(_, count)| **count > 0) {
        let height = scaled(*count, top).max(LEAST);
        // More than can be counted is as high as the chart.
        let height = height.min(y);
        y -= height;
        let class = class(outcome);
        parts.push(Part { class, y, height });
    }
    parts
}

fn note(outcomes: &[String], row: &[i64], cells: &[Amount]) -> String {
    let counts = outcomes.iter().zip(row).zip(cells);
    let texts: Vec<String> = counts
        .filter(|((_, count), _)| **count > 0)
        .map(|((outcome, _), cell)| format!("{} {}", outcome_label(outcome), cell.text))
        .collect();
    if texts.is_empty() {
        return "nothing".to_owned();
    }
    texts.join(", ")
}

fn series(outcomes: &[String], columns: impl Iterator<Item = i64>, unit: Unit) -> Vec<Series> {
    let all = outcomes.iter().zip(columns);
    all.map(|(outcome, count)| Series {
        class: class(outcome),
        label: outcome_label(outcome),
        meaning: outcome_meaning(outcome),
        amount: Amount::new(count, unit),
    })
    .collect()
}

fn summary(stretches: &[Stretch], rows: &[Vec<i64>], unit: Unit) -> String {
    let busiest = stretches
        .iter()
        .zip(rows)
        .max_by_key(|(_, row)| total(*row));
    match busiest {
        Some((stretch, row)) if total(row) > 0 => {
            let most = Amount::new(total(row), unit).text;
            format!("Most at {} UTC: {most}.", stretch.label)
        }
        _ => "Nothing was sent.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(label: &str, counts: &[(&str, i64)]) -> Stretch {
        let counts = counts
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count));
        Stretch {
            label: label.to_owned(),
            counts: counts.collect(),
        }
    }

    #[test]
    fn outcomes_are_stacked_in_their_order() {
        let stretches = [
            stretch("a", &[("invalid", 10), ("accepted", 60), ("accepted", 20)]),
            stretch("b", &[("odd", 1), ("accepted", 9), ("invalid", -4)]),
            stretch("c", &[]),
        ];
        let chart = Stacked::new(&stretches, Unit::Items);
        let series: Vec<_> = chart
            .series
            .iter()
            .map(|s| (s.class, s.label.as_str(), s.amount.text.as_str()))
            .collect();
        assert_eq!(
            series,
            [
                ("accepted", "Accepted", "89"),
                ("invalid", "Invalid", "10"),
                ("other", "odd", "1")
            ]
        );
        assert_eq!((chart.total.text.as_str(), chart.width), ("100", 30));
        assert_eq!(chart.lines[0].amount.text, "100");
        let heights = |bar: &Bar| -> Vec<(i64, i64)> {
            bar.parts.iter().map(|part| (part.y, part.height)).collect()
        };
        assert_eq!(heights(&chart.bars[0]), [(248, 752), (154, 94)]);
        assert_eq!(heights(&chart.bars[1]), [(916, 84), (907, 9)]);
        assert_eq!(chart.bars[1].note, "Accepted 9, odd 1");
        assert_eq!(chart.bars[2].note, "nothing");
        assert_eq!(chart.summary, "Most at a UTC: 90.");
    }

    #[test]
    fn no_bar_leaves_the_chart() {
        let all: Vec<(&str, i64)> = OUTCOMES.iter().map(|name| (*name, 1)).collect();
        for stretches in [
            vec![],
            vec![stretch("a", &[("accepted", -3)])],
            vec![stretch(
                "a",
                &[("accepted", i64::MAX), ("invalid", i64::MAX)],
            )],
            vec![stretch("a", &all), stretch("b", &[("accepted", 100_000)])],
            vec![stretch(
                "a",
                &[
                    ("accepted", 99_992),
                    ("filtered", 1),
                    ("sampled", 1),
                    ("rate_limited", 1),
                    ("duplicate", 1),
                    ("invalid", 1),
                    ("unsupported", 1),
                    ("client_discard", 1),
                ],
            )],
        ] {
            let chart = Stacked::new(&stretches, Unit::Bytes);
            for part in chart.bars.iter().flat_map(|bar| &bar.parts) {
                assert!(part.y >= 0 && part.height <= HEIGHT, "{part:?}");
            }
        }
        assert!(Stacked::new(&[], Unit::Items).is_empty);
    }

    #[test]
    fn the_axis_ends_at_a_round_number() {
        for (peak, top) in [
            (0, 2),
            (3, 4),
            (9, 10),
            (11, 12),
            (90, 100),
            (2171, 2400),
            (4_999, 5_000),
            (i64::MAX, i64::MAX),
        ] {
            assert_eq!(round_up(peak), top);
        }
    }
}
