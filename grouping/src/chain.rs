//! Several exceptions: which of them count, in which order, and which one gives the issue its title.

use std::collections::HashMap;

use bugle_protocol::Event;
use bugle_protocol::event::{Exception, Mechanism};

use crate::exception::ExceptionPart;

/// The exceptions that count.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// Indexes into the event's exceptions, in the order in which they are hashed.
    pub(crate) order: Vec<usize>,
    /// The exception that gives the title, where it is not simply the last one.
    pub(crate) main: Option<usize>,
}

impl Chain {
    /// Arranges the exceptions of `event`, of which `parts` has one each.
    pub(crate) fn new(event: &Event<'_>, parts: &[ExceptionPart<'_>]) -> Self {
        let exceptions: Vec<Exception<'_, '_>> = event.exceptions().collect();
        let unfiltered = || Self {
            order: (0..parts.len()).collect(),
            main: None,
        };
        let mut chain = match Tree::new(event, &exceptions) {
            Some(tree) => tree.filter(parts).unwrap_or_else(unfiltered),
            None => unfiltered(),
        };
        let wrapped =
            wrapped_by_react(&exceptions, &chain.order).or_else(|| wrapped_by_rxjava(&exceptions));
        chain.main = wrapped.or(chain.main);
        chain
    }
}

/// The exceptions as a tree of ids and parents.
struct Tree<'t, 'a> {
    exceptions: &'t [Exception<'t, 'a>],
    root: usize,
    /// Newest first, as exception groups number their members.
    children: HashMap<i64, Vec<usize>>,
}

impl<'t, 'a> Tree<'t, 'a> {
    /// The tree, if there are several exceptions that form one: each has an id of its own, none is its own parent, and
    /// one has the id 0. Version 3 of the Python SDK numbers plain chains too and is left alone.
    fn new(event: &Event<'_>, exceptions: &'t [Exception<'t, 'a>]) -> Option<Self> {
        let is_python_3 = event.platform() == "python"
            && event
                .sdk()
                .and_then(|sdk| sdk.version())
                .is_some_and(|version| version.starts_with('3'));
        if exceptions.len() < 2 || is_python_3 {
            return None;
        }
        let mut by_id = HashMap::new();
        let mut children: HashMap<i64, Vec<usize>> = HashMap::new();
        for (index, exception) in exceptions.iter().enumerate().rev() {
            let mechanism = exception.mechanism()?;
            let id = mechanism.exception_id()?;
            if by_id.insert(id, index).is_some() || mechanism.parent_id() == Some(id) {
                return None;
            }
            if let Some(parent) = mechanism.parent_id() {
                children.entry(parent).or_default().push(index);
            }
        }
        Some(Self {
            exceptions,
            root: *by_id.get(&0)?,
            children,
        })
    }

    /// Drops groups with one kind of member and all but one copy of each kind; `None` if there is no member at all.
    fn filter(&self, parts: &[ExceptionPart<'_>]) -> Option<Chain> {
        let mut members = self.members();
        members.sort_by(|a, b| parts[*b].ty.cmp(&parts[*a].ty));
        members.dedup_by(|later, kept| parts[*later].is_same(&parts[*kept]));
        match members[..] {
            [] => None,
            [only] => Some(Chain {
                order: self.first_path(only),
                main: Some(only),
            }),
            _ => {
                members.push(self.root);
                Some(Chain {
                    order: members,
                    main: None,
                })
            }
        }
    }

    /// The exceptions below the root that are no groups, without what is below them.
    fn members(&self) -> Vec<usize> {
        let mut members = Vec::new();
        let mut seen = vec![false; self.exceptions.len()];
        let mut open = vec![self.root];
        while let Some(index) = open.pop() {
            if std::mem::replace(&mut seen[index], true) {
                continue;
            }
            if self
                .mechanism(index)
                .is_some_and(Mechanism::is_exception_group)
            {
                open.extend(self.children(index).iter().rev());
            } else {
                members.push(index);
            }
        }
        members
    }

    /// The exception, its first child, that one's first child, and so on.
    fn first_path(&self, start: usize) -> Vec<usize> {
        let mut path = vec![start];
        let mut seen = vec![false; self.exceptions.len()];
        seen[start] = true;
        let mut last = start;
        while let Some(&child) = self.children(last).first() {
            if std::mem::replace(&mut seen[child], true) {
                break;
            }
            path.push(child);
            last = child;
        }
        path
    }

    fn mechanism(&self, index: usize) -> Option<Mechanism<'t, 'a>> {
        self.exceptions[index].mechanism()
    }

    fn children(&self, index: usize) -> &[usize] {
        let id = self.mechanism(index).and_then(Mechanism::exception_id);
        id.and_then(|id| self.children.get(&id))
            .map_or(&[], Vec::as_slice)
    }
}

/// React reports errors it recovered from in an error of its own; the last exception is the real one if it is its cause.
fn wrapped_by_react(exceptions: &[Exception<'_, '_>], order: &[usize]) -> Option<usize> {
    const RECOVERED: [&str; 2] = [
        "There was an error during concurrent rendering but React was able to recover",
        "There was an error while hydrating but React was able to recover",
    ];
    let (first, last) = (*order.first()?, *order.last()?);
    let value = exceptions[first].value()?;
    let is_wrapper = exceptions[first].ty() == Some("Error")
        && RECOVERED.iter().any(|text| value.starts_with(text));
    let is_cause = exceptions[last].mechanism()?.source() == Some("cause");
    (is_wrapper && is_cause).then_some(last)
}

/// `RxJava` 3 hands errors that nobody handles to the uncaught handler in an exception of its own.
fn wrapped_by_rxjava(exceptions: &[Exception<'_, '_>]) -> Option<usize> {
    let wrapper = exceptions.iter().find(|exception| {
        exception.module() == Some("io.reactivex.rxjava3.exceptions")
            && matches!(
                exception.ty(),
                Some(
                    "OnErrorNotImplementedException"
                        | "CompositeException"
                        | "UndeliverableException"
                )
            )
            && exception.mechanism().and_then(Mechanism::ty) == Some("UncaughtExceptionHandler")
    })?;
    let id = wrapper.mechanism()?.exception_id()?;
    exceptions
        .iter()
        .position(|e| e.mechanism().and_then(Mechanism::parent_id) == Some(id))
}
