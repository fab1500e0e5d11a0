//! The reference store behind a file to which everything is appended before it is acknowledged.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use referral_core::memory::MemoryStore;
use referral_core::store::{
    Bounds, Change, Changeset, CounterKey, CounterPrefix, CounterRange, Index, Kind, Outcome, Prefix, Range,
    Read, Record, RecordId, Store, StoreError, StoreFacts, UniqueKey, Value, Version, bytes,
};
use referral_testkit::async_trait;
use tokio::sync::Mutex;

/// How it writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Habit {
    /// All of a changeset, and then the answer.
    Honest,
    /// The answer, and sometimes what it had in memory.
    Buffered,
    /// One change after another.
    Piecemeal,
}

#[derive(Debug)]
pub(crate) struct Journal {
    memory: MemoryStore,
    file: Mutex<(File, Vec<u8>)>,
    habit: Habit,
}

impl Journal {
    pub(crate) async fn open(folder: &Path, habit: Habit) -> Self {
        let path = folder.join("journal");
        let written = std::fs::read(&path).unwrap_or_default();
        let memory = MemoryStore::new();
        let mut rest = written.as_slice();
        while let Some((frame, left)) = cut(rest) {
            let changeset = Changeset::new(decode(frame));
            let answers = memory.commit(&[changeset]).await;
            assert!(matches!(answers.as_slice(), [Ok(Outcome::Applied)]), "the journal replays: {answers:?}");
            rest = left;
        }
        // What a kill left behind the last whole frame goes, so that new frames follow whole ones.
        let whole = (written.len() - rest.len()) as u64;
        let file = OpenOptions::new().create(true).append(true).open(&path).expect("the journal");
        file.set_len(whole).expect("the journal");
        Self { memory, file: Mutex::new((file, Vec::new())), habit }
    }

    fn write(&self, (file, buffer): &mut (File, Vec<u8>), changeset: &Changeset) {
        match self.habit {
            Habit::Honest => frame(buffer, changeset.changes()),
            Habit::Buffered => {
                frame(buffer, changeset.changes());
                if buffer.len() < 1 << 20 {
                    return;
                }
            }
            Habit::Piecemeal => {
                // A number stays with the record before it: without a witness it would not replay.
                let number = |change: &Change| matches!(change, Change::Count { .. } | Change::Tally { .. });
                for piece in changeset.changes().chunk_by(|_, next| number(next)) {
                    frame(buffer, piece);
                    file.write_all(buffer).expect("the journal");
                    file.sync_data().expect("the journal");
                    buffer.clear();
                }
                return;
            }
        }
        file.write_all(buffer).expect("the journal");
        file.sync_data().expect("the journal");
        buffer.clear();
    }
}

/// The first frame and what is behind it.
fn cut(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.split_at_checked(u64::from_be_bytes(*length) as usize)
}

fn frame(buffer: &mut Vec<u8>, changes: &[Change]) {
    let mut values = Vec::new();
    changes.iter().for_each(|change| flat(&mut values, change));
    let mut frame = Vec::new();
    values.iter().for_each(|value| encode(&mut frame, value));
    buffer.extend_from_slice(&(frame.len() as u64).to_be_bytes());
    buffer.extend_from_slice(&frame);
}

fn flat(out: &mut Vec<Value>, change: &Change) {
    let int = |number: usize| Value::Int(number as i64);
    match change {
        Change::Insert(record) => {
            out.extend([int(1), int(record.id().kind as usize)]);
            out.extend(record.values());
        }
        Change::Update { record, was } => {
            out.extend([int(2), int(record.id().kind as usize)]);
            out.extend(record.values());
            out.push(Value::Int(was.get()));
        }
        Change::Delete { id, was } => {
            out.extend([int(3), int(id.kind as usize), Value::Uuid(id.uuid), Value::Int(was.get())]);
        }
        Change::Expect { .. } => {}
        Change::Patch { kind, of, set } => {
            out.extend([int(4), int(*kind as usize), int(of.len()), int(set.len())]);
            out.extend(of.iter().flat_map(|(uuid, was)| [Value::Uuid(*uuid), Value::Int(was.get())]));
            out.extend(set.iter().flat_map(|(name, value)| [Value::Text((*name).into()), value.clone()]));
        }
        Change::Count { counter, add, .. } | Change::Tally { counter, add } => {
            let key: String = bytes::counter(counter).iter().map(|byte| format!("{byte:02x}")).collect();
            out.extend([int(5), Value::Text(key.into()), Value::Int(*add)]);
        }
    }
}

