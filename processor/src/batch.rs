//! Prepares a batch: the threads of the pool take requests apart, and the results come together in the order of the queue.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bugle_protocol::ProjectId;
use bugle_rules::ProjectRules;
use bugle_store::queue::{Delivery, Entry, QueuedRequest};
use bugle_store::{Batch, Blobs, QueueCursor, StoreError};

use crate::pool::Pool;
use crate::request::{Rules, Tools, process, unreadable};
use crate::rule_book::RuleBook;
use crate::settle::Processed;
use crate::verdict::{Ending, Unit};

/// A thread takes no further request of a batch once so much came out of those before it.
const PART_DECODED_BYTES: usize = 32 * 1024 * 1024;

/// A batch that is ready to be stored.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) batch: Batch,
    /// The first delivery in it. The deliveries are not kept: they are in the queue for as long as they may be needed.
    pub(crate) first_position: u64,
    /// The last delivery in it.
    pub(crate) position: u64,
    /// What is to be set aside before.
    pub(crate) aside: Vec<Aside>,
}

/// What cannot be processed or stored.
#[derive(Debug)]
pub(crate) enum Aside {
    /// Items of the request at this position.
    Part(u64, QueuedRequest),
    /// A record that is no request at all.
    Whole(Delivery),
}

/// What became of the deliveries that were to be prepared.
#[derive(Debug)]
pub(crate) struct Preparation {
    pub(crate) prepared: Option<Prepared>,
    /// What is left for the next batch: requests that unpack to much more than they weigh in the queue are cut to a share that
    /// fits into memory.
    pub(crate) left: Vec<Delivery>,
    /// Why the first of those that are left could not be processed yet.
    pub(crate) blocked: Option<Hold>,
}

/// Why a request has to wait.
#[derive(Debug)]
pub(crate) enum Hold {
    /// The disk takes no files.
    Storage(StoreError),
    /// Its project was not there when the rules were loaded.
    NewProject(ProjectId),
}

/// One request alone, for finding out what in it the database does not take.
#[derive(Debug)]
pub(crate) struct Single {
    pub(crate) batch: Batch,
    pub(crate) aside: Option<Aside>,
    /// What of it would be stored.
    pub(crate) suspects: Vec<Suspect>,
}

/// A unit of a request that has rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Suspect {
    /// Its place among the request's units.
    pub(crate) unit: usize,
    pub(crate) has_events: bool,
    pub(crate) has_attachments: bool,
    pub(crate) has_feedback: bool,
    pub(crate) has_transactions: bool,
}

/// The pool, and what its threads need.
#[derive(Debug)]
pub(crate) struct Workshop {
    pool: Pool,
    bench: Arc<Bench>,
    queue_id: String,
}

#[derive(Debug)]
struct Bench {
    /// What applies now. A batch is prepared by one book from its beginning to its end.
    book: RwLock<Arc<RuleBook>>,
    grouping: bugle_grouping::Rules,
    blobs: Blobs,
    large: Mutex<()>,
}

impl Bench {
    fn tools<'b>(&'b self, rules: &'b ProjectRules) -> Tools<'b> {
        Tools {
            rules: Rules::new(rules, &self.grouping),
            blobs: &self.blobs,
            large: &self.large,
        }
    }
}

impl Workshop {
    pub(crate) fn new(blobs: Blobs, queue_id: &str, threads: usize) -> Self {
        Self {
            pool: Pool::new(threads),
            bench: Arc::new(Bench {
                book: RwLock::default(),
                grouping: bugle_grouping::Rules::default(),
                blobs,
                large: Mutex::default(),
            }),
            queue_id: queue_id.to_owned(),
        }
    }

