//! The templates, embedded and compiled once. Everything they show is escaped.

use axum::response::Html;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{
    AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value, context,
    escape_formatter,
};
use serde::Serialize;

use crate::Ui;
use crate::chrome::Chrome;
use crate::problem::Problem;

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../templates/", $name)))),*]
    };
}

const TEMPLATES: [(&str, &str); 32] = embedded![
    "macros.html",
    "plain.html",
    "page.html",
    "stack.html",
    "event.html",
    "error.html",
    "erasure.html",
    "erasure_job.html",
    "login.html",
    "setup.html",
    "issues.html",
    "issue.html",
    "events.html",
    "projects.html",
    "getting_started.html",
    "settings.html",
    "issue_header.html",
    "stats.html",
    "limits.html",
    "feedback.html",
    "feedback_entry.html",
    "rules_macros.html",
    "rules.html",
    "scrubbing.html",
    "preview_macros.html",
    "filters.html",
    "sampling.html",
    "tags.html",
    "transaction.html",
    "transactions.html",
    "versions.html",
    "version.html",
];

/// The compiled templates.
#[derive(Debug)]
pub(crate) struct Templates(Environment<'static>);

impl Templates {
    /// Compiles them.
    pub(crate) fn new() -> Self {
        let mut environment = Environment::new();
        // A misspelt name is an error of ours that tests shall find, not an empty place on a page.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(syntax());
        environment.set_formatter(write_escaped);
        environment.add_filter("compact", compact);
        environment.add_filter("grouped", grouped);
        for (name, source) in TEMPLATES {
            environment
                .add_template(name, source)
                .expect("embedded templates compile, which every test checks");
        }
        Self(environment)
    }

    /// A page without navigation, for people who are not signed in.
    ///
    /// # Errors
    /// [`Problem::Template`].
    pub(crate) fn plain(
        &self,
        ui: &Ui,
        name: &str,
        view: &impl Serialize,
    ) -> Result<Html<String>, Problem> {
        self.render(name, context! { base => ui.site.prefix.as_str(), assets => ui.assets.version.as_str(), v => Value::from(Serde(view)) })
    }

    /// A page with navigation.
    ///
    /// # Errors
    /// [`Problem::Template`].
    pub(crate) fn page(
        &self,
        ui: &Ui,
        name: &str,
        chrome: &Chrome,
        view: &impl Serialize,
    ) -> Result<Html<String>, Problem> {
        self.render(
            name,
            context! {
                base => ui.site.prefix.as_str(),
                assets => ui.assets.version.as_str(),
                chrome => Value::from(Serde(chrome)),
                v => Value::from(Serde(view)),
            },
        )
    }

    fn render(&self, name: &str, context: Value) -> Result<Html<String>, Problem> {
        Ok(Html(self.0.get_template(name)?.render(context)?))
    }
}

/// Writes a value, texts escaped. The default would also turn every slash of every path and link into `&#x2f;`, which only
/// matters inside scripts, and no template has one.
fn write_escaped(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let is_html = matches!(state.auto_escape(), AutoEscape::Html);
    match value.as_str() {
        Some(text) if is_html && !value.is_safe() => Ok(escape(text, out)?),
        _ => escape_formatter(out, state, value),
    }
}

fn escape(text: &str, out: &mut Output) -> std::fmt::Result {
    let mut written = 0;
    for (i, byte) in text.bytes().enumerate() {
        let entity = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            _ => continue,
        };
        out.write_str(&text[written..i])?;
        out.write_str(entity)?;
        written = i + 1;
    }
    out.write_str(&text[written..])
}

/// Jinja's syntax, in which a line with only a tag leaves no blank line.
fn syntax() -> SyntaxConfig {
    let mut builder = SyntaxConfig::builder();
    builder.trim_blocks(true).lstrip_blocks(true);
    builder.build().expect("Jinja's own delimiters are sound")
}

/// `1234567` as `1.2m`: for narrow columns, with the exact number beside it.
fn compact(count: i64) -> String {
    let (unit, suffix) = match count {
        ..1_000 => return count.to_string(),
        1_000..1_000_000 => (1_000, "k"),
        1_000_000..1_000_000_000 => (1_000_000, "m"),
        _ => (1_000_000_000, "b"),
    };
    let tenths = count / (unit / 10);
    if tenths < 100 {
        format!("{}.{}{suffix}", tenths / 10, tenths % 10)
    } else {
        format!("{}{suffix}", tenths / 10)
    }
}

/// `1234567` as `1 234 567`, with narrow spaces that do not break.
pub(crate) fn grouped(count: i64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + 8);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && !text.ends_with('-') {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_readable() {
        for (count, short) in [
            (0, "0"),
            (999, "999"),
            (1234, "1.2k"),
            (99_999, "99k"),
            (1_234_567, "1.2m"),
            (i64::MAX, "9223372036b"),
        ] {
            assert_eq!(compact(count), short);
        }
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(grouped(-123), "-123");
    }

    #[test]
    fn no_template_switches_escaping_off() {
        Templates::new();
        for (name, source) in TEMPLATES {
            assert!(name.ends_with(".html"), "{name} would not be escaped");
            // Blanks may stand in front of a filter's name.
            let source: String = source.split_whitespace().collect();
            for forbidden in [
                "|safe",
                "{%filtersafe",
                "autoescape",
                "style=",
                "onclick",
                "<script>",
                "javascript:",
            ] {
                assert!(!source.contains(forbidden), "{name} has '{forbidden}'");
            }
        }
    }
}
