//! Reads requests back from the segments, in order, and only what is on disk.

use std::sync::Arc;

use bytes::Bytes;

use super::cursor::Cursor;
use super::shared::Shared;
use super::walk::Walk;
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
    cursor: Cursor,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, position: u64) -> Self {
        let cursor = Cursor::new(shared, position, READ_BYTES);
        Self { cursor }
    }

    /// Waits until there is something behind the last delivery. `false` if the queue is closed.
    pub async fn wait(&self) -> bool {
        let position = self.cursor.position;
        let mut durable = self.cursor.shared.durable.subscribe();
        durable
            .wait_for(|durable| *durable > position)
            .await
            .is_ok()
    }

    /// Reads the next deliveries: at least one if there is one, at most `max_records`, and no further one once
    /// `max_bytes` are reached. What is damaged is left out, logged and counted: see [`super::Damage`]. Blocks on the disk.
    ///
    /// # Errors
    /// [`StoreError::Io`]; the place is kept, so the call can be repeated.
    pub fn read(
        &mut self,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let durable = *self.cursor.shared.durable.borrow();
        let mut deliveries = Vec::new();
        let mut bytes = 0;
        while self.cursor.position < durable && deliveries.len() < max_records && bytes < max_bytes
        {
            let next = match self.cursor.next(Walk::data) {
                Ok(next) => next,
                // What was read before it is delivered first, or it would be lost.
                Err(_) if !deliveries.is_empty() => break,
                Err(error) => return Err(error),
            };
            let Some((position, data)) = next else {
                // The end: what is between here and there was never written, or cannot be read any more. Going back
                // to it again and again would not bring it back.
                self.cursor.shared.note_gap(self.cursor.position, durable);
                self.cursor.position = durable;
                break;
            };
            bytes += data.len();
            let data = Bytes::from(data);
            deliveries.push(Delivery { position, data });
        }
        Ok(deliveries)
    }
}
