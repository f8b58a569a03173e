//! Errors of browser extensions.

use std::sync::LazyLock;

use regex::Regex;

use crate::facts::Facts;

/// What their errors say.
static VALUE: LazyLock<Regex> = LazyLock::new(|| {
    any_of(&[
        r"top\.GLOBALS",
        "originalCreateNotification",
        r"canvas\.contentDocument",
        "MyApp_RemoveAllHighlights",
        r"tt\.epicplay\.com",
        "Can't find variable: ZiteReader",
        "jigsaw/ComboSearch is not defined",
        r"loading\.retry\.widdit\.com",
        "atomicFindClose",
        "fb_xd_fragment",
        "bmi_SafeAddOnload",
        "EBCallBackMessageReceived",
        "_gCrWeb",
        "conduitPage",
        r"null is not an object \(evaluating 'elt\.parentNode'\)",
        r"plugin\.setSuspendState is not a function",
        "Extension context invalidated",
        "webkit-masked-url:",
        "can't access dead object",
    ])
});

/// Where their code comes from.
static SOURCE: LazyLock<Regex> = LazyLock::new(|| {
    any_of(&[
        r"graph\.facebook\.com",
        r"connect\.facebook\.net",
        r"eatdifferent\.com\.woopra-ns\.com",
        r"static\.woopra\.com/js/woopra\.js",
        "^chrome(?:-extension)?://",
        "^moz-extension://",
        "^safari(?:-web)?-extension://",
        "webkit-masked-url",
        r"127\.0\.0\.1:4001/isrunning",
        r"webappstoolbarba\.texthelp\.com/",
        r"metrics\.itunes\.apple\.com\.edgesuite\.net/",
        r"kaspersky-labs\.com",
    ])
});

fn any_of(patterns: &[&str]) -> Regex {
    Regex::new(&format!("(?i){}", patterns.join("|"))).expect("the patterns are valid")
}

/// Whether the first exception is one that extensions throw, or was thrown in the code of one.
pub(super) fn is_of_extension(facts: &Facts<'_>) -> bool {
    let Some(exception) = facts.event.exceptions().next() else {
        return false;
    };
    if exception.value().is_some_and(|value| VALUE.is_match(value)) {
        return true;
    }
    let Some(stack) = exception.stacktrace() else {
        return false;
    };
    let mut paths = stack.frames().rev().filter_map(|frame| frame.abs_path());
    let last = paths.find(|path| !matches!(*path, "<anonymous>" | "[native code]"));
    last.is_some_and(|path| SOURCE.is_match(path))
}
