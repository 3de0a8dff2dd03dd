//! Where instances stand, for those who find their values and items.

use std::sync::Arc;

use model::place::{Level, Place, Span};
use model::{NodeIdx, ScopeIdx};

use super::RunMachine;
use crate::Ready;

impl RunMachine {
    /// Where instances stand that [`Self::take_ready`] has given out, in the same order. Those of one task come one after the other, and
    /// share what they have in common.
    pub fn places(&self, ready: &[Ready]) -> Vec<Place> {
        let mut shared: Option<(NodeIdx, Option<Arc<[Span]>>)> = None;
        let place = |ready: &Ready| {
            let node = self.node(ready.node);
            let slot = node.slot(ready.map_index).unwrap_or_default();
            let spans = match &shared {
                Some((of, spans)) if *of == ready.node => spans.clone(),
                _ => {
                    let (spans, is_same_for_all) = self.spans(ready.node, slot);
                    if is_same_for_all {
                        shared = Some((ready.node, spans.clone()));
                    }
                    spans
                }
            };
            Place::new(self.levels_of(node.scope, slot), spans)
        };
        ready.iter().map(place).collect()
    }

    fn levels_of(&self, mut scope: ScopeIdx, mut context: u32) -> impl Iterator<Item = Level> + use<> {
        let mut levels = Vec::new();
        while scope != ScopeIdx::RUN {
            let contexts = self.tree.of(scope);
            levels.push(Level { context, position: contexts.position(context).unwrap_or_default() });
            context = contexts.parent(context);
            scope = self.tree.parent(scope);
        }
        levels.into_iter().rev()
    }

    /// The instances of each upstream task of which there are several in the innermost context that the task and it are both in; and
    /// whether they are the same for all instances of the task.
    fn spans(&self, idx: NodeIdx, slot: u32) -> (Option<Arc<[Span]>>, bool) {
        let scope = self.node(idx).scope;
        let mut is_same_for_all = true;
        let mut spans = Vec::new();
        for upstream in &self.dag.node(idx).upstream {
            let of_upstream = self.node(*upstream).scope;
            let at = self.dag.common_scope(of_upstream, scope);
            if at == of_upstream {
                continue;
            }
            is_same_for_all &= at == ScopeIdx::RUN;
            let context = self.tree.around(scope, slot, at);
            spans.push(Span::new(*upstream, self.tree.items(at, context, of_upstream)));
        }
        ((!spans.is_empty()).then(|| spans.into()), is_same_for_all)
    }
}
