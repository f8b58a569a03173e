//! Stack traces: the crash first, the application's own frames open, runs of others folded.

use bugle_protocol::event::Frame;
use serde::Serialize;

use super::fields::{self, Field};
use super::noted::Noted;

/// How much of a stack is open when the page opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// The one that people look at first: some frames, and the first one's variables.
    Main,
    /// One of many: the first frame.
    Other,
    /// Nothing.
    Closed,
}

/// So many packages are named where frames are folded.
const NAMED_PACKAGES: usize = 3;
/// A shorter run of foreign frames is not worth folding.
const SHORTEST_FOLD: usize = 2;

/// A stack trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct StackView {
    /// Runs of frames, the crash first.
    runs: Vec<Run>,
    /// How many frames there are.
    total: usize,
    /// Whether no frame has source lines.
    is_bare: bool,
}

/// Frames that are shown or folded together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Run {
    /// What is folded, such as `12 frames from django, gunicorn`; none if the frames are shown.
    label: Option<String>,
    frames: Vec<FrameView>,
}

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct FrameView {
    /// Whether this is where it happened.
    is_crash: bool,
    in_app: bool,
    is_open: bool,
    /// Whether the local variables are in sight too.
    shows_vars: bool,
    /// The file, or the module or package where there is none.
    place: String,
    /// Where the file lies, if that says more.
    path: Option<String>,
    line: Option<i64>,
    column: Option<i64>,
    function: Option<String>,
    package: Option<String>,
    lines: Vec<Line>,
    vars: Vec<Field>,
    /// How often the same frame follows itself; recursion can be deep.
    repeats: usize,
}

/// A source line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Line {
    number: Option<i64>,
    text: String,
    is_hit: bool,
}

impl StackView {
    /// Reads a `stacktrace`; none without frames.
    pub(super) fn new(stacktrace: Noted<'_, '_>, opening: Opening) -> Option<Self> {
        let mut frames = frames(stacktrace.get("frames")?);
        let total = frames.iter().map(|frame| frame.repeats).sum();
        let crash = frames.first_mut()?;
        crash.is_crash = true;
        open_frames(&mut frames, opening);
        Some(Self {
            is_bare: frames.iter().all(|frame| frame.lines.is_empty()),
            runs: runs(frames),
            total,
        })
    }

    /// Whether no frame has source lines.
    pub(super) fn is_bare(&self) -> bool {
        self.is_bare
    }
}

/// The frames from the crash outwards, equal neighbours as one.
fn frames(list: Noted<'_, '_>) -> Vec<FrameView> {
    let mut frames: Vec<FrameView> = Vec::with_capacity(list.items().len());
    for frame in list.items().rev().filter_map(FrameView::new) {
        match frames.last_mut() {
            Some(last) if last.is_same_call(&frame) => last.repeats += 1,
            _ => frames.push(frame),
        }
    }
    frames
}

impl Opening {
    /// So many of the application's frames are open.
    fn frames(self) -> usize {
        match self {
            Self::Main => 4,
            Self::Other => 1,
            Self::Closed => 0,
        }
    }
}

/// Opens the first frames of the application, or the crash if there are none.
fn open_frames(frames: &mut [FrameView], opening: Opening) {
    let has_own = frames.iter().any(|frame| frame.in_app);
    let own = frames.iter_mut().filter(|frame| frame.in_app || !has_own);
    let shown = opening.frames().min(if has_own { usize::MAX } else { 1 });
    for (i, frame) in own.take(shown).enumerate() {
        frame.is_open = frame.has_body();
        frame.shows_vars = i == 0 && opening == Opening::Main;
    }
}

/// Folds foreign frames; the crash is always in sight.
fn runs(frames: Vec<FrameView>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut foreign = Vec::new();
    for frame in frames {
        if frame.in_app || frame.is_crash {
            fold(std::mem::take(&mut foreign), &mut runs);
            show(vec![frame], &mut runs);
        } else {
            foreign.push(frame);
        }
    }
    fold(foreign, &mut runs);
    runs
}

fn show(frames: Vec<FrameView>, runs: &mut Vec<Run>) {
    match runs.last_mut() {
        Some(run) if run.label.is_none() => run.frames.extend(frames),
        _ => runs.push(Run {
            label: None,
            frames,
        }),
    }
}

fn fold(frames: Vec<FrameView>, runs: &mut Vec<Run>) {
    if frames.len() < SHORTEST_FOLD {
        if !frames.is_empty() {
            show(frames, runs);
        }
        return;
    }
    runs.push(Run {
        label: Some(label(&frames)),
        frames,
    });
}

fn label(frames: &[FrameView]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut has_more = false;
    for name in frames.iter().filter_map(|frame| frame.package.as_deref()) {
        if names.contains(&name) {
            continue;
        }
        if names.len() == NAMED_PACKAGES {
            has_more = true;
            break;
        }
        names.push(name);
    }
    let count: usize = frames.iter().map(|frame| frame.repeats).sum();
    let more = if has_more { " and others" } else { "" };
    if names.is_empty() {
        format!("{count} frames of libraries")
    } else {
        format!("{count} frames from {}{more}", names.join(", "))
    }
}

