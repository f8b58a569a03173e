//! What the editors of rule lines share: presets, the hits of lines, and the fields that conditions can ask for.

use bugle_rules::facts::FIELDS;
use bugle_rules::{Preset, Problem as Fault, hints, named_lines};
use serde::Serialize;

use super::faults::FaultView;
use super::fields::Fields;
use super::hits::NamedRule;
use super::words::{Words, words};
use crate::problem::Problem;

/// Characters of a line that a table shows.
const LONGEST_LABEL: usize = 200;

/// A form that has nothing but rule lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct LinesForm {
    /// The text as it was typed.
    pub(super) rules: String,
}

/// What stands beside an editor of rule lines.
#[derive(Debug, Serialize)]
pub(super) struct LinesBeside {
    /// The height of the editor, in lines.
    rows: usize,
    presets: Vec<PresetView>,
    /// What is likely to be a slip of the pen, and can be saved all the same.
    hints: Vec<FaultView>,
    fields: Vec<FieldView>,
}

/// Lines that can be added with a button.
#[derive(Debug, Serialize)]
struct PresetView {
    name: &'static str,
    title: &'static str,
    explanation: &'static str,
    lines: &'static [&'static str],
    /// Whether the form has them.
    is_in: bool,
}

/// A field that conditions can ask for.
#[derive(Debug, Serialize)]
struct FieldView {
    name: &'static str,
    aliases: &'static [&'static str],
    kind: &'static str,
    meaning: Vec<Words>,
}

impl LinesForm {
    /// The form as it was sent.
    pub(super) fn typed(fields: &Fields) -> Self {
        Self {
            rules: fields.get("rules").to_owned(),
        }
    }

    /// The text of a field.
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        (field == "rules").then_some(&self.rules)
    }
}

impl LinesBeside {
    /// The presets as `text` has them, found out on a thread that may take its time.
    ///
    /// # Errors
    /// [`Problem::Broken`] if that panics.
    pub(super) async fn read(presets: &'static [Preset], text: &str) -> Result<Self, Problem> {
        let text = text.to_owned();
        let work = tokio::task::spawn_blocking(move || Self::new(presets, &text));
        work.await
            .map_err(|_| Problem::Broken("looking for presets panicked"))
    }

    fn new(presets: &'static [Preset], text: &str) -> Self {
        let preset = |preset: &'static Preset| PresetView {
            name: preset.name,
            title: preset.title,
            explanation: preset.explanation,
            lines: preset.lines,
            is_in: preset.is_in(text),
        };
        let fields = FIELDS.iter().map(|field| FieldView {
            name: field.name,
            aliases: field.aliases,
            kind: field.kind.name(),
            meaning: words(field.meaning),
        });
        Self {
            rows: (text.lines().count() + 2).clamp(8, 30),
            presets: presets.iter().map(preset).collect(),
            hints: hints(text)
                .iter()
                .map(|hint| FaultView::new(hint, Some(text)))
                .collect(),
            fields: fields.collect(),
        }
    }
}

/// Adds (`add:NAME`) the lines of a preset to a text, or removes them (`remove:NAME`); `None` if the button is no such one.
pub(super) fn press(presets: &[Preset], text: &mut String, button: &str) -> Option<Vec<Fault>> {
    let (verb, name) = button.split_once(':')?;
    let preset = presets.iter().find(|preset| preset.name == name)?;
    *text = match verb {
        "add" => preset.add_to(text),
        "remove" => preset.remove_from(text),
        _ => return None,
    };
    Some(Vec::new())
}

/// The lines of a text, with the names they are counted by.
pub(super) fn rules(text: &str) -> Vec<NamedRule> {
    let lines = named_lines(text).into_iter();
    let rule = lines.map(|line| NamedRule {
        name: line.name.to_string(),
        line: Some(line.line),
        label: cut(&line.text),
    });
    rule.collect()
}

/// What to call a line that the form has no more, and that no version of late has.
pub(super) fn gone(name: &str) -> Option<(String, bool)> {
    Some((format!("a line that is gone ({name})"), false))
}

/// The beginning of a line.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_LABEL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
