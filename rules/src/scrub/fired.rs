//! Which rules did something to an event.

use bugle_protocol::RuleName;

use super::rules::Rule;

/// The ids of rules that did something, each once. Nothing is kept while no rule fires, as in most events few do.
#[derive(Debug, Default)]
pub(super) struct Fired<'r> {
    ids: Vec<&'r str>,
}

impl<'r> Fired<'r> {
    /// Notes a rule under the id that it reports.
    pub(super) fn note(&mut self, rule: &'r Rule) {
        self.note_id(&rule.origin);
    }

    pub(super) fn note_id(&mut self, id: &'r str) {
        // The last one fires most often again.
        if !self.ids.iter().rev().any(|known| *known == id) {
            self.ids.push(id);
        }
    }

    /// The names they are counted by, in order.
    pub(super) fn into_names(mut self) -> Vec<RuleName> {
        self.ids.sort_unstable();
        let names = self.ids.into_iter().map(str::to_owned);
        names.map(|id| RuleName(id.into())).collect()
    }
}
