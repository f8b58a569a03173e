//! Reads the text of fingerprint rules.

use super::{Bucket, Field, FingerprintRule, Matcher, Pattern};
use crate::RuleError;
use crate::enhancements::parse_bool;
use crate::lexer::Lexer;
use crate::pattern::{Glob, Mode};

/// Reads all rules of a text.
///
/// # Errors
/// [`RuleError`] at the first mistake.
pub(super) fn parse(text: &str) -> Result<Vec<FingerprintRule>, RuleError> {
    Lexer::rule_lines(text).map(rule).collect()
}

fn rule(mut line: Lexer<'_>) -> Result<FingerprintRule, RuleError> {
    let mut buckets: Vec<(Bucket, Vec<Matcher>)> = Vec::new();
    line.skip_blanks();
    let start = line.clone();
    while !line.eat("->") {
        let matcher = matcher(&mut line)?;
        let bucket = matcher.field.bucket();
        match buckets.iter_mut().find(|(b, _)| *b == bucket) {
            Some((_, matchers)) => matchers.push(matcher),
            None => buckets.push((bucket, vec![matcher])),
        }
        if !line.skip_blanks() {
            return Err(line.error("expected ' -> ' behind the matchers"));
        }
    }
    if buckets.is_empty() {
        return Err(start.error("expected a matcher in front of '->'"));
    }
    if !line.skip_blanks() {
        return Err(line.error("expected a space behind '->'"));
    }
    let (values, title) = values(&mut line)?;
    Ok(FingerprintRule {
        source: line.source().into(),
        buckets,
        values,
        title,
    })
}

fn matcher(line: &mut Lexer<'_>) -> Result<Matcher, RuleError> {
    let start = line.clone();
    let negated = line.eat("!");
    let key = line.word("a matcher such as error.type:name", |c| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
    })?;
    if !line.eat(":") {
        return Err(line.error("expected ':' behind the matcher's name"));
    }
    let pattern = line.word("a pattern", |c| !c.is_whitespace())?;
    let field =
        Field::parse(&key).ok_or_else(|| start.error(format!("unknown matcher '{key}'")))?;
    Ok(Matcher {
        pattern: field.pattern(&pattern),
        field,
        negated,
    })
}

type Values = (Vec<String>, Option<String>);

fn values(line: &mut Lexer<'_>) -> Result<Values, RuleError> {
    let mut values = Vec::new();
    let mut title = None;
    loop {
        line.skip_blanks();
        if line.at_end() {
            break;
        }
        if line.eat("title=") {
            title = Some(line.word("a title", |c| !c.is_whitespace())?);
        } else if let Some(variable) = variable(line) {
            values.push(variable);
        } else {
            values.push(line.word("a value", |c| !c.is_whitespace() && c != ',')?);
        }
        line.skip_blanks();
        line.eat(",");
    }
    if values.is_empty() {
        return Err(line.error("expected a value behind '->'"));
    }
    Ok((values, title))
}

/// Reads `{{ name }}`, which may hold blanks without being quoted.
fn variable(line: &mut Lexer<'_>) -> Option<String> {
    let rest = line.rest();
    let end = rest.strip_prefix("{{")?.find("}}")? + "{{}}".len();
    let variable = rest[..end].to_owned();
    line.eat(&variable);
    Some(variable)
}

impl Field {
    fn parse(key: &str) -> Option<Self> {
        Some(match key {
            "message" => Self::Message,
            "logger" => Self::Logger,
            "level" => Self::Level,
            "error.type" | "type" => Self::ErrorType,
            "error.value" | "value" => Self::ErrorValue,
            "stack.module" | "module" => Self::Module,
            "stack.function" | "function" => Self::Function,
            "stack.abs_path" | "path" => Self::Path,
            "stack.package" | "package" => Self::Package,
            "app" => Self::InApp,
            "sdk" => Self::Sdk,
            "family" => Self::Family,
            "release" => Self::Release,
            _ => Self::Tag(key.strip_prefix("tags.")?.into()),
        })
    }

    fn bucket(&self) -> Bucket {
        match self {
            Self::Message => Bucket::Message,
            Self::Logger | Self::Level => Bucket::LogInfo,
            Self::ErrorType | Self::ErrorValue => Bucket::Exception,
            Self::Module | Self::Function | Self::Path | Self::Package | Self::InApp => {
                Bucket::Frame
            }
            Self::Tag(_) => Bucket::Tag,
            Self::Sdk => Bucket::Sdk,
            Self::Family => Bucket::Family,
            Self::Release => Bucket::Release,
        }
    }

    fn pattern(&self, pattern: &str) -> Pattern {
        match self {
            Self::InApp => Pattern::Bool(parse_bool(pattern)),
            Self::Family | Self::Sdk => {
                let names = pattern.split(',').map(str::trim);
                let glob = |name| Glob::new(if name == "all" { "*" } else { name }, Mode::Exact);
                Pattern::List(names.map(glob).collect())
            }
            Self::Message | Self::ErrorValue | Self::Level => {
                Pattern::Glob(Glob::new(pattern, Mode::IgnoreCase))
            }
            Self::Path | Self::Package | Self::Release => {
                Pattern::Glob(Glob::new(pattern, Mode::Path))
            }
            _ => Pattern::Glob(Glob::new(pattern, Mode::Exact)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let text = "# c\n!type:\"A \\\"B\\\"\" \"tags.my:tag\":x -> {{default}},b \"c d\" title=\"T {{ type }}\" # why";
        let rules = parse(text).unwrap();
        assert_eq!(rules.len(), 1);
        assert_eq!(rules[0].values, ["{{default}}", "b", "c d"]);
        assert_eq!(rules[0].title.as_deref(), Some("T {{ type }}"));
        assert_eq!(rules[0].buckets.len(), 2);
    }

    #[test]
    fn mistakes_are_pointed_at() {
        for (text, line, column) in [
            ("type:A->b", 1, 10),
            ("\nbogus:A -> b", 2, 1),
            ("-> b", 1, 1),
            ("type:A ->", 1, 10),
            ("type:A -> title=\"x\"", 1, 20),
            ("type:A -> \"b", 1, 11),
            ("type:A", 1, 7),
            ("type -> b", 1, 5),
        ] {
            let error = parse(text).err().unwrap();
            assert_eq!(
                (error.line, error.column),
                (line, column),
                "{text}: {error}"
            );
        }
    }
}
