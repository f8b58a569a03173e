//! Exceptions, threads, stack traces and frames.

use crate::json::{Json, Object};

/// One exception of a chain or group.
#[derive(Clone, Copy, Debug)]
pub struct Exception<'t, 'a>(pub &'t Object<'a>);

/// How an exception came to be reported, and where it stands in a group.
#[derive(Clone, Copy, Debug)]
pub struct Mechanism<'t, 'a>(pub &'t Object<'a>);

/// A list of frames.
#[derive(Clone, Copy, Debug)]
pub struct Stacktrace<'t, 'a>(pub &'t Object<'a>);

/// One call.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'t, 'a>(pub &'t Object<'a>);

/// One thread.
#[derive(Clone, Copy, Debug)]
pub struct Thread<'t, 'a>(pub &'t Object<'a>);

impl<'t, 'a> Exception<'t, 'a> {
    /// The class.
    #[must_use]
    pub fn ty(self) -> Option<&'t str> {
        self.0.get_str("type")
    }

    /// The message.
    #[must_use]
    pub fn value(self) -> Option<&'t str> {
        self.0.get_str("value")
    }

    /// The module or package of the class.
    #[must_use]
    pub fn module(self) -> Option<&'t str> {
        self.0.get_str("module")
    }

    /// The stack trace, if it has frames.
    #[must_use]
    pub fn stacktrace(self) -> Option<Stacktrace<'t, 'a>> {
        stacktrace_of(self.0)
    }

    /// The mechanism.
    #[must_use]
    pub fn mechanism(self) -> Option<Mechanism<'t, 'a>> {
        self.0.get("mechanism")?.as_object().map(Mechanism)
    }
}

impl<'t, 'a> Mechanism<'t, 'a> {
    /// The kind of hook that caught it, such as `django` or `excepthook`.
    #[must_use]
    pub fn ty(self) -> Option<&'t str> {
        self.0.get_str("type")
    }

    /// Whether the program handled the exception, if the client knows.
    #[must_use]
    pub fn handled(self) -> Option<bool> {
        self.0.get("handled")?.as_bool()
    }

    /// Whether the exception was made up to carry a stack, so that its type says nothing.
    #[must_use]
    pub fn synthetic(self) -> bool {
        self.0
            .get("synthetic")
            .and_then(Json::as_bool)
            .unwrap_or(false)
    }

    /// How the exception hangs on its parent: `__cause__`, `__context__`, `exceptions[0]`.
    #[must_use]
    pub fn source(self) -> Option<&'t str> {
        self.0.get_str("source")
    }

    /// Whether the exception is a group of others.
    #[must_use]
    pub fn is_exception_group(self) -> bool {
        self.0
            .get("is_exception_group")
            .and_then(Json::as_bool)
            .unwrap_or(false)
    }

    /// The exception's number in the tree; 0 is the root.
    #[must_use]
    pub fn exception_id(self) -> Option<i64> {
        self.0.get("exception_id")?.as_i64()
    }

    /// The number of the parent in the tree.
    #[must_use]
    pub fn parent_id(self) -> Option<i64> {
        self.0.get("parent_id")?.as_i64()
    }
}

impl<'t, 'a> Stacktrace<'t, 'a> {
    /// The frames, outermost call first, the crash last.
    pub fn frames(self) -> impl DoubleEndedIterator<Item = Frame<'t, 'a>> + Clone {
        self.0
            .get("frames")
            .and_then(Json::as_array)
            .unwrap_or_default()
            .iter()
            .filter_map(Json::as_object)
            .map(Frame)
    }
}

impl<'t, 'a> Frame<'t, 'a> {
    /// The function, as normalising and grouping left it.
    #[must_use]
    pub fn function(self) -> Option<&'t str> {
        self.0.get_str("function")
    }

    /// The function before its name was shortened.
    #[must_use]
    pub fn raw_function(self) -> Option<&'t str> {
        self.0.get_str("raw_function")
    }

    /// The module, such as `orders.views`.
    #[must_use]
    pub fn module(self) -> Option<&'t str> {
        self.0.get_str("module")
    }

    /// The file, relative to the project where the client knows it.
    #[must_use]
    pub fn filename(self) -> Option<&'t str> {
        self.0.get_str("filename")
    }

    /// The file's absolute path or URL.
    #[must_use]
    pub fn abs_path(self) -> Option<&'t str> {
        self.0.get_str("abs_path")
    }

    /// The binary or package.
    #[must_use]
    pub fn package(self) -> Option<&'t str> {
        self.0.get_str("package")
    }

    /// The frame's own platform, where it differs from the event's.
    #[must_use]
    pub fn platform(self) -> Option<&'t str> {
        self.0.get_str("platform")
    }

    /// The line, counted from 1.
    #[must_use]
    pub fn lineno(self) -> Option<i64> {
        self.0.get("lineno")?.as_i64()
    }

    /// The column, counted from 1.
    #[must_use]
    pub fn colno(self) -> Option<i64> {
        self.0.get("colno")?.as_i64()
    }

    /// Whether the code is the application's own, if somebody said so.
    #[must_use]
    pub fn in_app(self) -> Option<bool> {
        self.0.get("in_app")?.as_bool()
    }

    /// The source line.
    #[must_use]
    pub fn context_line(self) -> Option<&'t str> {
        self.0.get_str("context_line")
    }

    /// The source lines before it.
    pub fn pre_context(self) -> impl ExactSizeIterator<Item = &'t str> {
        lines(self.0, "pre_context")
    }

    /// The source lines behind it.
    pub fn post_context(self) -> impl ExactSizeIterator<Item = &'t str> {
        lines(self.0, "post_context")
    }

    /// The local variables.
    #[must_use]
    pub fn vars(self) -> Option<&'t Object<'a>> {
        self.0.get("vars")?.as_object()
    }
}

fn lines<'t>(frame: &'t Object<'_>, key: &str) -> impl ExactSizeIterator<Item = &'t str> {
    let lines = frame.get(key).and_then(Json::as_array).unwrap_or_default();
    lines.iter().map(|line| line.as_str().unwrap_or_default())
}

impl<'t, 'a> Thread<'t, 'a> {
    /// The id, a number or a text.
    #[must_use]
    pub fn id(self) -> Option<&'t Json<'a>> {
        self.0.get("id")
    }

    /// The name.
    #[must_use]
    pub fn name(self) -> Option<&'t str> {
        self.0.get_str("name")
    }

    /// Whether this thread crashed.
    #[must_use]
    pub fn crashed(self) -> bool {
        self.0
            .get("crashed")
            .and_then(Json::as_bool)
            .unwrap_or(false)
    }

    /// Whether this thread made the event.
    #[must_use]
    pub fn current(self) -> bool {
        self.0
            .get("current")
            .and_then(Json::as_bool)
            .unwrap_or(false)
    }

    /// The stack trace, if it has frames.
    #[must_use]
    pub fn stacktrace(self) -> Option<Stacktrace<'t, 'a>> {
        stacktrace_of(self.0)
    }
}

fn stacktrace_of<'t, 'a>(object: &'t Object<'a>) -> Option<Stacktrace<'t, 'a>> {
    let stacktrace = Stacktrace(object.get("stacktrace")?.as_object()?);
    stacktrace.frames().next().map(|_| stacktrace)
}
