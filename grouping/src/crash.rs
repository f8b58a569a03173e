//! The frame that stands for an event: where it most likely went wrong.

use bugle_protocol::Event;
use bugle_protocol::event::{Exception, Frame, Stacktrace, Thread};

/// The newest in-app frame that `is_usable`, else the newest one: of the last exception, else of the event's own stack
/// trace, else of the only thread.
pub(crate) fn frame<'t, 'a>(
    event: &'t Event<'a>,
    is_usable: impl Fn(Frame<'t, 'a>) -> bool,
) -> Option<Frame<'t, 'a>> {
    newest_in_app(stacktrace(event)?, is_usable)
}

/// The newest in-app frame that `is_usable`, else the newest one.
pub(crate) fn newest_in_app<'t, 'a>(
    stacktrace: Stacktrace<'t, 'a>,
    is_usable: impl Fn(Frame<'t, 'a>) -> bool,
) -> Option<Frame<'t, 'a>> {
    let usable = || stacktrace.frames().rev().filter(|frame| is_usable(*frame));
    usable()
        .find(|frame| frame.in_app() == Some(true))
        .or_else(|| usable().next())
}

fn stacktrace<'t, 'a>(event: &'t Event<'a>) -> Option<Stacktrace<'t, 'a>> {
    let last = event.exceptions().next_back();
    let mut threads = event.threads();
    let only_thread = threads.next().filter(|_| threads.next().is_none());
    last.and_then(Exception::stacktrace)
        .or_else(|| event.stacktrace().filter(|s| s.frames().next().is_some()))
        .or_else(|| only_thread.and_then(Thread::stacktrace))
}
