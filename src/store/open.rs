//! What is open, in memory: of each open workflow, exception, clock, item to bill and held object the few columns that lists are
//! narrowed and ordered by and that pages count. Read once at the start, then kept by the batches that are written, so that a
//! page asks the database for the rows that it shows and for nothing else. What is closed is history and is asked of the
//! database; so is everything until this is read, and by a store that nobody told to keep it.

mod bills;
mod cases;
mod clocks;
mod facets;
mod flows;
mod held;
mod money;
mod table;
mod words;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use rustc_hash::FxBuildHasher;

use super::rows::Batch;
use super::{Store, StoreError};
use words::Words;

pub(super) use bills::KEPT as UNSETTLED;

/// What names a row whose root is `kind/id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub kind: String,
    pub id: String,
    pub also: String,
}

#[derive(Default)]
pub(super) struct Open {
    tenants: RwLock<HashMap<String, Arc<RwLock<Tenant>>>>,
    /// Whether all that is open was read: before, nobody is answered from here.
    read: AtomicBool,
    /// What was written while it is being read; None while nobody reads.
    meanwhile: Mutex<Option<Vec<Batch>>>,
}

#[derive(Default)]
pub(super) struct Tenant {
    pub words: Words,
    pub flows: flows::Flows,
    pub cases: cases::Cases,
    pub clocks: clocks::Clocks,
    pub bills: bills::Bills,
    pub held: held::Held,
}

impl Open {
    /// What is open of a tenant, as soon as it is known.
    fn of(&self, tenant: &str) -> Option<Arc<RwLock<Tenant>>> {
        self.read.load(Ordering::Acquire).then(|| self.tenant(tenant))
    }

    fn tenant(&self, name: &str) -> Arc<RwLock<Tenant>> {
        if let Some(known) = self.tenants.read().get(name) {
            return Arc::clone(known);
        }
        Arc::clone(self.tenants.write().entry(name.to_owned()).or_default())
    }

    /// Takes in a batch that is stored.
    pub fn note(&self, batch: &Batch) {
        if !self.read.load(Ordering::Acquire) {
            let mut meanwhile = self.meanwhile.lock();
            if !self.read.load(Ordering::Acquire) {
                if let Some(batches) = &mut *meanwhile {
                    batches.push(kept_of(batch));
                }
                return;
            }
        }
        self.take_in(batch);
    }

    fn take_in(&self, batch: &Batch) {
        each(
            &batch.workflows,
            |row| &row.tenant,
            |name, rows| {
                let tenant = self.tenant(name);
                let Tenant { words, flows, .. } = &mut *tenant.write();
                rows.iter().for_each(|row| flows.note(words, &row.into(), row.closed));
            },
        );
        each(
            &batch.exceptions,
            |row| &row.tenant,
            |name, rows| {
                let tenant = self.tenant(name);
                let Tenant { words, cases, .. } = &mut *tenant.write();
                rows.iter().for_each(|row| cases.note(words, &row.into(), row.closed));
            },
        );
        each(
            &batch.slas,
            |row| &row.tenant,
            |name, rows| {
                let tenant = self.tenant(name);
                let Tenant { words, clocks, .. } = &mut *tenant.write();
                rows.iter().for_each(|row| clocks.note(words, &row.into(), !row.open));
            },
        );
        each(
            &batch.readiness,
            |row| &row.tenant,
            |name, rows| {
                let tenant = self.tenant(name);
                let Tenant { words, bills, .. } = &mut *tenant.write();
                rows.iter().for_each(|row| bills.note(words, &row.into(), !UNSETTLED.contains(&row.state.as_str())));
            },
        );
        each(
            &batch.objects,
            |row| &row.tenant,
            |name, rows| {
                let tenant = self.tenant(name);
                let Tenant { words, held, .. } = &mut *tenant.write();
                rows.iter().for_each(|row| held.note(words, &row.into(), !row.held));
            },
        );
    }
}

/// What of a batch is kept.
fn kept_of(batch: &Batch) -> Batch {
    Batch {
        workflows: batch.workflows.clone(),
        exceptions: batch.exceptions.clone(),
        slas: batch.slas.clone(),
        readiness: batch.readiness.clone(),
        objects: batch.objects.clone(),
        ..Batch::default()
    }
}

/// Rows of the same tenant stand together: calls once for each stretch of them.
fn each<R>(rows: &[R], tenant: impl Fn(&R) -> &String, mut with: impl FnMut(&str, &[R])) {
    for rows in rows.chunk_by(|a, b| tenant(a) == tenant(b)) {
        if let Some(first) = rows.first() {
            with(tenant(first), rows);
        }
    }
}