impl FrameView {
    fn new(noted: Noted<'_, '_>) -> Option<Self> {
        let frame = Frame(noted.object()?);
        let place = frame.filename().or(frame.module()).or(frame.abs_path());
        let place = place.or(frame.package()).unwrap_or("unknown file");
        Some(Self {
            is_crash: false,
            in_app: frame.in_app().unwrap_or(true),
            is_open: false,
            shows_vars: false,
            place: place.to_owned(),
            path: frame
                .abs_path()
                .filter(|path| *path != place)
                .map(str::to_owned),
            line: frame.lineno(),
            column: frame.colno(),
            function: frame.function().map(str::to_owned),
            package: package(frame).map(str::to_owned),
            lines: lines(frame),
            vars: fields::of_object(noted.get("vars")),
            repeats: 1,
        })
    }

    fn has_body(&self) -> bool {
        !self.lines.is_empty() || !self.vars.is_empty()
    }

    fn is_same_call(&self, other: &Self) -> bool {
        let call = |frame: &Self| (frame.line, frame.column, frame.in_app);
        call(self) == call(other) && self.place == other.place && self.function == other.function
    }
}

/// The library a frame belongs to: its binary's name, its module's first part, or the folder below `node_modules`.
fn package<'t>(frame: Frame<'t, '_>) -> Option<&'t str> {
    if let Some(package) = frame.package() {
        return package.rsplit(['/', '\\']).next();
    }
    let path = frame.abs_path().or(frame.filename()).unwrap_or_default();
    if let Some((_, inside)) = path.rsplit_once("node_modules/") {
        return inside.split('/').next();
    }
    let module = frame.module().filter(|module| !module.is_empty())?;
    module.split(['.', ':', '/']).next()
}

/// The source lines with their numbers, the crash line among them.
fn lines(frame: Frame<'_, '_>) -> Vec<Line> {
    let Some(hit) = frame.context_line() else {
        return Vec::new();
    };
    let before = frame.pre_context();
    let first = frame
        .lineno()
        .map(|line| line.saturating_sub(length(&before)));
    let before = before.map(|text| (text, false));
    let after = frame.post_context().map(|text| (text, false));
    let all = before.chain([(hit, true)]).chain(after);
    let mut number = first;
    all.map(|(text, is_hit)| {
        let line = Line {
            number: number.filter(|number| *number > 0),
            text: text.to_owned(),
            is_hit,
        };
        number = number.map(|number| number.saturating_add(1));
        line
    })
    .collect()
}

fn length(lines: &impl ExactSizeIterator) -> i64 {
    i64::try_from(lines.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_protocol::json;

    fn stack(text: &str) -> StackView {
        let json = json::parse_str(text).unwrap();
        let noted = Noted {
            json: &json,
            meta: None,
        };
        StackView::new(noted, Opening::Main).unwrap()
    }

    #[test]
    fn foreign_frames_are_folded_and_named() {
        let view = stack(
            r#"{"frames":[
            {"module":"gunicorn.app","function":"run","in_app":false},
            {"module":"django.core","function":"a","in_app":false},
            {"module":"django.core","function":"b","in_app":false},
            {"filename":"shop/views.py","function":"pay","in_app":true,"lineno":2,"pre_context":["x"],"context_line":"y"},
            {"module":"decimal","function":"d","in_app":false}]}"#,
        );
        let labels: Vec<_> = view.runs.iter().map(|run| run.label.as_deref()).collect();
        assert_eq!(labels, [None, Some("3 frames from django, gunicorn")]);
        let shown = &view.runs[0].frames;
        assert!(shown[0].is_crash && !shown[0].is_open);
        assert!(shown[1].is_open);
        let numbers: Vec<_> = shown[1]
            .lines
            .iter()
            .map(|l| (l.number, l.is_hit))
            .collect();
        assert_eq!(numbers, [(Some(1), false), (Some(2), true)]);
    }

    #[test]
    fn recursion_is_one_frame() {
        let call = r#"{"function":"f","filename":"a.py","lineno":3}"#;
        let view = stack(&format!(r#"{{"frames":[{}]}}"#, vec![call; 300].join(",")));
        assert_eq!((view.total, view.runs[0].frames.len()), (300, 1));
        assert_eq!(view.runs[0].frames[0].repeats, 300);
    }

    #[test]
    fn strange_line_numbers_do_no_harm() {
        for line in [i64::MIN, -1, 0, i64::MAX] {
            let view = stack(&format!(
                r#"{{"frames":[{{"lineno":{line},"pre_context":["a","b"],"context_line":"c","post_context":["d"]}}]}}"#
            ));
            assert_eq!(view.runs[0].frames[0].lines.len(), 4);
        }
    }
}
