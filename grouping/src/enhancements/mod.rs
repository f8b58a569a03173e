//! Stack trace rules ("enhancements"): they say which frames are the application's, what they do, and which count.
//!
//! `[ caller ] | matcher matcher ... | [ callee ] action action`, one rule per line. Rules run in two passes: the
//! classifying one changes `in_app` and `category` of frames, the contributing one reads the result and decides which
//! frames count. In both, later rules see and may undo what earlier ones did.

mod frames;
mod matcher;
mod parse;
mod rule_set;

use std::sync::LazyLock;

pub(crate) use frames::{ExceptionFacts, RuleFrame};
use matcher::Matcher;
pub(crate) use matcher::parse_bool;
use rule_set::RuleSet;

use crate::RuleError;

/// The rules that every project starts with.
const BUILTIN_TEXT: &str = include_str!("builtin.txt");

/// The compiled built-in rules.
pub(crate) static BUILTIN: LazyLock<Enhancements> = LazyLock::new(|| {
    Enhancements::new(BUILTIN_TEXT).expect("the built-in rules are tested to be valid")
});

/// A compiled rule text.
#[derive(Debug)]
pub(crate) struct Enhancements {
    classifying: RuleSet,
    contributing: RuleSet,
}

/// One line of a rule text.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    source: Box<str>,
    frame: Box<[Matcher]>,
    exception: Box<[Matcher]>,
    caller: Option<Matcher>,
    callee: Option<Matcher>,
    actions: Box<[Action]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Action {
    InApp(bool, Range),
    Group(bool, Range),
    Category(Box<str>),
    MaxFrames(usize),
    MinFrames(usize),
    /// `invert-stacktrace`: part of old rule texts, without effect.
    Nothing,
}

/// The frames that an action changes, seen from the one that matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    /// The matching frame.
    Here,
    /// `^`: all frames nearer to the crash, without the matching one.
    Newer,
    /// `v`: all frames nearer to the start, without the matching one.
    Older,
}

/// A frame that a rule matches, and the one before it that the rule matched too.
#[derive(Clone, Copy, Debug)]
struct Hit {
    at: usize,
    previous: Option<usize>,
}

/// What the contributing rules decided about a stack trace.
#[derive(Debug)]
pub(crate) struct Contributions<'r> {
    /// Per frame: the last rule that grouped (`true`) or ungrouped it, if any.
    pub(crate) frames: Vec<Option<(bool, &'r Rule)>>,
    /// The most frames that may count.
    pub(crate) max_frames: Option<usize>,
    /// The fewest frames that must count for any to count.
    pub(crate) min_frames: usize,
}

impl Enhancements {
    /// Compiles a rule text.
    ///
    /// # Errors
    /// [`RuleError`] at the first mistake.
    pub(crate) fn new(text: &str) -> Result<Self, RuleError> {
        let rules = parse::parse(text)?;
        let (classifying, contributing) = rules.into_iter().map(Rule::split).unzip();
        Ok(Self {
            classifying: RuleSet::new(Vec::into_iter(classifying).flatten()),
            contributing: RuleSet::new(Vec::into_iter(contributing).flatten()),
        })
    }

    /// Sets `in_app` and `category` of the frames.
    pub(crate) fn classify<'x>(
        &'x self,
        frames: &mut [RuleFrame<'x>],
        exception: &ExceptionFacts<'_>,
    ) {
        self.classifying
            .run(frames, exception, |rule, hit, frames| {
                for action in &rule.actions {
                    match action {
                        Action::InApp(value, range) => {
                            let range = range.of(hit, frames.len());
                            for frame in &mut frames[range] {
                                frame.in_app = Some(*value);
                                frame.in_app_rule = Some(rule);
                            }
                        }
                        Action::Category(name) => frames[hit.at].category = Some(name),
                        _ => {}
                    }
                }
            });
    }

    /// Decides which of the classified frames count, on top of what earlier rules decided.
    pub(crate) fn contribute<'r, 'x: 'r>(
        &'r self,
        frames: &mut [RuleFrame<'x>],
        exception: &ExceptionFacts<'_>,
        decided: &mut Contributions<'r>,
    ) {
        self.contributing
            .run(frames, exception, |rule, hit, frames| {
                for action in &rule.actions {
                    match action {
                        Action::Group(value, range) => {
                            decided.frames[range.of(hit, frames.len())].fill(Some((*value, rule)))
                        }
                        Action::MaxFrames(n) => decided.max_frames = Some(*n).filter(|n| *n > 0),
                        Action::MinFrames(n) => decided.min_frames = *n,
                        _ => {}
                    }
                }
            });
    }
}

impl Contributions<'_> {
    /// Nothing decided yet about `frame_count` frames.
    pub(crate) fn undecided(frame_count: usize) -> Self {
        Self {
            frames: vec![None; frame_count],
            max_frames: None,
            min_frames: 0,
        }
    }
}

impl Rule {
    /// The rule as it was written.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Parts a rule into its classifying and its contributing half, each only if it has such actions.
    fn split(self) -> (Option<Self>, Option<Self>) {
        let is_classifying =
            |action: &Action| matches!(action, Action::InApp(..) | Action::Category(_));
        let is_contributing = |action: &Action| {
            matches!(
                action,
                Action::Group(..) | Action::MaxFrames(_) | Action::MinFrames(_)
            )
        };
        let classifies = self.actions.iter().any(is_classifying);
        let contributes = self.actions.iter().any(is_contributing);
        match (classifies, contributes) {
            (true, true) => (Some(self.clone()), Some(self)),
            (true, false) => (Some(self), None),
            (false, true) => (None, Some(self)),
            (false, false) => (None, None),
        }
    }
}

impl Range {
    /// The frames that still have to change: what an earlier hit of the same rule changed is not changed again, which
    /// keeps the work linear when every frame is a hit.
    fn of(self, hit: Hit, frame_count: usize) -> std::ops::Range<usize> {
        match (self, hit.previous) {
            (Self::Here, _) => hit.at..hit.at + 1,
            (Self::Newer, None) => hit.at + 1..frame_count,
            (Self::Newer, Some(_)) => 0..0,
            (Self::Older, previous) => previous.unwrap_or(0)..hit.at,
        }
    }
}
