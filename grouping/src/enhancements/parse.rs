//! Reads the text of stack trace rules.

use super::matcher::{Matcher, parse_bool};
use super::{Action, Range, Rule};
use crate::RuleError;
use crate::lexer::Lexer;

/// Reads all rules of a text.
///
/// # Errors
/// [`RuleError`] at the first mistake.
pub(super) fn parse(text: &str) -> Result<Vec<Rule>, RuleError> {
    Lexer::rule_lines(text).map(rule).collect()
}

fn rule(mut line: Lexer<'_>) -> Result<Rule, RuleError> {
    line.skip_blanks();
    let caller = caller(&mut line)?;
    let mut matchers = Vec::new();
    while !line.at_end() && !is_action(&line) && line.peek() != Some('|') {
        matchers.push(matcher(&mut line)?);
        line.skip_blanks();
    }
    if matchers.is_empty() {
        return Err(line.error("expected a matcher such as function:name"));
    }
    let callee = callee(&mut line)?;
    let actions = actions(&mut line)?;
    let (exception, frame): (Vec<_>, Vec<_>) =
        matchers.into_iter().partition(Matcher::is_about_exception);
    Ok(Rule {
        source: line.source().into(),
        frame: frame.into(),
        exception: exception.into(),
        caller,
        callee,
        actions: actions.into(),
    })
}

/// Reads `[ matcher ] |` if it is there.
fn caller(line: &mut Lexer<'_>) -> Result<Option<Matcher>, RuleError> {
    let caller = neighbour(line)?;
    if caller.is_some() && !line.eat("|") {
        return Err(line.error("expected '|' behind the caller"));
    }
    line.skip_blanks();
    Ok(caller)
}

/// Reads `| [ matcher ]` if it is there.
fn callee(line: &mut Lexer<'_>) -> Result<Option<Matcher>, RuleError> {
    if !line.eat("|") {
        return Ok(None);
    }
    line.skip_blanks();
    match neighbour(line)? {
        Some(callee) => Ok(Some(callee)),
        None => Err(line.error("expected '[ matcher ]' behind '|'")),
    }
}

fn neighbour(line: &mut Lexer<'_>) -> Result<Option<Matcher>, RuleError> {
    if !line.eat("[") {
        return Ok(None);
    }
    line.skip_blanks();
    let start = line.clone();
    let matcher = matcher(line)?;
    if matcher.is_about_exception() {
        return Err(start.error("a caller or callee is a frame, not an exception"));
    }
    line.skip_blanks();
    if !line.eat("]") {
        return Err(line.error("expected ']'"));
    }
    line.skip_blanks();
    Ok(Some(matcher))
}

fn matcher(line: &mut Lexer<'_>) -> Result<Matcher, RuleError> {
    let start = line.clone();
    let negated = line.eat("!");
    let key = line.take_while(is_key_char);
    if !line.eat(":") {
        return Err(start.error("expected a matcher such as function:name"));
    }
    let pattern = line.word("a pattern", |c| !c.is_whitespace())?;
    Matcher::new(key, &pattern, negated)
        .ok_or_else(|| start.error(format!("unknown matcher '{key}'")))
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// Whether an action is next: a flag with its sign, or `name=`.
fn is_action(line: &Lexer<'_>) -> bool {
    let rest = line.rest();
    let flag = rest.strip_prefix(['^', 'v']).unwrap_or(rest);
    let name_end = rest.find(|c| !is_key_char(c)).unwrap_or(rest.len());
    flag.starts_with(['+', '-']) || rest[name_end..].starts_with('=')
}

fn actions(line: &mut Lexer<'_>) -> Result<Vec<Action>, RuleError> {
    let mut actions = Vec::new();
    loop {
        line.skip_blanks();
        if line.at_end() {
            break;
        }
        if !is_action(line) {
            return Err(line.error("expected an action such as -app, +group or category=name"));
        }
        actions.push(action(line)?);
    }
    if actions.is_empty() {
        return Err(line.error("expected an action such as -app, +group or category=name"));
    }
    Ok(actions)
}

fn action(line: &mut Lexer<'_>) -> Result<Action, RuleError> {
    let start = line.clone();
    let word = line.take_while(|c| !c.is_whitespace() && c != '=' && c != '#');
    if line.eat("=") {
        let value = line.word("a value", |c| !c.is_whitespace() && c != '#')?;
        return variable(word, &value).map_err(|message| start.error(message));
    }
    flag(word).ok_or_else(|| start.error(format!("unknown action '{word}'")))
}

fn flag(word: &str) -> Option<Action> {
    let (range, flag) = match word.strip_prefix('^') {
        Some(flag) => (Range::Newer, flag),
        None => match word.strip_prefix('v') {
            Some(flag) => (Range::Older, flag),
            None => (Range::Here, word),
        },
    };
    Some(match flag {
        "+app" => Action::InApp(true, range),
        "-app" => Action::InApp(false, range),
        "+group" => Action::Group(true, range),
        "-group" => Action::Group(false, range),
        _ => return None,
    })
}

fn variable(name: &str, value: &str) -> Result<Action, String> {
    let number = || {
        value
            .parse()
            .map_err(|_| format!("'{name}' needs a number, not '{value}'"))
    };
    match name {
        "category" => Ok(Action::Category(value.into())),
        "max-frames" => Ok(Action::MaxFrames(number()?)),
        "min-frames" => Ok(Action::MinFrames(number()?)),
        "invert-stacktrace" => match parse_bool(value) {
            Some(_) => Ok(Action::Nothing),
            None => Err(format!("'{name}' needs a boolean, not '{value}'")),
        },
        _ => Err(format!("unknown variable '{name}'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_pointed_at() {
        for (text, line, column) in [
            ("function:b", 1, 11),
            ("-group", 1, 1),
            ("function:b frames=2", 1, 12),
            ("\n# x\nfunction:\"b -group", 3, 10),
            ("[ function:a | function:b -group", 1, 14),
            ("function:b *app", 1, 12),
            ("bogus:b -app", 1, 1),
            ("function:b | -app", 1, 14),
            ("function:b max-frames=x", 1, 12),
            ("function:b -app x", 1, 17),
            ("[ type:x ] | function:b -app", 1, 3),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(
                (error.line, error.column),
                (line, column),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn every_form_is_read() {
        let text = "[ category:x ] | !function:\"a b\" type:E | [ app:no ] ^-app v+group category=y # why\n";
        let rules = parse(text).unwrap();
        assert_eq!(rules.len(), 1);
        assert_eq!(rules[0].frame.len(), 1);
        assert_eq!(rules[0].exception.len(), 1);
        assert!(rules[0].caller.is_some() && rules[0].callee.is_some());
        assert_eq!(
            *rules[0].actions,
            [
                Action::InApp(false, Range::Newer),
                Action::Group(true, Range::Older),
                Action::Category("y".into())
            ]
        );
    }
}
