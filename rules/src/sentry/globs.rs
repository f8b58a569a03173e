//! Sentry's patterns in our language, which has `*` alone.

use super::terms::printable;
use crate::pattern::Pattern;

/// How many patterns the braces of one may stand for.
const MAX_ALTERNATIVES: usize = 64;

/// A text that stands for itself between quotes.
pub(super) fn escaped(text: &str) -> Result<String, String> {
    let mut escaped = String::new();
    for c in text.chars() {
        if c.is_control() {
            return Err("a text of several lines".to_owned());
        }
        if matches!(c, '*' | '\\' | '"') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    Ok(escaped)
}

/// The patterns of ours, as they stand between quotes, that together describe what one of Sentry's does; none for what
/// describes nothing.
pub(super) fn globs(pattern: &str) -> Result<Vec<String>, String> {
    if pattern.is_empty() || Pattern::check(pattern).is_err() {
        return Ok(Vec::new());
    }
    let mut expansion = Expansion {
        whole: vec![String::new()],
        branches: None,
    };
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => expansion.put("*"),
            '?' | '[' => return Err(format!("`{c}` in the pattern `{}`", printable(pattern))),
            '{' => expansion.branches = Some(vec![String::new()]),
            '}' => expansion.close()?,
            ',' if expansion.branches.is_some() => expansion.next_branch(),
            '\\' => expansion.put(&escaped(&chars.next().unwrap_or('\\').to_string())?),
            _ => expansion.put(&escaped(&c.to_string())?),
        }
    }
    // An unclosed brace describes nothing.
    let is_open = expansion.branches.is_some();
    Ok(if is_open { Vec::new() } else { expansion.whole })
}

/// What a pattern with braces stands for, as far as it was read.
struct Expansion {
    whole: Vec<String>,
    /// What each branch of the open brace adds.
    branches: Option<Vec<String>>,
}

impl Expansion {
    fn put(&mut self, text: &str) {
        match &mut self.branches {
            Some(branches) => {
                if let Some(last) = branches.last_mut() {
                    last.push_str(text);
                }
            }
            None => self.whole.iter_mut().for_each(|whole| whole.push_str(text)),
        }
    }

    fn next_branch(&mut self) {
        if let Some(branches) = &mut self.branches {
            branches.push(String::new());
        }
    }

    fn close(&mut self) -> Result<(), String> {
        let ends = self.branches.take().unwrap_or_default();
        if self.whole.len() * ends.len() > MAX_ALTERNATIVES {
            return Err(format!(
                "braces with more than {MAX_ALTERNATIVES} combinations"
            ));
        }
        let starts = self.whole.iter();
        let all = starts.flat_map(|start| ends.iter().map(move |end| format!("{start}{end}")));
        self.whole = all.collect();
        Ok(())
    }
}