    /// The rules that apply now.
    pub(crate) fn book(&self) -> Arc<RuleBook> {
        let book = self.bench.book.read();
        Arc::clone(&book.unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the rules for the batches that come.
    pub(crate) fn set_book(&self, book: RuleBook) {
        let slot = self.bench.book.write();
        *slot.unwrap_or_else(PoisonError::into_inner) = Arc::new(book);
    }

    /// Processes deliveries on all threads.
    pub(crate) async fn prepare(&self, mut deliveries: Vec<Delivery>) -> Preparation {
        let book = self.book();
        let share = deliveries.len().div_ceil(self.pool.threads()).max(1);
        let running: Vec<_> = deliveries
            .chunks(share)
            .map(|part| {
                let (part, bench) = (part.to_vec(), Arc::clone(&self.bench));
                let book = Arc::clone(&book);
                self.pool.run(move || Part::process(&part, &bench, &book))
            })
            .collect();
        let (mut whole, mut done) = (Part::default(), 0);
        for (number, part) in running.into_iter().enumerate() {
            let part = part.await;
            // A batch is a stretch of the queue without gaps: what lies behind an unfinished part comes again.
            if done < number * share {
                break;
            }
            done += part.done;
            whole.append(part);
        }
        let left = deliveries.split_off(done);
        let ends = deliveries.first().zip(deliveries.last());
        let prepared = ends.map(|(first, last)| Prepared {
            batch: self.with_cursor(whole.batch, last.position),
            first_position: first.position,
            position: last.position,
            aside: whole.aside,
        });
        Preparation {
            prepared,
            left,
            blocked: whole.blocked,
        }
    }

    /// Processes one delivery, without the units that the database refused. It was in a batch before, so that its project is
    /// known; if not any more, it has the rules of a new one, and will be refused again.
    pub(crate) async fn prepare_single(
        &self,
        delivery: &Delivery,
        refused: Vec<usize>,
    ) -> Result<Single, StoreError> {
        let (delivery, bench, book) = (delivery.clone(), Arc::clone(&self.bench), self.book());
        let position = delivery.position;
        let job = move || {
            let mut suspects = Vec::new();
            let mut part = Part::default();
            let find = |project| book.find(project).cloned().unwrap_or_default();
            part.add(&delivery, &refused, |request, refused| {
                let rules = find(request.head.project_id);
                let processed = process_guarded(request, &bench.tools(&rules), refused)?;
                suspects = suspects_of(&processed.units);
                Ok::<_, StoreError>(processed)
            })?;
            Ok::<_, StoreError>((part, suspects))
        };
        let (mut part, suspects) = self.pool.run(job).await?;
        Ok(Single {
            batch: self.with_cursor(part.batch, position),
            aside: part.aside.pop(),
            suspects,
        })
    }

    fn with_cursor(&self, batch: Batch, position: u64) -> Batch {
        let cursor = QueueCursor {
            queue_id: self.queue_id.clone(),
            position,
        };
        Batch {
            cursor: Some(cursor),
            ..batch
        }
    }
}

fn suspects_of(units: &[Unit]) -> Vec<Suspect> {
    let suspect = |(unit, Unit { ending, .. }): (usize, &Unit)| match ending {
        Ending::Kept(kept) => Some(Suspect {
            unit,
            has_events: !kept.events.is_empty(),
            has_attachments: !kept.attachments.is_empty(),
            has_feedback: !kept.feedback.is_empty(),
            has_transactions: !kept.transactions.is_empty(),
        }),
        _ => None,
    };
    let suspects = units.iter().enumerate().filter_map(suspect);
    let has_rows = |suspect: &Suspect| {
        suspect.has_events
            || suspect.has_attachments
            || suspect.has_feedback
            || suspect.has_transactions
    };
    suspects.filter(has_rows).collect()
}

/// What one thread made of its share.
#[derive(Debug, Default)]
struct Part {
    batch: Batch,
    aside: Vec<Aside>,
    /// How many of the deliveries are processed.
    done: usize,
    decoded_bytes: usize,
    /// The grouping hashes of the events.
    hashes: HashSet<(ProjectId, [u8; 32])>,
    blocked: Option<Hold>,
}

impl Part {
    fn process(deliveries: &[Delivery], bench: &Bench, book: &RuleBook) -> Self {
        let mut part = Self::default();
        for delivery in deliveries {
            if part.decoded_bytes > PART_DECODED_BYTES {
                break;
            }
            let added = part.add(delivery, &[], |request, refused| {
                let project = request.head.project_id;
                let rules = book.find(project).ok_or(Hold::NewProject(project))?;
                process_guarded(request, &bench.tools(rules), refused).map_err(Hold::Storage)
            });
            if let Err(hold) = added {
                part.blocked = Some(hold);
                break;
            }
        }
        part
    }

    /// Adds what one delivery comes to.
    fn add<E>(
        &mut self,
        delivery: &Delivery,
        refused: &[usize],
        process: impl FnOnce(&QueuedRequest, &[usize]) -> Result<Processed, E>,
    ) -> Result<(), E> {
        match Entry::from_bytes(&delivery.data) {
            Some(Entry::Request(request)) => {
                let mut processed = process(&request, refused)?;
                self.decoded_bytes += processed.decoded_bytes;
                let aside = processed.aside.take();
                self.aside
                    .extend(aside.map(|part| Aside::Part(delivery.position, part)));
                let first = self.batch.events.len();
                processed.settle(&request.head, &mut self.batch);
                self.forget_known_values(first);
            }
            Some(Entry::Tally(tally)) => {
                self.batch.outcomes.extend(tally.outcomes);
                self.batch.rejections.extend(tally.rejections);
            }
            None => self.aside.push(Aside::Whole(delivery.clone())),
        }
        self.done += 1;
        Ok(())
    }

    /// The values that a hash was made of are stored once: those of further events are as large as the events themselves.
    fn forget_known_values(&mut self, first: usize) {
        for event in &mut self.batch.events[first..] {
            for hash in &mut event.hashes {
                if !self.hashes.insert((event.project_id, hash.hash)) {
                    hash.leaf_values = "[]".to_owned();
                }
            }
        }
    }

    fn append(&mut self, other: Self) {
        self.batch.events.extend(other.batch.events);
        self.batch.attachments.extend(other.batch.attachments);
        self.batch.feedback.extend(other.batch.feedback);
        self.batch.outcomes.extend(other.batch.outcomes);
        self.batch.intake.extend(other.batch.intake);
        self.batch.rejections.extend(other.batch.rejections);
        self.batch.transactions.extend(other.batch.transactions);
        self.batch.rule_hits.extend(other.batch.rule_hits);
        self.aside.extend(other.aside);
        self.blocked = self.blocked.take().or(other.blocked);
    }
}

/// Items are guarded one by one; what panics around them costs the whole request.
fn process_guarded(
    request: &QueuedRequest,
    tools: &Tools<'_>,
    refused: &[usize],
) -> Result<Processed, StoreError> {
    catch_unwind(AssertUnwindSafe(|| process(request, tools, refused)))
        .unwrap_or_else(|_| Ok(unreadable(request)))
}
