//! Turns Sentry's generic filters and sampling configurations into lines of ours.

use bugle_protocol::json::{self, ParseError};
use bugle_protocol::{Json, UnixMillis};
use bugle_query::Query;

use super::condition::{Condition, ConfigError};
use super::sampling::{Kind, SamplingConfig, SamplingRule, SamplingValue};
use super::terms::{Said, printable, say};

/// The longest text that is read, in bytes.
const MAX_IMPORT_BYTES: usize = 512 * 1024;

/// Holds for every transaction: the name is never empty.
const EVERYTHING: &str = "transaction:*";

/// Why a text cannot be turned into lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It exceeds the limit.
    #[error("the text is longer than {MAX_IMPORT_BYTES} bytes")]
    TooLong,
    /// It is not JSON.
    #[error("invalid JSON: {0}")]
    Json(#[from] ParseError),
    /// It is JSON, but no rules.
    #[error("expected a list of filters (`filters`) or of sampling rules (`rules`)")]
    NoRules,
    /// A sampling configuration that cannot be read.
    #[error("the sampling configuration cannot be read: {0}")]
    Sampling(#[from] ConfigError),
}

/// Turns generic filters (`{"version": 1, "filters": [...]}`, or the list alone) into lines `condition -> drop`, and a
/// configuration of dynamic sampling (`{"version": 2, "rules": [...]}`) into lines `condition -> sample RATE`.
///
/// What has no counterpart becomes a comment that says so: no rule is lost in silence. The lines are checked. Unlike
/// Sentry's, our texts are the same in upper and lower case.
///
/// # Errors
/// [`ImportError`] if the text is neither.
pub fn to_lines(text: &str) -> Result<String, ImportError> {
    if text.len() > MAX_IMPORT_BYTES {
        return Err(ImportError::TooLong);
    }
    let json = json::parse_str(text)?;
    if json.get("rules").is_some() || json.get("rulesV2").is_some() {
        return Ok(sampling(&SamplingConfig::read(&json)?));
    }
    let filters = json.get("filters").unwrap_or(&json);
    let filters = filters.as_array().ok_or(ImportError::NoRules)?;
    Ok(filters.iter().map(filter).collect())
}

/// The comment and the line of a filter.
fn filter(filter: &Json<'_>) -> String {
    let id = printable(filter.get_str("id").unwrap_or("a filter without an id"));
    let is_off = filter.get("isEnabled").and_then(Json::as_bool) == Some(false);
    let condition = filter.get("condition").map(Condition::read);
    let said = match condition {
        Some(Ok(condition)) => say(&condition),
        Some(Err(error)) => return left_out(&id, &error.to_string()),
        None => return left_out(&id, "it has no condition"),
    };
    match said {
        Err(what) => no_counterpart(&id, &what),
        Ok(Said::Never) => left_out(&id, "it never holds"),
        Ok(Said::Always) => left_out(&id, "it drops everything"),
        Ok(Said::If(text)) => match checked(&text) {
            None => left_out(&id, "the line would be too long or too deep"),
            Some(text) if is_off => format!("# {id}: switched off\n# {text} -> drop\n"),
            Some(text) => format!("# {id}\n{text} -> drop\n"),
        },
    }
}

fn left_out(id: &str, reason: &str) -> String {
    format!("# {id}: left out, {}\n", printable(reason))
}

fn no_counterpart(id: &str, what: &str) -> String {
    left_out(id, &format!("there is no counterpart for {what}"))
}

/// The canonical form of a condition.
fn checked(text: &str) -> Option<String> {
    Query::parse(text).ok().map(|query| query.to_string())
}

fn sampling(config: &SamplingConfig) -> String {
    let has_trace_rules = config.rules.iter().any(|rule| rule.kind == Kind::Trace);
    let mut lines = String::new();
    if has_trace_rules {
        lines.push_str(
            "# Rules of traces looked at the transaction in which a trace began. These look at each transaction itself.\n",
        );
    }
    for rule in &config.rules {
        lines.push_str(&sampling_rule(rule));
    }
    lines
}

/// The comment and the line of a sampling rule.
fn sampling_rule(rule: &SamplingRule) -> String {
    let id = format!("rule {}", rule.id);
    let action = match action(rule) {
        Ok(action) => action,
        Err(what) => return no_counterpart(&id, &what),
    };
    let condition = match say(&rule.condition) {
        Err(what) => return no_counterpart(&id, &what),
        Ok(Said::Never) => return left_out(&id, "it never holds"),
        Ok(Said::Always) => Some(EVERYTHING.to_owned()),
        Ok(Said::If(text)) => checked(&text),
    };
    match condition {
        None => left_out(&id, "the line would be too long or too deep"),
        Some(condition) => format!("# {id}\n{condition} -> {action}\n"),
    }
}

fn action(rule: &SamplingRule) -> Result<String, String> {
    if rule.kind == Kind::Unsupported {
        return Err("its type".to_owned());
    }
    let rate = match rule.value {
        SamplingValue::SampleRate(rate) => rate.clamp(0.0, 1.0),
        SamplingValue::Factor(_) => {
            return Err("a factor: every line has a rate of its own".to_owned());
        }
        SamplingValue::MinimumSampleRate(_) => {
            return Err("a minimum rate: every line has a rate of its own".to_owned());
        }
    };
    let mut action = format!("sample {rate}");
    match (rule.decays_to, rule.start, rule.end) {
        (None, _, _) => {}
        (Some(last), Some(_), Some(_)) if last <= rate => {
            action.push_str(&format!(" to {}", last.clamp(0.0, 1.0)));
        }
        (Some(_), _, _) => return Err("a decay without two ends, or upwards".to_owned()),
    }
    if let (Some(start), Some(end)) = (rule.start, rule.end)
        && end.0.saturating_sub(start.0) < 1000
    {
        return Err("a time that never comes".to_owned());
    }
    for (word, time) in [("from", rule.start), ("until", rule.end)] {
        if let Some(time) = time {
            action.push_str(&format!(" {word} {}", shown(time)));
        }
    }
    Ok(action)
}

/// A time as our lines have it, to the second where that is exact.
fn shown(time: UnixMillis) -> String {
    let text = time.to_rfc3339();
    text.replace(".000000Z", "Z")
}
