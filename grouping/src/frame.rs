//! What a frame contributes: module or file, function and source line, cleaned of what changes between builds.

use std::borrow::Cow;

use crate::family::Family;
use crate::frame_fields::FrameFields;
use crate::java;
use crate::result::LeafKind;

/// Source lines longer than this are minified code.
const MAX_CONTEXT_LINE: usize = 120;

/// One value of a frame, or why there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part<'x> {
    /// The cleaned value, kept where it does not count so that it can be shown.
    pub(crate) value: Option<Cow<'x, str>>,
    /// Why it does not count.
    pub(crate) hint: Option<&'static str>,
}

impl<'x> Part<'x> {
    /// A value that counts, unless it is empty.
    pub(crate) fn of(value: impl Into<Cow<'x, str>>) -> Self {
        let value = value.into();
        Self {
            value: (!value.is_empty()).then_some(value),
            hint: None,
        }
    }

    /// The same value, not counted.
    pub(crate) fn ignored(mut self, hint: &'static str) -> Self {
        if self.value.is_some() {
            self.hint = Some(hint);
        }
        self
    }

    /// The value if it counts.
    pub(crate) fn counted(&self) -> Option<&str> {
        match self.hint {
            None => self.value.as_deref(),
            Some(_) => None,
        }
    }
}

/// The values of a frame, equal for frames that stand for the same place in the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FrameParts<'x> {
    module: Part<'x>,
    filename: Part<'x>,
    function: Part<'x>,
    context_line: Part<'x>,
    /// Why the whole frame does not count.
    pub(crate) hint: Option<&'static str>,
}

impl<'x> FrameParts<'x> {
    /// The values of `frame`; `event_platform` holds where the frame names none.
    pub(crate) fn new(frame: &FrameFields<'x>, event_platform: &str) -> Self {
        let platform = frame.platform.unwrap_or(event_platform);
        let family = Family::of(platform);
        let module = module(frame, platform);
        let filename = filename(frame, platform, module.counted().is_some());
        let context_line = context_line(frame, platform, family);
        let has_context = context_line.counted().is_some();
        Self {
            function: function(frame, platform, family, has_context),
            module,
            filename,
            context_line,
            hint: (family == Family::JavaScript)
                .then(|| unusable_javascript(frame))
                .flatten(),
        }
    }

    /// All values in the order in which they are hashed.
    pub(crate) fn parts(&self) -> [(LeafKind, &Part<'x>); 4] {
        [
            (LeafKind::Module, &self.module),
            (LeafKind::Filename, &self.filename),
            (LeafKind::Function, &self.function),
            (LeafKind::ContextLine, &self.context_line),
        ]
    }

    /// The values that count.
    pub(crate) fn counted(&self) -> impl Iterator<Item = (LeafKind, &str)> {
        self.parts()
            .into_iter()
            .filter_map(|(kind, part)| Some((kind, part.counted()?)))
    }
}

fn module<'x>(frame: &FrameFields<'x>, platform: &str) -> Part<'x> {
    let Some(module) = frame.module else {
        return Part::default();
    };
    match platform {
        "javascript"
            if module.contains('/') && frame.abs_path.is_some_and(|p| p.ends_with(module)) =>
        {
            Part::of(module).ignored("the module is a URL")
        }
        "java" if module.contains("$$Lambda$") => {
            Part::of(module).ignored("lambdas are numbered anew in each run")
        }
        "java" => Part::of(java::stable_module(module)),
        _ => Part::of(module),
    }
}

fn filename<'x>(frame: &FrameFields<'x>, platform: &str, has_module: bool) -> Part<'x> {
    let Some(filename) = frame.filename else {
        return Part::default();
    };
    let base = base_name(filename);
    let base = match platform {
        "java" => java::stable_filename(base),
        _ => Cow::Borrowed(base),
    };
    let part = Part::of(lowercase(base));
    if frame.abs_path.is_some_and(is_remote_url) {
        part.ignored("URLs change with each deployment")
    } else if matches!(filename, "<anonymous>" | "[native code]") {
        part.ignored("anonymous code has no file")
    } else if has_module {
        part.ignored("the module takes precedence")
    } else {
        part
    }
}

/// The last segment of a path of either system.
pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn lowercase(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.chars().any(char::is_uppercase) {
        Cow::Owned(text.to_lowercase())
    } else {
        text
    }
}

fn is_remote_url(path: &str) -> bool {
    ["http:", "https:", "blob:", "applewebdata:"]
        .iter()
        .any(|scheme| path.starts_with(scheme))
}

fn is_url(path: &str) -> bool {
    is_remote_url(path) || path.starts_with("file:")
}

