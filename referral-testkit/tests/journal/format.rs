//! How the journal writes changes as bytes.

use referral_core::store::{Bounds, Change, Kind, Record, RecordId, Value, Version, bytes};

/// The first frame and what is behind it.
pub(crate) fn cut(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.split_at_checked(u64::from_be_bytes(*length) as usize)
}

pub(crate) fn frame(buffer: &mut Vec<u8>, changes: &[Change]) {
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

/// Reads one value after another, until there is no whole one.
struct Values<'a>(&'a [u8]);

impl Values<'_> {
    fn bytes(&mut self, length: usize) -> Option<&[u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn number(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.bytes(8)?.try_into().ok()?))
    }

    fn value(&mut self) -> Option<Value> {
        match self.bytes(1)? {
            [0] => Some(Value::Null),
            [1] => self.number().map(Value::Int),
            [2] => uuid::Uuid::from_slice(self.bytes(16)?).ok().map(Value::Uuid),
            _ => {
                let length = self.number()? as usize;
                Some(Value::Text(String::from_utf8(self.bytes(length)?.to_vec()).ok()?.into()))
            }
        }
    }

    fn int(&mut self) -> Option<i64> {
        if let Value::Int(number) = self.value()? { Some(number) } else { None }
    }

    fn text(&mut self) -> Option<String> {
        if let Value::Text(text) = self.value()? { Some(text.into_owned()) } else { None }
    }

    fn uuid(&mut self) -> Option<uuid::Uuid> {
        if let Value::Uuid(uuid) = self.value()? { Some(uuid) } else { None }
    }

    fn version(&mut self) -> Option<Version> {
        self.int().map(Version::new)
    }

    fn kind(&mut self) -> Option<Kind> {
        Kind::from_code(self.int()? as u8)
    }

    fn record(&mut self) -> Option<Record> {
        let kind = self.kind()?;
        let values = kind.columns().iter().map(|_| self.value()).collect::<Option<_>>()?;
        Record::from_values(kind, values).ok()
    }

    fn patch(&mut self) -> Option<Change> {
        let (kind, records, columns) = (self.kind()?, self.int()?, self.int()?);
        let of = (0..records).map(|_| Some((self.uuid()?, self.version()?))).collect::<Option<_>>()?;
        let set = (0..columns).map(|_| {
            let position = kind.position(&self.text()?)?;
            Some((kind.columns()[position].name, self.value()?))
        });
        Some(Change::Patch { kind, set: set.collect::<Option<_>>()?, of })
    }

    fn change(&mut self) -> Option<Change> {
        Some(match self.int()? {
            1 => Change::Insert(self.record()?),
            2 => Change::Update { record: self.record()?, was: self.version()? },
            3 => {
                let id = RecordId { kind: self.kind()?, uuid: self.uuid()? };
                Change::Delete { id, was: self.version()? }
            }
            4 => self.patch()?,
            _ => {
                let key = self.text()?;
                let byte = |at| u8::from_str_radix(&key[at..at + 2], 16).expect("a byte");
                let key: Vec<u8> = (0..key.len()).step_by(2).map(byte).collect();
                let (counter, add) = (bytes::read_counter(&key)?, self.int()?);
                if counter.family.is_counted() {
                    Change::Count { counter, add, within: Bounds::ANY }
                } else {
                    Change::Tally { counter, add }
                }
            }
        })
    }
}

/// The whole changes at the beginning of these bytes.
pub(crate) fn decode(frame: &[u8]) -> Vec<Change> {
    let mut values = Values(frame);
    std::iter::from_fn(|| values.change()).collect()
}
