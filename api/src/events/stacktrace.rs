//! Stack traces in camelCase.

use bugle_protocol::Json;
use bugle_protocol::event::{Frame, Stacktrace};
use serde::Serialize;

/// A stack trace.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StacktraceShape<'t, 'a> {
    frames: Vec<FrameShape<'t, 'a>>,
    frames_omitted: Option<()>,
    registers: Option<&'t Json<'a>>,
    has_system_frames: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FrameShape<'t, 'a> {
    filename: Option<&'t str>,
    abs_path: Option<&'t str>,
    module: Option<&'t str>,
    package: Option<&'t str>,
    platform: Option<&'t str>,
    function: Option<&'t str>,
    raw_function: Option<&'t str>,
    symbol: Option<&'t str>,
    instruction_addr: Option<&'t Json<'a>>,
    symbol_addr: Option<&'t Json<'a>>,
    line_no: Option<i64>,
    col_no: Option<i64>,
    in_app: bool,
    /// The source, each line with its number.
    context: Vec<(i64, &'t str)>,
    vars: Option<&'t Json<'a>>,
    trust: Option<&'t str>,
    lock: Option<&'t Json<'a>>,
    errors: Option<()>,
}

impl<'t, 'a> StacktraceShape<'t, 'a> {
    /// The stack trace, outermost call first.
    pub(crate) fn new(stacktrace: Stacktrace<'t, 'a>) -> Self {
        let frames = stacktrace.frames();
        let own = frames.clone().filter(|f| f.in_app() == Some(true)).count();
        let frames: Vec<_> = frames.map(FrameShape::new).collect();
        Self {
            // Some of both: a viewer can fold the frames that are not the application's.
            has_system_frames: own > 0 && own < frames.len(),
            frames,
            frames_omitted: None,
            registers: stacktrace.0.get("registers"),
        }
    }
}

impl<'t, 'a> FrameShape<'t, 'a> {
    fn new(frame: Frame<'t, 'a>) -> Self {
        Self {
            filename: frame.filename(),
            abs_path: frame.abs_path(),
            module: frame.module(),
            package: frame.package(),
            platform: frame.platform(),
            function: frame.function(),
            raw_function: frame.raw_function(),
            symbol: frame.0.get_str("symbol"),
            instruction_addr: frame.0.get("instruction_addr"),
            symbol_addr: frame.0.get("symbol_addr"),
            line_no: frame.lineno(),
            col_no: frame.colno(),
            in_app: frame.in_app().unwrap_or(false),
            context: source(frame),
            vars: frame.0.get("vars"),
            trust: frame.0.get_str("trust"),
            lock: frame.0.get("lock"),
            errors: None,
        }
    }
}

/// The lines around the frame's own; none without a line number, which they are counted from.
fn source<'t>(frame: Frame<'t, '_>) -> Vec<(i64, &'t str)> {
    let (Some(line), Some(text)) = (frame.lineno(), frame.context_line()) else {
        return Vec::new();
    };
    let before = i64::try_from(frame.pre_context().len()).unwrap_or(i64::MAX);
    let first = line.saturating_sub(before);
    let lines = frame
        .pre_context()
        .chain([text])
        .chain(frame.post_context());
    // A hostile line number must not overflow.
    lines
        .zip(0..)
        .map(|(text, i)| (first.saturating_add(i), text))
        .collect()
}
