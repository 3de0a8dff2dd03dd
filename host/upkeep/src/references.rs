//! All blobs that something refers to: what rows name, and what the large values name that stand in blobs themselves.

use blobs::Stock;
use model::json::blob_markers;
use model::limits::json::TEXT_MAX_BYTES;
use model::{Digest, TenantScope};
use store::{RefCursor, RetentionStore};

use crate::BackupError;

/// Rows of one page.
const PAGE: u32 = 1_000;

/// Reads all references page by page, one blob perhaps often.
pub(crate) struct References<'a> {
    rows: &'a dyn RetentionStore,
    stock: &'a Stock,
    /// Those that are not begun.
    tenants: std::vec::IntoIter<TenantScope>,
    next: Option<(TenantScope, RefCursor)>,
}

impl<'a> References<'a> {
    pub(crate) async fn begin(rows: &'a dyn RetentionStore, stock: &'a Stock) -> Result<Self, BackupError> {
        let tenants = rows.tenant_list().await?.into_iter();
        Ok(Self { rows, stock, tenants, next: None })
    }

    /// Some blobs that a tenant refers to, perhaps none; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<(TenantScope, Vec<Digest>)>, BackupError> {
        let next = self.next.take().or_else(|| Some((self.tenants.next()?, RefCursor::START)));
        let Some((scope, from)) = next else { return Ok(None) };
        let page = self.rows.blob_refs(scope, from, PAGE).await?;
        self.next = page.next.map(|next| (scope, next));
        let mut found = page.named;
        for value in page.values {
            found.extend(within(self.stock, scope, value).await?);
        }
        Ok(Some((scope, found)))
    }
}

/// What a large value names; nothing where it is missing, which whoever looks for it notices.
async fn within(stock: &Stock, scope: TenantScope, value: Digest) -> Result<Vec<Digest>, BackupError> {
    let Some(found) = stock.find(scope, value).await?.filter(|found| found.size_bytes <= TEXT_MAX_BYTES as u64) else {
        return Ok(Vec::new());
    };
    let Some(bytes) = stock.read(found.name).await? else { return Ok(Vec::new()) };
    let text = String::from_utf8_lossy(&bytes);
    Ok(blob_markers(&text).into_iter().map(|blob| blob.digest).collect())
}
