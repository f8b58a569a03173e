//! Lets rules at one value and notes what they do to it.

use std::borrow::Cow;

use bugle_protocol::Meta;
use bugle_protocol::meta::{Note, Remark, RemarkKind};

use super::Path;
use crate::scrub::fired::Fired;
use crate::scrub::rules::Rule;
use crate::scrub::text::Redactable;
use crate::scrub::traits::{Traits, byte};

/// Texts that say nothing.
const EXEMPT: [&str; 5] = ["", "true", "false", "null", "undefined"];

/// A value's surroundings.
pub(super) struct Value<'v, 'm, 's> {
    /// The key that rules see, if it has one.
    pub(super) key: Option<&'v str>,
    pub(super) path: &'v Path<'v>,
    /// Whether any value has notes of before.
    pub(super) has_notes: bool,
    pub(super) meta: &'m mut Meta,
    pub(super) fired: &'m mut Fired<'s>,
}

/// What the rules make of a text.
enum Redacted {
    Unchanged,
    Deleted,
    Text(String),
}

impl<'s> Value<'_, '_, 's> {
    /// Whether a rule takes away a number, list or object: nothing can be put in its place.
    pub(super) fn takes_container(mut self, rules: &[&'s Rule]) -> bool {
        let key = self.key.unwrap_or_default();
        let taking = rules
            .iter()
            .find(|rule| rule.detector.is_anything() || rule.detector.matches_key(key));
        if let Some(rule) = taking {
            self.removed(rule);
        }
        taking.is_some()
    }

    /// Applies the rules to a text; says whether they take it away as a whole.
    pub(super) fn scrub_text(mut self, text: &mut Cow<'_, str>, rules: &[&'s Rule]) -> bool {
        match self.redact(text, rules) {
            Redacted::Unchanged => return false,
            Redacted::Deleted => return true,
            Redacted::Text(new) => *text = Cow::Owned(new),
        }
        false
    }

    /// Applies the rules to a path but for its last segment.
    pub(super) fn scrub_directory(mut self, text: &mut Cow<'_, str>, rules: &[&'s Rule]) {
        let end = text.rfind(['/', '\\']).unwrap_or(text.len());
        match self.redact(&text[..end], rules) {
            Redacted::Unchanged => {}
            Redacted::Deleted => {
                *text = Cow::Owned(text.get(end + 1..).unwrap_or_default().to_owned())
            }
            Redacted::Text(mut new) => {
                new.push_str(&text[end..]);
                *text = Cow::Owned(new);
            }
        }
    }

    fn redact(&mut self, text: &str, rules: &[&'s Rule]) -> Redacted {
        if rules.is_empty() || EXEMPT.contains(&text) {
            return Redacted::Unchanged;
        }
        let key = self.key.unwrap_or_default();
        let mut traits = Traits::of(text);
        let mut acting = Vec::new();
        let remarks = self.remarks();
        // Most texts are never taken apart.
        let mut parts = (!remarks.is_empty() || traits.has_bytes(byte::NUL))
            .then(|| Redactable::new(text, remarks));
        if let Some(parts) = &parts {
            traits = Traits::of(parts.visible());
        }
        for rule in rules {
            let whole = rule.detector.matches_key(key);
            if rule.removes() && (whole || rule.detector.is_anything()) {
                self.finish(text, parts, &acting);
                self.removed(rule);
                return Redacted::Deleted;
            }
            let visible = parts.as_ref().map_or(text, Redactable::visible);
            let ranges = match whole {
                true => vec![(0, visible.len())],
                false if rule.detector.may_match(traits) => rule.detector.find(visible, traits),
                false => continue,
            };
            if !ranges.is_empty() {
                let parts = parts.get_or_insert_with(|| Redactable::new(text, &[]));
                if parts.redact(&ranges, &rule.origin, &rule.redaction) {
                    acting.push(*rule);
                    traits = Traits::of(parts.visible());
                }
            }
        }
        self.finish(text, parts, &acting)
            .map_or(Redacted::Unchanged, Redacted::Text)
    }

    /// Notes what was redacted in a text, and by which rules, and returns the new one, if it is another.
    fn finish(
        &mut self,
        text: &str,
        parts: Option<Redactable<'_>>,
        acting: &[&'s Rule],
    ) -> Option<String> {
        let (new, remarks) = parts?.finish();
        if new == text {
            return None;
        }
        acting.iter().for_each(|rule| self.fired.note(rule));
        let note = self.note();
        note.remarks = remarks;
        note.original_length
            .get_or_insert(text.chars().count() as u64);
        Some(new)
    }

    fn removed(&mut self, rule: &'s Rule) {
        self.fired.note(rule);
        let remark = Remark::new(rule.origin.to_string(), RemarkKind::Removed);
        self.note().remarks.push(remark);
    }

    fn note(&mut self) -> &mut Note {
        self.path.notes(self.meta).note_mut()
    }

    /// What was done to the text before.
    fn remarks(&self) -> &[Remark] {
        if !self.has_notes {
            return &[];
        }
        let note = self.path.find_notes(self.meta).and_then(Meta::note);
        note.map_or(&[], |note| &note.remarks)
    }
}
