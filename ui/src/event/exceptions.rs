//! Exceptions: a chain of causes, or a tree of groups, the one that was raised last on top.

use bugle_protocol::event::Exception;
use serde::Serialize;

use super::fields::{self, Field};
use super::frames::{Opening, StackView};
use super::noted::Noted;
use super::rich::{self, Piece};

/// Deeper trees are not indented further.
const MAX_DEPTH: usize = 6;

/// An exception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ExceptionView {
    ty: String,
    value: Vec<Piece>,
    /// What the notes on the value say.
    note: Option<String>,
    module: Option<String>,
    /// How it came to be reported: the mechanism's kind.
    mechanism: Option<String>,
    handled: Option<bool>,
    is_group: bool,
    /// The mechanism's details.
    details: Vec<Field>,
    /// How it hangs on the exception above, such as `caused by`.
    relation: Option<String>,
    /// How deep it stands in a tree.
    depth: usize,
    stack: Option<StackView>,
    /// Whether the frames have no source because the code was minified.
    is_minified: bool,
    #[serde(skip)]
    id: Option<i64>,
    #[serde(skip)]
    parent: Option<i64>,
    #[serde(skip)]
    source: Option<String>,
}

/// The exceptions of an event, newest first; a tree in the order of its branches.
pub(super) fn of(exception: Option<Noted<'_, '_>>, platform: &str) -> Vec<ExceptionView> {
    let Some(list) = exception.map(Noted::values) else {
        return Vec::new();
    };
    let is_javascript = matches!(platform, "javascript" | "node");
    let mut views: Vec<ExceptionView> = Vec::new();
    for exception in list.items().rev() {
        let opening = match views.is_empty() {
            true => Opening::Main,
            false => Opening::Other,
        };
        views.extend(ExceptionView::new(exception, opening, is_javascript));
    }
    if views.iter().any(|view| view.is_group) {
        views = in_tree_order(views);
    }
    for view in views.iter_mut().skip(1) {
        view.relation = Some(relation(view));
    }
    views
}

impl ExceptionView {
    fn new(noted: Noted<'_, '_>, opening: Opening, is_javascript: bool) -> Option<Self> {
        let exception = Exception(noted.object()?);
        let mechanism = exception.mechanism();
        let stack = noted
            .get("stacktrace")
            .and_then(|stack| StackView::new(stack, opening));
        Some(Self {
            ty: exception.ty().unwrap_or("Error").to_owned(),
            value: noted.get("value").map(rich::pieces).unwrap_or_default(),
            note: noted.get("value").and_then(rich::words),
            module: exception.module().map(str::to_owned),
            mechanism: mechanism.and_then(|m| m.ty()).map(str::to_owned),
            handled: mechanism.and_then(|m| m.handled()),
            is_group: mechanism.is_some_and(|m| m.is_exception_group()),
            details: details(noted),
            relation: None,
            depth: 0,
            is_minified: is_javascript && stack.as_ref().is_some_and(StackView::is_bare),
            stack,
            id: mechanism.and_then(|m| m.exception_id()),
            parent: mechanism.and_then(|m| m.parent_id()),
            source: mechanism.and_then(|m| m.source()).map(str::to_owned),
        })
    }

    /// Whether it is a branch of a tree.
    pub(super) fn is_nested(&self) -> bool {
        self.depth > 0
    }

    /// The message without marks.
    pub(super) fn text(&self) -> String {
        self.value.iter().map(|p| p.text.as_str()).collect()
    }
}

/// What the mechanism says beyond its kind: `data` and `meta`, such as an error number or a signal.
fn details(exception: Noted<'_, '_>) -> Vec<Field> {
    let Some(mechanism) = exception.get("mechanism") else {
        return Vec::new();
    };
    let mut details = fields::of_object(mechanism.get("data"));
    details.extend(fields::of_object(mechanism.get("meta")));
    details
}

fn relation(view: &ExceptionView) -> String {
    match view.source.as_deref() {
        Some("__context__") => "raised while this was handled:".to_owned(),
        Some(source) if view.depth > 0 && source != "__cause__" && source != "cause" => {
            source.to_owned()
        }
        _ => "caused by".to_owned(),
    }
}

/// Sorts exceptions behind their parents. Each is taken once, so that hostile ids cannot make a circle.
fn in_tree_order(views: Vec<ExceptionView>) -> Vec<ExceptionView> {
    let mut children: std::collections::HashMap<i64, Vec<usize>> = Default::default();
    let mut roots = Vec::new();
    let ids: std::collections::HashSet<i64> = views.iter().filter_map(|view| view.id).collect();
    for (i, view) in views.iter().enumerate() {
        match view.parent.filter(|parent| ids.contains(parent)) {
            Some(parent) if view.id != Some(parent) => children.entry(parent).or_default().push(i),
            _ => roots.push(i),
        }
    }
    let mut views: Vec<Option<ExceptionView>> = views.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(views.len());
    let mut waiting: Vec<(usize, usize)> = roots.into_iter().rev().map(|i| (i, 0)).collect();
    while let Some((i, depth)) = waiting.pop() {
        let Some(mut view) = views[i].take() else {
            continue;
        };
        view.depth = depth.min(MAX_DEPTH);
        let branches = view.id.and_then(|id| children.remove(&id));
        let branches = branches.into_iter().flatten().rev();
        waiting.extend(branches.map(|child| (child, depth + 1)));
        ordered.push(view);
    }
    // What hangs on itself was reached from no root.
    ordered.extend(views.into_iter().flatten());
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_protocol::json;

    fn read(text: &str) -> Vec<(String, usize, Option<String>)> {
        let json = json::parse_str(text).unwrap();
        let list = Noted {
            json: &json,
            meta: None,
        };
        let views = of(Some(list), "python").into_iter();
        views.map(|v| (v.ty, v.depth, v.relation)).collect()
    }

    #[test]
    fn a_chain_is_shown_newest_first() {
        let seen = read(
            r#"{"values":[{"type":"Old"},{"type":"New","mechanism":{"source":"__context__"}}]}"#,
        );
        let cause = Some("caused by".to_owned());
        assert_eq!(seen, [("New".into(), 0, None), ("Old".into(), 0, cause)]);
    }

    #[test]
    fn a_group_is_a_tree() {
        let member = |ty: &str, id: i64, parent: i64| {
            format!(
                r#"{{"type":"{ty}","mechanism":{{"exception_id":{id},"parent_id":{parent},"source":"exceptions[{id}]"}}}}"#
            )
        };
        let seen = read(&format!(
            r#"[{},{},{{"type":"Group","mechanism":{{"exception_id":0,"is_exception_group":true}}}}]"#,
            member("Leaf", 2, 1),
            member("Branch", 1, 0),
        ));
        let order: Vec<_> = seen
            .iter()
            .map(|(ty, depth, _)| (ty.as_str(), *depth))
            .collect();
        assert_eq!(order, [("Group", 0), ("Branch", 1), ("Leaf", 2)]);
        assert_eq!(seen[1].2.as_deref(), Some("exceptions[1]"));
    }

    #[test]
    fn circles_end() {
        let seen = read(
            r#"[{"type":"A","mechanism":{"exception_id":1,"parent_id":2,"is_exception_group":true}},
                {"type":"B","mechanism":{"exception_id":2,"parent_id":1}},
                {"type":"C","mechanism":{"exception_id":3,"parent_id":3}}]"#,
        );
        assert_eq!(seen.len(), 3);
    }
}
