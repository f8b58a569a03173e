//! The tags of an event as lists and searches see them: those the client set, and those that follow from its fields.

use bugle_protocol::Event;
use bugle_protocol::json::{Json, to_string};

/// A JSON list of pairs. Derived tags come first, and give way to a tag of the same name that the client set.
pub(crate) fn to_json(event: &Event<'_>) -> String {
    let mut pairs: Vec<(String, String)> = Vec::with_capacity(16);
    for (key, value) in derived(event) {
        if event.tag(key).is_none() {
            pairs.push((key.to_owned(), value));
        }
    }
    pairs.extend(
        event
            .tags()
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    let pairs = pairs
        .into_iter()
        .map(|(key, value)| Json::Array(vec![Json::from(key), Json::from(value)]));
    to_string(&Json::Array(pairs.collect()))
}

fn derived(event: &Event<'_>) -> impl Iterator<Item = (&'static str, String)> {
    let text = |key| {
        event
            .get_str(key)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let mechanism = event
        .exceptions()
        .filter_map(|exception| exception.mechanism())
        .next_back();
    let handled = mechanism.and_then(|mechanism| mechanism.handled());
    [
        ("level", Some(event.level().to_string())),
        ("environment", text("environment")),
        ("release", text("release")),
        ("dist", text("dist")),
        ("transaction", text("transaction")),
        ("logger", text("logger")),
        (
            "handled",
            handled.map(|handled| if handled { "yes" } else { "no" }.to_owned()),
        ),
        (
            "mechanism",
            mechanism
                .and_then(|mechanism| mechanism.ty())
                .map(str::to_owned),
        ),
        (
            "url",
            event
                .request()
                .and_then(|request| request.url())
                .map(str::to_owned),
        ),
        ("user", event.user().and_then(|user| user.identity())),
        ("browser", versioned(event, "browser")),
        ("browser.name", named(event, "browser")),
        ("os", versioned(event, "os")),
        ("os.name", named(event, "os")),
        ("client_os", versioned(event, "client_os")),
        ("client_os.name", named(event, "client_os")),
        ("runtime", versioned(event, "runtime")),
        ("runtime.name", named(event, "runtime")),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value.filter(|value| fits(value))?)))
}

/// A tag's value has at most 200 characters on one line; a longer one is no tag.
fn fits(value: &str) -> bool {
    value.len() <= 800 && value.chars().count() <= 200 && !value.contains('\n')
}

fn named(event: &Event<'_>, context: &str) -> Option<String> {
    Some(
        event
            .get("contexts")?
            .get(context)?
            .get_str("name")?
            .to_owned(),
    )
}

fn versioned(event: &Event<'_>, context: &str) -> Option<String> {
    let name = named(event, context)?;
    let version = event.get("contexts")?.get(context)?.get_str("version")?;
    Some(format!("{name} {version}"))
}
