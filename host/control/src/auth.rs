//! Who asks. Tokens are opaque: `waft_` and 256 random bits; the store holds their digests only.
//!
//! A [`Session`] is made by [`Control::authenticate`] alone, and every use-case takes one, so nothing can be asked without it.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clock::{Clock, Rng};
use lru::LruCache;
use model::limits::auth::{SESSION_FRESH_MS, SESSIONS_KEPT};
use model::{Digest, TenantId, TenantScope};
use store::{AuthStore, NewToken};

use crate::{Code, Control, Error};

/// What tokens begin with, for secret scanners.
pub const TOKEN_PREFIX: &str = "waft_";
const TOKEN_BYTES: usize = 32;
/// A text that is longer is no token.
const TOKEN_MAX_BYTES: usize = 128;

/// Somebody who has shown a valid token.
#[derive(Debug, Clone)]
pub struct Session {
    scope: TenantScope,
    name: Arc<str>,
    token: Digest,
}

impl Session {
    /// The tenant for which the session acts.
    pub fn scope(&self) -> TenantScope {
        self.scope
    }

    /// The name of the token, for the log and for rows that record who did it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The digest of the token, by which one is told from another.
    pub fn token(&self) -> Digest {
        self.token
    }
}

/// A token in clear text. It is shown once, to whoever is to hold it.
pub struct Secret(String);

impl Secret {
    /// The text. Write it to a file that only its owner can read.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn random(rng: &dyn Rng) -> Self {
        let mut bytes = [0; TOKEN_BYTES];
        rng.fill(&mut bytes);
        Self(format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Makes the first token of a server, unless `kept` (what the token file holds) is one of its tokens already.
pub async fn ensure_admin_token(
    auth: &dyn AuthStore,
    clock: &dyn Clock,
    rng: &dyn Rng,
    kept: Option<&str>,
) -> Result<Option<Secret>, Error> {
    if let Some(kept) = kept
        && auth.token_find(Digest::of(kept.trim().as_bytes())).await?.is_some()
    {
        return Ok(None);
    }
    let secret = Secret::random(rng);
    let token = NewToken {
        tenant: TenantId::DEFAULT,
        digest: Digest::of(secret.expose().as_bytes()),
        name: "admin".to_owned(),
        created_at: clock.now(),
        expires_at: None,
    };
    auth.token_insert(token).await?;
    Ok(Some(secret))
}

/// Sessions of tokens that were seen a moment ago, so that a busy client costs no read of the database for each request. A token
/// that is revoked is refused as soon as its entry is no longer fresh.
pub(crate) struct Sessions(Mutex<LruCache<Digest, (Session, Duration)>>);

impl Sessions {
    pub(crate) fn new() -> Self {
        const KEPT: NonZeroUsize = NonZeroUsize::new(SESSIONS_KEPT).expect("more than none");
        Self(Mutex::new(LruCache::new(KEPT)))
    }

    fn find(&self, digest: Digest, now: Duration) -> Option<Session> {
        let mut kept = self.0.lock().expect("no panic while the lock is held");
        let (session, since) = kept.get(&digest)?;
        (now.saturating_sub(*since) < Duration::from_millis(SESSION_FRESH_MS)).then(|| session.clone())
    }

    fn keep(&self, digest: Digest, session: Session, now: Duration) {
        self.0.lock().expect("no panic while the lock is held").put(digest, (session, now));
    }
}

impl Control {
    /// The session of a token.
    pub async fn authenticate(&self, token: &str) -> Result<Session, Error> {
        let refused = || {
            Error::new(Code::Unauthenticated, "the token is not known here, or has expired")
                .hint("send \"Authorization: Bearer TOKEN\"; the server's first token is in the file admin.token of its data folder")
        };
        if !token.starts_with(TOKEN_PREFIX) || token.len() > TOKEN_MAX_BYTES {
            return Err(refused());
        }
        let digest = Digest::of(token.as_bytes());
        let monotonic = self.clock.monotonic();
        if let Some(session) = self.sessions.find(digest, monotonic) {
            return Ok(session);
        }
        let row = self.auth.token_find(digest).await?.ok_or_else(refused)?;
        if row.expires_at.is_some_and(|at| at <= self.clock.now()) {
            return Err(refused());
        }
        let session = Session { scope: TenantScope::assume(row.tenant), name: row.name.into(), token: digest };
        self.sessions.keep(digest, session.clone(), monotonic);
        Ok(session)
    }
}
