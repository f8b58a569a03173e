//! What a stack trace contributes: for each variant, which of its frames count.

use bugle_protocol::event::{Exception, Stacktrace};

use crate::enhancements::{Contributions, ExceptionFacts, Rule, RuleFrame};
use crate::family::Family;
use crate::frame::FrameParts;
use crate::frame_fields::FrameFields;
use crate::result::{Leaf, LeafKind};
use crate::rules::Rules;

/// How stack traces are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// Only the application's own frames.
    App,
    /// All frames.
    System,
}

impl View {
    pub(crate) const BOTH: [Self; 2] = [Self::App, Self::System];
}

/// Why a frame does not count.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reason<'x> {
    /// A property of the frame or of its place in the stack.
    Fact(&'static str),
    /// A stack trace rule.
    Rule(&'x Rule),
}

/// A frame and what the two views make of it.
#[derive(Debug)]
pub(crate) struct StackFrame<'x> {
    /// Its values.
    pub(crate) parts: FrameParts<'x>,
    /// Why it does not count, per view; `None` where it does.
    ignored: [Option<Reason<'x>>; 2],
}

/// A stack trace and what the two views make of it.
#[derive(Debug)]
pub(crate) struct Stack<'x> {
    /// The frames, outermost call first.
    pub(crate) frames: Vec<StackFrame<'x>>,
    /// Why nothing of it counts, per view.
    ignored: [Option<&'static str>; 2],
}

impl<'x> Stack<'x> {
    /// Looks at the frames of a classified stack trace; `exception` is the one it belongs to.
    pub(crate) fn new(
        stacktrace: Stacktrace<'x, '_>,
        exception: Option<Exception<'x, '_>>,
        platform: &str,
        rules: &'x Rules,
    ) -> Self {
        let fields: Vec<FrameFields<'x>> = stacktrace.frames().map(FrameFields::read).collect();
        let decided = decide(&fields, exception, platform, rules);
        let mut previous = None;
        let frames = fields
            .iter()
            .zip(&decided.frames)
            .map(|(frame, decision)| {
                let recursive = previous
                    .replace(frame)
                    .is_some_and(|p| p.is_same_call(frame));
                StackFrame::new(frame, platform, recursive, *decision)
            })
            .collect();
        let mut stack = Self {
            frames,
            ignored: [None, None],
        };
        let useless = is_useless_javascript(&fields, platform);
        for view in View::BOTH {
            stack.limit(view, &decided);
            stack.ignored[view as usize] = useless.or_else(|| stack.too_few(view, &decided));
        }
        stack
    }

    /// Leaves only the newest of too many counting frames.
    fn limit(&mut self, view: View, decided: &Contributions<'_>) {
        let Some(max_frames) = decided.max_frames else {
            return;
        };
        let counting = self.frames.iter_mut().rev().filter(|f| f.counts(view));
        for frame in counting.skip(max_frames) {
            frame.ignored[view as usize] = Some(Reason::Fact("max-frames is reached"));
        }
    }

    fn too_few(&self, view: View, decided: &Contributions<'_>) -> Option<&'static str> {
        match self.frames.iter().filter(|f| f.counts(view)).count() {
            0 if view == View::App => Some("no in-app frame counts"),
            0 => Some("no frame counts"),
            n if n < decided.min_frames => Some("fewer frames count than min-frames asks for"),
            _ => None,
        }
    }

    /// Why nothing of the stack trace counts in `view`.
    pub(crate) fn ignored(&self, view: View) -> Option<&'static str> {
        self.ignored[view as usize]
    }

    /// Whether anything of the stack trace counts in `view`.
    pub(crate) fn counts(&self, view: View) -> bool {
        self.ignored(view).is_none()
    }

    /// Appends the values that count in `view`.
    pub(crate) fn collect(&self, view: View, out: &mut Vec<Leaf>) {
        if self.counts(view) {
            out.extend(
                self.counted(view)
                    .map(|(kind, value)| Leaf::new(kind, value)),
            );
        }
    }

    /// Whether both views count the same frames.
    pub(crate) fn views_agree(&self) -> bool {
        self.counts(View::App) == self.counts(View::System)
            && self
                .frames
                .iter()
                .all(|f| f.counts(View::App) == f.counts(View::System))
    }

    fn counted(&self, view: View) -> impl Iterator<Item = (LeafKind, &str)> {
        self.frames
            .iter()
            .filter(move |frame| frame.counts(view))
            .flat_map(|frame| frame.parts.counted())
    }

    /// Whether two stack traces stand for the same way through the program.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.ignored == other.ignored
            && self.frames.len() == other.frames.len()
            && self.frames.iter().zip(&other.frames).all(|(a, b)| {
                a.parts == b.parts && View::BOTH.iter().all(|v| a.counts(*v) == b.counts(*v))
            })
    }
}

impl<'x> StackFrame<'x> {
    fn new(
        frame: &FrameFields<'x>,
        platform: &str,
        recursive: bool,
        decision: Option<(bool, &'x Rule)>,
    ) -> Self {
        let parts = FrameParts::new(frame, platform);
        let system = if parts.counted().next().is_none() {
            Some(Reason::Fact("nothing in the frame identifies it"))
        } else {
            match decision {
                Some((true, _)) => None,
                Some((false, rule)) => Some(Reason::Rule(rule)),
                None if recursive => Some(Reason::Fact("the same call as the frame before")),
                None => parts.hint.map(Reason::Fact),
            }
        };
        let app = match frame.in_app {
            Some(true) => system,
            _ => Some(Reason::Fact("not in-app")),
        };
        Self {
            parts,
            ignored: [app, system],
        }
    }

    /// Why the frame does not count in `view`.
    pub(crate) fn ignored(&self, view: View) -> Option<Reason<'x>> {
        self.ignored[view as usize]
    }

    /// Whether the frame counts in `view`.
    pub(crate) fn counts(&self, view: View) -> bool {
        self.ignored(view).is_none()
    }
}

/// Lets the rules decide which of the frames count.
fn decide<'x>(
    fields: &[FrameFields<'x>],
    exception: Option<Exception<'x, '_>>,
    platform: &str,
    rules: &'x Rules,
) -> Contributions<'x> {
    let frames = fields.iter().map(|frame| RuleFrame::new(frame, platform));
    let mut frames: Vec<RuleFrame<'x>> = frames.collect();
    let mut decided = Contributions::undecided(frames.len());
    for enhancements in rules.enhancements() {
        enhancements.contribute(&mut frames, &ExceptionFacts::of(exception), &mut decided);
    }
    decided
}

/// A JavaScript stack of one frame without function and path says only that there was a script.
fn is_useless_javascript(frames: &[FrameFields<'_>], event_platform: &str) -> Option<&'static str> {
    let [only] = frames else {
        return None;
    };
    let family = Family::of(only.platform.unwrap_or(event_platform));
    let has_function = only.function.is_some_and(|function| !function.is_empty());
    (family == Family::JavaScript && !has_function && !has_url_path(only))
        .then_some("a single frame without function and path says nothing")
}

/// Whether the frame's path is a URL with more than a host.
fn has_url_path(frame: &FrameFields<'_>) -> bool {
    let Some((_, behind_scheme)) = frame.abs_path.and_then(|path| path.split_once("://")) else {
        return false;
    };
    let path = behind_scheme
        .find('/')
        .map_or("", |at| &behind_scheme[at..]);
    !matches!(path, "" | "/")
}
