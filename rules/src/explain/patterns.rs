//! Answers cases about patterns: one answer per text of `haystacks`.

use bugle_protocol::Json;

use crate::pattern::Pattern;
use crate::pattern::codeowners::OwnedPath;
use crate::pattern::legacy::{LegacyPattern, Options};

/// Op `pattern`: today's language, with `ci` for either case.
pub(super) fn pattern(case: &Json<'_>) -> Result<Json<'static>, String> {
    let pattern = Pattern::new(text(case), flag(case, "ci")).map_err(|error| error.to_string())?;
    Ok(each(case, |text| pattern.matches(text)))
}

/// Op `glob`: the older language with its switches.
pub(super) fn glob(case: &Json<'_>) -> Json<'static> {
    let options = Options {
        double_star: flag(case, "double_star"),
        case_insensitive: flag(case, "case_insensitive"),
        path_normalize: flag(case, "path_normalize"),
        allow_newline: flag(case, "allow_newline"),
    };
    let pattern = LegacyPattern::new(text(case), options);
    each(case, |text| pattern.matches(text))
}

/// Op `codeowners`: paths of CODEOWNERS files.
pub(super) fn codeowners(case: &Json<'_>) -> Json<'static> {
    let path = OwnedPath::new(text(case));
    each(case, |text| path.matches(text))
}

fn text<'c>(case: &'c Json<'_>) -> &'c str {
    case.get_str("pattern").unwrap_or_default()
}

fn flag(case: &Json<'_>, name: &str) -> bool {
    case.get(name).and_then(Json::as_bool).unwrap_or(false)
}

fn each(case: &Json<'_>, matches: impl Fn(&str) -> bool) -> Json<'static> {
    let texts = case.get("haystacks").and_then(Json::as_array);
    let texts = texts.unwrap_or_default().iter();
    let answers = texts.map(|text| Json::Bool(text.as_str().is_some_and(&matches)));
    Json::Array(answers.collect())
}
