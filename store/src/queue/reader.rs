//! Reads requests back from the segments, in order, and only what is on disk.

use std::fs::File;
use std::io::{BufReader, Read};
use std::sync::Arc;

use bytes::Bytes;

use super::Shared;
use super::segment::{MAGIC, Next, Segment, read_record};
use crate::StoreError;

/// Bytes read from the disk at once.
const READ_BYTES: usize = 256 * 1024;

/// A record on its way to the processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its place in the queue; rising, not always by one.
    pub position: u64,
    /// What was pushed, see [`super::Entry::from_bytes`].
    pub data: Bytes,
}

/// A place in the queue from which deliveries are read.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    /// The last position that was delivered.
    position: u64,
    open: Option<OpenSegment>,
}

#[derive(Debug)]
struct OpenSegment {
    first_position: u64,
    file: BufReader<DurablePart>,
    offset: u64,
}

/// A file of which only the first `length` bytes are read: what lies behind them may still be taken back, and must not
/// get into a buffer.
#[derive(Debug)]
struct DurablePart {
    file: File,
    offset: u64,
    length: u64,
}

impl Read for DurablePart {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.length - self.offset)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let read = self.file.read(&mut buffer[..left])?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, position: u64) -> Self {
        Self {
            shared,
            position,
            open: None,
        }
    }

    /// Waits until there is something behind the last delivery. `false` if the queue is closed.
    pub async fn wait(&self) -> bool {
        let position = self.position;
        self.shared
            .durable
            .subscribe()
            .wait_for(|durable| *durable > position)
            .await
            .is_ok()
    }

    /// Reads the next deliveries: at least one if there is one, at most `max_records`, and no further one once
    /// `max_bytes` are reached. Blocks on the disk.
    ///
    /// # Errors
    /// [`StoreError::Io`]; the place is kept, so the call can be repeated.
    pub fn read(
        &mut self,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let durable = *self.shared.durable.borrow();
        let mut deliveries = Vec::new();
        let mut bytes = 0;
        while self.position < durable && deliveries.len() < max_records && bytes < max_bytes {
            let Some(delivery) = self.next()? else {
                // The end: what is between here and there was never written, or cannot be read any more. Going back
                // to it again and again would not bring it back.
                self.position = durable;
                break;
            };
            bytes += delivery.data.len();
            deliveries.push(delivery);
        }
        Ok(deliveries)
    }

    /// The next record, from this segment or the ones behind it.
    fn next(&mut self) -> Result<Option<Delivery>, StoreError> {
        loop {
            if self.open.is_none() && !self.open_segment()? {
                return Ok(None);
            }
            let Some(open) = &mut self.open else {
                return Ok(None);
            };
            let Some(length) = self
                .shared
                .segments()
                .get(&open.first_position)
                .map(|segment| segment.length)
            else {
                self.open = None;
                continue;
            };
            open.file.get_mut().length = length;
            let (next, bytes) = match read_record(&mut open.file, length - open.offset) {
                Ok(read) => read,
                Err(source) => {
                    let folder = self.shared.folder.clone();
                    self.open = None;
                    return Err(StoreError::io(&folder, source));
                }
            };
            open.offset += bytes;
            match next {
                Next::Record { position, data } if position > self.position => {
                    self.position = position;
                    return Ok(Some(Delivery {
                        position,
                        data: Bytes::from(data),
                    }));
                }
                Next::Record { .. } => {}
                Next::Damaged => {
                    tracing::error!(
                        segment = open.first_position,
                        "skipped a damaged record of the queue"
                    );
                }
                Next::End => {
                    if !self.leave_segment(length)? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Opens the segment that holds the next position; `false` if there is none yet.
    fn open_segment(&mut self) -> Result<bool, StoreError> {
        let segment = {
            let segments = self.shared.segments();
            let holding = segments
                .range(..=self.position + 1)
                .next_back()
                .or_else(|| segments.iter().next());
            holding.map(|(_, segment)| segment.clone())
        };
        match segment {
            Some(segment) => self.open_at(&segment).map(|()| true),
            None => Ok(false),
        }
    }

    fn open_at(&mut self, segment: &Segment) -> Result<(), StoreError> {
        let open = || {
            let file = File::open(&segment.path)?;
            let mut file = DurablePart {
                file,
                offset: 0,
                length: segment.length,
            };
            let mut magic = [0; MAGIC.len()];
            let whole = file.read_exact(&mut magic).is_ok() && &magic == MAGIC;
            // Nothing of another file can be trusted: it ends here, and the next segment follows.
            file.offset = if whole {
                MAGIC.len() as u64
            } else {
                tracing::error!(file = %segment.path.display(), "a queue segment is damaged and cannot be read");
                segment.length
            };
            Ok(file)
        };
        let file = open().map_err(|e| StoreError::io(&segment.path, e))?;
        let (first_position, offset) = (segment.first_position, file.offset);
        self.open = Some(OpenSegment {
            first_position,
            offset,
            file: BufReader::with_capacity(READ_BYTES, file),
        });
        Ok(())
    }

    /// Goes to the segment behind the open one; `false` if there is none, so that the rest is still to be written.
    fn leave_segment(&mut self, length: u64) -> Result<bool, StoreError> {
        let Some(open) = &self.open else {
            return Ok(false);
        };
        let next = {
            let segments = self.shared.segments();
            segments
                .range(open.first_position + 1..)
                .next()
                .map(|(_, segment)| segment.clone())
        };
        let Some(next) = next else {
            return Ok(false);
        };
        if open.offset < length {
            tracing::error!(
                segment = open.first_position,
                lost_bytes = length - open.offset,
                "the rest of a queue segment cannot be read"
            );
        }
        self.open_at(&next)?;
        Ok(true)
    }
}