fn function<'x>(
    frame: &FrameFields<'x>,
    platform: &str,
    family: Family,
    has_context: bool,
) -> Part<'x> {
    let function = match platform {
        "csharp" => frame.raw_function.or(frame.function),
        _ => frame.function,
    };
    let Some(function) = function else {
        return Part::default();
    };
    match (platform, family) {
        ("ruby", _) => Part::of(ruby_function(function)),
        ("php", _) => php_function(function),
        ("java", _) if function.starts_with("lambda$") => {
            Part::of(function).ignored("lambdas are numbered anew in each build")
        }
        (_, Family::Native) if matches!(function, "<redacted>" | "<unknown>") => {
            Part::of(function).ignored("the function is unknown")
        }
        (_, Family::JavaScript) => javascript_function(frame, function, has_context),
        _ => Part::of(function),
    }
}

/// `block in index` is `block`; compiled templates lose their two numbers: `_show_html_erb__123_456`.
fn ruby_function(function: &str) -> &str {
    if function.starts_with("block ") {
        return "block";
    }
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match function.rsplit_once('_') {
        Some((head, second)) if is_digits(second) => match head.rsplit_once("__") {
            Some((name, first)) if is_digits(first.trim_start_matches('_')) => name,
            _ => function,
        },
        _ => function,
    }
}

fn php_function(function: &str) -> Part<'_> {
    if function.starts_with("[Anonymous") {
        return Part::of(function).ignored("anonymous functions have no stable name");
    }
    match function.rsplit_once("::") {
        Some((class, method)) if class.starts_with("class@anonymous") => Part::of(method),
        _ => Part::of(function),
    }
}

fn javascript_function<'x>(
    frame: &FrameFields<'x>,
    function: &'x str,
    has_context: bool,
) -> Part<'x> {
    let name = function.rsplit('.').next().unwrap_or(function);
    let is_anonymous = matches!(
        name,
        "" | "?" | "<anonymous>" | "<anonymous function>" | "Anonymous function"
    );
    if is_anonymous || name.ends_with("/<") {
        Part::of(name).ignored("anonymous functions have no stable name")
    } else if has_context && frame.source_mapped {
        Part::of(name).ignored("the source line is more reliable than a mapped name")
    } else {
        Part::of(name)
    }
}

fn context_line<'x>(frame: &FrameFields<'x>, platform: &str, family: Family) -> Part<'x> {
    let Some(line) = frame.context_line else {
        return Part::default();
    };
    if !matches!(platform, "javascript" | "node" | "python" | "php" | "ruby") {
        return Part::of(line).ignored("source lines do not count on this platform");
    }
    let part = Part::of(collapse_whitespace(line));
    let is_long = line.len() > MAX_CONTEXT_LINE && line.chars().nth(MAX_CONTEXT_LINE).is_some();
    if is_long {
        part.ignored("the line is too long to be written by hand")
    } else if family == Family::JavaScript
        && frame.function.is_none_or(str::is_empty)
        && frame.abs_path.is_some_and(is_url)
    {
        part.ignored("a line of a page without a function is not stable")
    } else if platform == "python" {
        without_spawn_numbers(frame, part)
    } else {
        part
    }
}

fn collapse_whitespace(line: &str) -> Cow<'_, str> {
    let line = line.trim();
    let mut was_blank = false;
    let is_clean = line.chars().all(|c| {
        let doubled = was_blank && c.is_whitespace();
        was_blank = c.is_whitespace();
        !doubled && (!was_blank || c == ' ')
    });
    if is_clean {
        return Cow::Borrowed(line);
    }
    Cow::Owned(line.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Python's `multiprocessing` starts its children with a line of code that holds two numbers.
fn without_spawn_numbers<'x>(frame: &FrameFields<'x>, part: Part<'x>) -> Part<'x> {
    let is_spawn = frame.module == Some("__main__")
        && frame.filename == Some("<string>")
        && frame.function == Some("<module>");
    match &part.value {
        Some(line)
            if is_spawn
                && line
                    .starts_with("from multiprocessing.spawn import spawn_main; spawn_main(") =>
        {
            Part::of(digits_to_int(line))
        }
        _ => part,
    }
}

fn digits_to_int(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut in_number = false;
    for c in line.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !in_number {
            out.push_str("<int>");
        }
        in_number = c.is_ascii_digit();
    }
    out
}

fn unusable_javascript(frame: &FrameFields<'_>) -> Option<&'static str> {
    if frame.function == Some("eval") {
        return Some("evaluated code has no stable place");
    }
    match frame.abs_path? {
        "[native code]" | "native code" | "eval code" | "<anonymous>" => {
            Some("code without a file has no stable place")
        }
        _ => None,
    }
}
