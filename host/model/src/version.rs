//! What makes a version of a DAG: the digest of everything that decides how it runs.

use crate::digest::{Digest, Hasher};

/// Names the framing; another way to compute a version digest gets another name.
const DOMAIN: &str = "waft.version/v1";

/// The digest of a version: of all components and files that the DAG names, of its canonical document and of its label.
/// The order of `components` and repetitions in it change nothing; everything else does.
pub fn version_digest(components: &[Digest], canonical_document: &[u8], label: Option<&str>) -> Digest {
    let mut components = components.to_vec();
    components.sort_unstable();
    components.dedup();

    let mut parts = Parts::new(DOMAIN);
    for component in &components {
        parts.add("component", component.bytes());
    }
    parts.add("dag", canonical_document);
    if let Some(label) = label {
        parts.add("label", label.as_bytes());
    }
    parts.finish()
}

/// Hashes tagged parts. Each tag and each part is preceded by its length, so that no two lists of parts hash the same bytes.
struct Parts(Hasher);

impl Parts {
    fn new(domain: &str) -> Self {
        let mut parts = Self(Hasher::default());
        parts.frame(domain.as_bytes());
        parts
    }

    fn add(&mut self, tag: &str, bytes: &[u8]) {
        self.frame(tag.as_bytes());
        self.frame(bytes);
    }

    fn frame(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn finish(self) -> Digest {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Input = (Vec<Digest>, Vec<u8>, Option<String>);

    fn input() -> impl Strategy<Value = Input> {
        let digest = (0_u8..4).prop_map(|byte| Digest::from_bytes([byte; 32]));
        (prop::collection::vec(digest, 0..4), prop::collection::vec(any::<u8>(), 0..40), prop::option::of("[a-z]{0,3}"))
    }

    fn digest_of((components, document, label): &Input) -> Digest {
        version_digest(components, document, label.as_deref())
    }

    fn normal((components, document, label): &Input) -> Input {
        let mut components = components.clone();
        components.sort();
        components.dedup();
        (components, document.clone(), label.clone())
    }

    proptest! {
        #[test]
        fn hash_framing(a in input(), b in input()) {
            prop_assert_eq!(digest_of(&a) == digest_of(&b), normal(&a) == normal(&b));
        }
    }

    #[test]
    fn bytes_cannot_move_from_one_part_to_the_next() {
        let component = Digest::of(b"component");
        let plain = version_digest(&[component], b"{}label", None);
        assert_ne!(plain, version_digest(&[component], b"{}", Some("")));
        assert_ne!(version_digest(&[], component.bytes(), None), version_digest(&[component], b"", None));
        assert_ne!(version_digest(&[], b"{}", None), version_digest(&[], b"{}", Some("")));
    }

    #[test]
    fn the_digest_of_a_version_never_changes() {
        let digest = version_digest(&[Digest::of(b"component")], br#"{"dag_id":"a"}"#, Some("1.0"));
        assert_eq!(digest.to_string(), "sha256:2af42cc96c677b3627a3fb87ab11a56083abf1d926d8571c84be020726928a93");
    }
}
