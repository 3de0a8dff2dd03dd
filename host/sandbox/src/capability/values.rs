//! `values`: long lists, read from the host in pages.

use model::limits::value::SEQUENCE_PAGE_MAX_VALUES;
use wasmtime::component::Resource;

use super::unexpected;
use crate::SequenceRef;
use crate::bindings::waft::task::types::Error;
use crate::bindings::waft::task::values::{Host, HostSequence};
use crate::child::Guest;
use crate::host::{HostRequest, HostValue};

/// An open sequence of the guest.
#[expect(unreachable_pub, reason = "the generated bindings export it again")]
pub struct Sequence {
    of: SequenceRef,
    cursor: u64,
}

impl Host for Guest {
    fn open(&mut self, id: u64) -> wasmtime::Result<Result<Resource<Sequence>, Error>> {
        let Some(of) = self.sequences.iter().find(|sequence| sequence.id == id) else {
            return Ok(Err(Error::Denied(format!("the arguments hold no sequence {id}"))));
        };
        let sequence = Sequence { of: *of, cursor: 0 };
        Ok(Ok(self.table.push(sequence)?))
    }
}

impl HostSequence for Guest {
    fn len(&mut self, sequence: Resource<Sequence>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&sequence)?.of.len)
    }

    async fn get(
        &mut self,
        sequence: Resource<Sequence>,
        position: u64,
    ) -> wasmtime::Result<Result<Option<String>, Error>> {
        let of = self.table.get(&sequence)?.of;
        if position >= of.len {
            return Ok(Ok(None));
        }
        Ok(match self.call_host(HostRequest::SequenceGet { sequence: of.id, position }).await {
            Ok(HostValue::Json(value)) => Ok(value),
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error.into()),
        })
    }

    async fn next(&mut self, sequence: Resource<Sequence>, max: u32) -> wasmtime::Result<Result<Vec<String>, Error>> {
        let &Sequence { of, cursor } = self.table.get(&sequence)?;
        let max = max.min(SEQUENCE_PAGE_MAX_VALUES);
        if max == 0 || cursor >= of.len {
            return Ok(Ok(Vec::new()));
        }
        Ok(match self.call_host(HostRequest::SequencePage { sequence: of.id, offset: cursor, max }).await {
            Ok(HostValue::Page(page)) => {
                self.table.get_mut(&sequence)?.cursor = cursor.saturating_add(page.len() as u64);
                Ok(page)
            }
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error.into()),
        })
    }

    fn rewind(&mut self, sequence: Resource<Sequence>) -> wasmtime::Result<()> {
        self.table.get_mut(&sequence)?.cursor = 0;
        Ok(())
    }

    async fn drop(&mut self, sequence: Resource<Sequence>) -> wasmtime::Result<()> {
        self.table.delete(sequence)?;
        Ok(())
    }
}