/// Rows of a page in the order in which they were found. None where one of them is no longer what was found: a batch is
/// being written that is not taken in here yet. Then the database is asked for the list.
pub(super) fn in_order<R, N: PartialEq>(
    rows: Vec<R>,
    names: &[N],
    name: impl Fn(&R) -> N,
    fits: impl Fn(&R) -> bool,
) -> Option<Vec<R>> {
    let mut rows: Vec<Option<R>> = rows.into_iter().map(Some).collect();
    let mut take =
        |wanted: &N| rows.iter_mut().find(|row| row.as_ref().is_some_and(|row| name(row) == *wanted))?.take();
    names.iter().map(|wanted| take(wanted).filter(|row| fits(row))).collect()
}

/// A limit of rows in memory.
pub(super) fn page(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn hash(names: impl Hash) -> u64 {
    FxBuildHasher.hash_one(names)
}

impl Store {
    /// Reads what is open and keeps it from now on. To be called before anything is written, though it may be awaited later;
    /// again after an error.
    pub fn keep_open(&self) -> impl Future<Output = Result<[usize; 5], StoreError>> + Send + use<> {
        self.open.meanwhile.lock().get_or_insert_default();
        let store = self.clone();
        async move { store.read_open().await }
    }

    async fn read_open(&self) -> Result<[usize; 5], StoreError> {
        let mut tenants: HashMap<String, Tenant> = HashMap::new();
        macro_rules! read_in {
            ($query:expr, $seen:ty, |$tenant:ident, $row:ident| $note:expr) => {{
                let mut rows = $query.fetch::<$seen>()?;
                while let Some(found) = rows.next().await? {
                    if !tenants.contains_key(found.tenant) {
                        tenants.insert(found.tenant.to_owned(), Tenant::default());
                    }
                    if let Some($tenant) = tenants.get_mut(found.tenant) {
                        let $row = &found;
                        $note;
                    }
                }
            }};
        }
        let told = clocks::Told::now();
        read_in!(self.writer.query_raw(read!("kept_workflows")), flows::Seen<'_>, |tenant, row| tenant.flows.note(
            &mut tenant.words,
            row,
            false
        ));
        read_in!(self.writer.query_raw(read!("kept_exceptions")), cases::Seen<'_>, |tenant, row| tenant.cases.note(
            &mut tenant.words,
            row,
            false
        ));
        read_in!(self.writer.query_raw(read!("kept_slas")), clocks::Seen<'_>, |tenant, row| tenant.clocks.note(
            &mut tenant.words,
            row,
            false
        ));
        read_in!(
            self.writer
                .query_raw(read!("kept_slas_ended"))
                .param("since_ms", told.since_ms)
                .param("today_ms", told.today_ms),
            clocks::Seen<'_>,
            |tenant, row| tenant.clocks.note_ended(&mut tenant.words, row)
        );
        read_in!(self.writer.query_raw(read!("kept_readiness")), bills::Seen<'_>, |tenant, row| tenant.bills.note(
            &mut tenant.words,
            row,
            false
        ));
        read_in!(self.writer.query_raw(read!("kept_held")), held::Seen<'_>, |tenant, row| tenant.held.note(
            &mut tenant.words,
            row,
            false
        ));
        let sizes = |t: &Tenant| [t.flows.len(), t.cases.len(), t.clocks.len(), t.bills.len(), t.held.len()];
        let found = tenants.values().map(sizes).fold([0; 5], |sum, more| std::array::from_fn(|at| sum[at] + more[at]));
        let tenants = tenants.into_iter().map(|(name, tenant)| (name, Arc::new(RwLock::new(tenant))));
        *self.open.tenants.write() = tenants.collect();
        let mut meanwhile = self.open.meanwhile.lock();
        for batch in meanwhile.take().unwrap_or_default() {
            self.open.take_in(&batch);
        }
        self.open.read.store(true, Ordering::Release);
        drop(meanwhile);
        Ok(found)
    }

    /// What is open of a tenant answers, on a thread of its own: a million rows take some milliseconds. None where it is not
    /// kept.
    pub(super) async fn ask_open<T: Send + 'static>(
        &self,
        tenant: &str,
        question: impl FnOnce(&Tenant) -> T + Send + 'static,
    ) -> Option<T> {
        // What was frozen lies in the store.
        if self.frozen_ms.is_some() {
            return None;
        }
        let tenant = self.open.of(tenant)?;
        tokio::task::spawn_blocking(move || question(&tenant.read())).await.ok()
    }
}
