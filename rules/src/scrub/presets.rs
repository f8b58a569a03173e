//! Advanced rules to add with one click.

use super::config::{PiiConfig, Redaction, RuleKind, RuleSpec};
use super::selector::Selector;

/// The keys that [`PiiConfig::masking_keys`] is offered with.
pub const MASKED_KEYS: [&str; 5] = ["password", "token", "secret", "credit_card", "ssn"];

const MASKED: &str = "***REDACTED***";
const MASKED_RULE: &str = "masked-keys";
const REQUEST_DATA: &str = "$http.data || $http.data.**";

impl PiiConfig {
    /// Rules that put `***REDACTED***` in the place of values in the data of requests whose key, or text, contains one of
    /// `keys`, in any case. Numbers, lists and objects under such a key become null, as no text can stand for them.
    /// Keys that are nothing but blanks are passed over; without any there is no rule.
    #[must_use]
    pub fn masking_keys<K: AsRef<str>>(keys: impl IntoIterator<Item = K>) -> Self {
        let keys = keys.into_iter();
        let words: Vec<String> = keys
            .map(|key| regex::escape(key.as_ref().trim()))
            .filter(|word| !word.is_empty())
            .collect();
        let mut config = Self::default();
        if words.is_empty() {
            return config;
        }
        let rule = RuleSpec {
            kind: RuleKind::RedactPair {
                key_pattern: format!("(?i){}", words.join("|")),
            },
            redaction: Redaction::replace(MASKED),
        };
        config.rules.insert(MASKED_RULE.to_owned(), rule);
        let selector: Selector = REQUEST_DATA.parse().expect("built-in selectors are tested");
        config
            .applications
            .insert(selector, vec![MASKED_RULE.to_owned()]);
        config
    }

    /// Adds rules to others. One whose id is taken by another rule gets a new one: `id-2`, `id-3` and so on; what is there
    /// already is not added twice.
    pub fn add(&mut self, more: &Self) {
        let names: Vec<(&String, String)> = more
            .rules
            .iter()
            .map(|(id, rule)| (id, self.free_id(id, rule)))
            .collect();
        let renamed = |id: &String| match names.iter().find(|(old, _)| *old == id) {
            Some((_, new)) => new.clone(),
            None => id.clone(),
        };
        for (id, rule) in &more.rules {
            let rule = RuleSpec {
                kind: rule.kind.renamed(renamed),
                redaction: rule.redaction.clone(),
            };
            self.rules.insert(renamed(id), rule);
        }
        for (selector, ids) in &more.applications {
            let list = self.applications.entry(selector.clone()).or_default();
            for id in ids.iter().map(renamed) {
                if !list.contains(&id) {
                    list.push(id);
                }
            }
        }
    }

    /// The id, or the first with a number that no other rule has.
    fn free_id(&self, id: &str, rule: &RuleSpec) -> String {
        let numbered = (2_usize..).map(|number| format!("{id}-{number}"));
        let mut candidates = std::iter::once(id.to_owned()).chain(numbered);
        let is_free = |id: &String| self.rules.get(id).is_none_or(|known| known == rule);
        candidates.find(is_free).unwrap_or_else(|| id.to_owned())
    }
}
