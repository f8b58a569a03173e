//! A place in the queue that goes from record to record, over the borders of segments and over damage.

use std::io;
use std::sync::Arc;

use super::segment::Segment;
use super::shared::Shared;
use super::walk::{Found, Step, Walk};
use crate::StoreError;

#[derive(Debug)]
pub(super) struct Cursor {
    pub(super) shared: Arc<Shared>,
    /// The last position that is behind us.
    pub(super) position: u64,
    open: Option<Open>,
    read_bytes: usize,
}

#[derive(Debug)]
struct Open {
    segment: Segment,
    walk: Walk,
    /// The position of the last record so far.
    last: u64,
}

impl Cursor {
    /// Begins behind `position` and reads `read_bytes` from the disk at once.
    pub(super) fn new(shared: Arc<Shared>, position: u64, read_bytes: usize) -> Self {
        Self {
            shared,
            position,
            open: None,
            read_bytes,
        }
    }

    /// Goes to the next record of which `read` can read something. `None` if there is none yet; after an error the same
    /// record is tried again.
    pub(super) fn next<T>(
        &mut self,
        read: impl Fn(&mut Walk, &Found) -> io::Result<Option<T>>,
    ) -> Result<Option<(u64, T)>, StoreError> {
        loop {
            if self.open.is_none() && !self.open_segment()? {
                return Ok(None);
            }
            match self.step(&read) {
                Ok(Stepped::Onto(position, found)) => {
                    self.position = position;
                    return Ok(Some((position, found)));
                }
                Ok(Stepped::On) => {}
                Ok(Stepped::AtTheEnd) => {
                    if !self.leave_segment()? {
                        return Ok(None);
                    }
                }
                Err(source) => {
                    let path = self.open.take().map(|open| open.segment.path);
                    let path = path.unwrap_or_else(|| self.shared.folder.clone());
                    return Err(StoreError::io(&path, source));
                }
            }
        }
    }

    fn step<T>(
        &mut self,
        read: impl Fn(&mut Walk, &Found) -> io::Result<Option<T>>,
    ) -> io::Result<Stepped<T>> {
        let Some(open) = &mut self.open else {
            return Ok(Stepped::On);
        };
        let first_position = open.segment.first_position;
        let length = self
            .shared
            .segments()
            .get(&first_position)
            .map(|segment| segment.length);
        let Some(length) = length else {
            // It was processed meanwhile, and is deleted.
            self.open = None;
            return Ok(Stepped::On);
        };
        open.walk.go_on_to(length);
        let damaged = match open.walk.step()? {
            Step::End => return Ok(Stepped::AtTheEnd),
            Step::Damaged(stretch) | Step::Torn(stretch) => stretch,
            Step::Record(found) => {
                let position = found.header.position;
                open.last = position;
                if position <= self.position {
                    return Ok(Stepped::On);
                }
                match read(&mut open.walk, &found)? {
                    Some(read) => return Ok(Stepped::Onto(position, read)),
                    None => found.stretch(),
                }
            }
        };
        self.shared.note_damage(first_position, damaged);
        Ok(Stepped::On)
    }

    /// Opens the segment that holds the next position; `false` if there is none yet.
    fn open_segment(&mut self) -> Result<bool, StoreError> {
        let segment = {
            let segments = self.shared.segments();
            let holding = segments.range(..=self.position + 1).next_back();
            let holding = holding.or_else(|| segments.iter().next());
            holding.map(|(_, segment)| segment.clone())
        };
        match segment {
            Some(segment) => self.open_at(segment).map(|()| true),
            None => Ok(false),
        }
    }

    fn open_at(&mut self, segment: Segment) -> Result<(), StoreError> {
        self.open = None;
        let next = {
            let segments = self.shared.segments();
            let mut behind = segments.range(segment.first_position + 1..);
            behind.next().map(|(&first, _)| first)
        };
        let before = next.unwrap_or(u64::MAX);
        match segment.walk(self.shared.salt, before, self.read_bytes) {
            Ok(walk) => {
                let last = segment.first_position.saturating_sub(1);
                self.open = Some(Open {
                    segment,
                    walk,
                    last,
                });
            }
            // The one that is being written is not given up.
            Err(e) if e.kind() == io::ErrorKind::NotFound && next.is_some() => {
                self.shared.note_lost(segment.first_position);
            }
            Err(e) => return Err(StoreError::io(&segment.path, e)),
        }
        Ok(())
    }

    /// Goes to the segment behind the open one; `false` if there is none, so that the rest is still to be written.
    fn leave_segment(&mut self) -> Result<bool, StoreError> {
        let Some(open) = &self.open else {
            return Ok(true);
        };
        let (next, is_damaged) = {
            let segments = self.shared.segments();
            let mut behind = segments.range(open.segment.first_position + 1..);
            let next = behind.next().map(|(_, segment)| segment.clone());
            let own = segments.get(&open.segment.first_position);
            (next, own.is_some_and(|own| !own.damaged.is_empty()))
        };
        let Some(next) = next else {
            return Ok(false);
        };
        if !is_damaged {
            self.shared.note_missing(open.last, next.first_position);
        }
        self.open_at(next)?;
        Ok(true)
    }
}

/// What a step came to.
enum Stepped<T> {
    /// A record that was read.
    Onto(u64, T),
    /// Something that is not to be read.
    On,
    /// The end of the segment as it is now.
    AtTheEnd,
}