fn encode(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(0),
        Value::Int(number) => {
            out.push(1);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Uuid(uuid) => {
            out.push(2);
            out.extend_from_slice(uuid.as_bytes());
        }
        Value::Text(text) => {
            out.push(3);
            out.extend_from_slice(&(text.len() as u64).to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// Reads one value after another.
struct Values<'a>(&'a [u8]);

impl Values<'_> {
    fn bytes(&mut self, length: usize) -> &[u8] {
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }

    fn number(&mut self) -> i64 {
        i64::from_be_bytes(self.bytes(8).try_into().expect("eight bytes"))
    }

    fn value(&mut self) -> Value {
        match self.bytes(1) {
            [0] => Value::Null,
            [1] => Value::Int(self.number()),
            [2] => Value::Uuid(uuid::Uuid::from_slice(self.bytes(16)).expect("an id")),
            [3] => {
                let length = self.number() as usize;
                Value::Text(String::from_utf8(self.bytes(length).to_vec()).expect("text").into())
            }
            other => panic!("no value begins so: {other:?}"),
        }
    }

    fn int(&mut self) -> i64 {
        if let Value::Int(number) = self.value() { number } else { panic!("a number") }
    }

    fn text(&mut self) -> String {
        if let Value::Text(text) = self.value() { text.into_owned() } else { panic!("a text") }
    }

    fn uuid(&mut self) -> uuid::Uuid {
        if let Value::Uuid(uuid) = self.value() { uuid } else { panic!("an id") }
    }

    fn kind(&mut self) -> Kind {
        let code = self.int();
        *Kind::ALL.iter().find(|kind| **kind as i64 == code).expect("a kind")
    }

    fn record(&mut self) -> Record {
        let kind = self.kind();
        let values = kind.columns().iter().map(|_| self.value()).collect();
        Record::from_values(kind, values).expect("a record")
    }
}

fn decode(frame: &[u8]) -> Vec<Change> {
    let mut values = Values(frame);
    let mut changes = Vec::new();
    while !values.0.is_empty() {
        changes.push(match values.int() {
            1 => Change::Insert(values.record()),
            2 => Change::Update { record: values.record(), was: Version::new(values.int()) },
            3 => Change::Delete {
                id: RecordId { kind: values.kind(), uuid: values.uuid() },
                was: Version::new(values.int()),
            },
            4 => {
                let (kind, records, columns) = (values.kind(), values.int(), values.int());
                let of = (0..records).map(|_| (values.uuid(), Version::new(values.int()))).collect();
                let set = (0..columns).map(|_| {
                    let position = kind.position(&values.text()).expect("a column");
                    (kind.columns()[position].name, values.value())
                });
                Change::Patch { kind, set: set.collect(), of }
            }
            _ => {
                let key = values.text();
                let byte = |at| u8::from_str_radix(&key[at..at + 2], 16).expect("a byte");
                let key: Vec<u8> = (0..key.len()).step_by(2).map(byte).collect();
                let counter = bytes::read_counter(&key).expect("a counter");
                let add = values.int();
                if counter.family.is_counted() {
                    Change::Count { counter, add, within: Bounds::ANY }
                } else {
                    Change::Tally { counter, add }
                }
            }
        });
    }
    changes
}

#[async_trait]
impl Read for Journal {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        self.memory.get(ids).await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        self.memory.find(keys).await
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        self.memory.page(index, prefix, range, limit).await
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        self.memory.counters(prefix, range).await
    }
}

#[async_trait]
impl Store for Journal {
    fn facts(&self) -> StoreFacts {
        StoreFacts { name: "journal", durable: true, shared: false, batch: 64 }
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let mut file = self.file.lock().await;
        // The reference store never waits, so from here on the call is in one piece.
        let answers = self.memory.commit(batch).await;
        for (changeset, answer) in batch.iter().zip(&answers) {
            if matches!(answer, Ok(Outcome::Applied)) {
                self.write(&mut file, changeset);
            }
        }
        answers
    }
}
