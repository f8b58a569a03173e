//! A text in which rules have replaced parts: what is left of it, what stands there instead, and by whom.

use std::borrow::Cow;

use bugle_protocol::meta::{Remark, RemarkKind};

use super::config::Redaction;
use super::hash;

/// A piece of the text.
#[derive(Clone, Debug)]
struct Chunk<'t> {
    text: Cow<'t, str>,
    /// The rule that put it there; `None` is the sender's own text.
    rule: Option<(Cow<'static, str>, RemarkKind)>,
}

/// A text taken apart.
#[derive(Clone, Debug)]
pub(super) struct Redactable<'t> {
    chunks: Vec<Chunk<'t>>,
    /// The text as rules see it: each redacted piece is one NUL.
    visible: String,
}

/// Stands for a redacted piece, so that no rule matches inside or across it by accident.
const PLACEHOLDER: char = '\0';

impl<'t> Redactable<'t> {
    /// Takes `text` apart at the remarks of earlier rules; remarks that fit nowhere are passed over.
    pub(super) fn new(text: &'t str, remarks: &[Remark]) -> Self {
        let mut chunks = Vec::new();
        let mut at = 0;
        for remark in remarks {
            let Some((start, end)) = remark.range.filter(|(start, _)| *start >= at) else {
                continue;
            };
            let (Some(before), Some(inside)) = (text.get(at..start), text.get(start..end)) else {
                continue;
            };
            push_text(&mut chunks, before);
            chunks.push(Chunk {
                text: Cow::Borrowed(inside),
                rule: Some((remark.rule_id.clone(), remark.kind)),
            });
            at = end;
        }
        push_text(&mut chunks, &text[at..]);
        let mut redactable = Self {
            chunks,
            visible: String::new(),
        };
        redactable.refresh();
        redactable
    }

    /// The text as rules see it.
    pub(super) fn visible(&self) -> &str {
        &self.visible
    }

    /// Redacts `ranges` of the visible text, which are in order and do not overlap, unless nothing of the sender's is left.
    /// Says whether it did.
    pub(super) fn redact(
        &mut self,
        ranges: &[(usize, usize)],
        rule_id: &str,
        redaction: &Redaction,
    ) -> bool {
        if self.chunks.iter().all(|chunk| chunk.rule.is_some()) {
            return false;
        }
        let mut old = std::mem::take(&mut self.chunks)
            .into_iter()
            .filter(|chunk| chunk.rule.is_some());
        let mut at = 0;
        for &(start, end) in ranges {
            self.keep(at, start, &mut old);
            // What was redacted inside the range goes with it.
            let swallowed = self.visible[start..end].matches(PLACEHOLDER).count();
            old.by_ref().take(swallowed).for_each(drop);
            if let Some((text, kind)) = replacement(&self.visible[start..end], redaction) {
                let rule = Some((Cow::Owned(rule_id.to_owned()), kind));
                self.chunks.push(Chunk {
                    text: text.into(),
                    rule,
                });
            }
            at = end;
        }
        self.keep(at, self.visible.len(), &mut old);
        self.refresh();
        true
    }

    /// Copies a part of the visible text, putting the old redactions back in their places.
    fn keep(&mut self, start: usize, end: usize, old: &mut impl Iterator<Item = Chunk<'t>>) {
        let part = &self.visible[start..end];
        for (i, piece) in part.split(PLACEHOLDER).enumerate() {
            if i > 0 {
                self.chunks.extend(old.next());
            }
            if !piece.is_empty() {
                self.chunks.push(Chunk {
                    text: piece.to_owned().into(),
                    rule: None,
                });
            }
        }
    }

    fn refresh(&mut self) {
        self.visible.clear();
        for chunk in &self.chunks {
            match chunk.rule {
                Some(_) => self.visible.push(PLACEHOLDER),
                // The sender's NULs would be taken for placeholders.
                None => self.visible.extend(chunk.text.split(PLACEHOLDER)),
            }
        }
    }

    /// Puts the text together again, with remarks in order of their places.
    pub(super) fn finish(self) -> (String, Vec<Remark>) {
        let mut text =
            String::with_capacity(self.chunks.iter().map(|chunk| chunk.text.len()).sum());
        let mut remarks = Vec::new();
        for chunk in self.chunks {
            let start = text.len();
            text.push_str(&chunk.text);
            if let Some((rule_id, kind)) = chunk.rule {
                remarks.push(Remark::new(rule_id, kind).at(start, text.len()));
            }
        }
        (text, remarks)
    }
}

fn push_text<'t>(chunks: &mut Vec<Chunk<'t>>, text: &'t str) {
    if !text.is_empty() {
        chunks.push(Chunk {
            text: Cow::Borrowed(text),
            rule: None,
        });
    }
}

/// What takes the place of `text`; a method of another version cuts it out and does not say so.
fn replacement(text: &str, redaction: &Redaction) -> Option<(String, RemarkKind)> {
    Some(match redaction {
        Redaction::Replace { text } => (text.clone(), RemarkKind::Substituted),
        Redaction::Mask => ("*".repeat(text.chars().count()), RemarkKind::Masked),
        Redaction::Hash => (hash::hmac_sha1(text.as_bytes()), RemarkKind::Pseudonymized),
        Redaction::Default | Redaction::Remove => (String::new(), RemarkKind::Removed),
        Redaction::Other => return None,
    })
}
