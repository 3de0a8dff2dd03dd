//! The options of `#[task]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::LitStr;
use syn::parse::{Parse, ParseStream};

use crate::attributes::{Setting, Settings};
use crate::schedule::asset;
use crate::units::{duration_ms, size_bytes};

const KNOWN: &str = "kind, trigger_rule, retries, retry_delay, retry_multiplier, retry_delay_max, retry_jitter, retry_on, timeout, \
                     queued_timeout, pool, pool_slots, priority, weight_rule, max_active_per_run, max_active_per_dag, max_map_length, \
                     map_index_template, depends_on_past, wait_for_downstream, memory, poke_interval, soft_fail, \
                     on_failure_fail_run, ignore_downstream_trigger_rules, inlets, outlets, on_success, on_failure, on_retry, on_skipped, \
                     task_id and entrypoint";

const TRIGGER_RULES: &[&str] = &[
    "all_success",
    "all_failed",
    "all_done",
    "all_done_min_one_success",
    "all_done_setup_success",
    "one_success",
    "one_failed",
    "one_done",
    "none_failed",
    "none_failed_min_one_success",
    "none_skipped",
    "all_skipped",
    "always",
];
const WEIGHT_RULES: &[&str] = &["downstream", "upstream", "absolute"];
const FAILURES: &[&str] = &["failed", "timed_out", "trapped", "over_limit"];

/// What a task is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Task,
    Branch,
    ShortCircuit,
    Sensor,
    Setup,
    Teardown,
}

impl Kind {
    const ALL: [(&str, Self); 6] = [
        ("task", Self::Task),
        ("branch", Self::Branch),
        ("short_circuit", Self::ShortCircuit),
        ("sensor", Self::Sensor),
        ("setup", Self::Setup),
        ("teardown", Self::Teardown),
    ];

    fn parse(text: &LitStr) -> syn::Result<Self> {
        let value = text.value();
        if let Some((_, kind)) = Self::ALL.iter().find(|(name, _)| *name == value) {
            return Ok(*kind);
        }
        let message = match value.as_str() {
            "empty" | "approval" | "latest_only" => format!("this kind has no body: call `{value}(\"…\")` in the DAG"),
            _ => {
                let names: Vec<_> = Self::ALL.iter().map(|(name, _)| format!("{name:?}")).collect();
                format!("`kind` is one of {}", names.join(", "))
            }
        };
        Err(syn::Error::new(text.span(), message))
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("task", |(name, _)| name)
    }

    /// The variant or type that is named after it.
    pub(crate) fn variant(self) -> &'static str {
        match self {
            Self::Task => "Task",
            Self::Branch => "Branch",
            Self::ShortCircuit => "ShortCircuit",
            Self::Sensor => "Sensor",
            Self::Setup => "Setup",
            Self::Teardown => "Teardown",
        }
    }
}

/// All options, as fields of the declaration and of its settings.
pub(crate) struct Options {
    pub(crate) kind: Kind,
    pub(crate) decl: TokenStream,
    pub(crate) settings: TokenStream,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let Settings(list) = input.parse()?;
        let kind = list.iter().find(|setting| setting.name == "kind").map(|setting| Kind::parse(setting.string()?));
        let kind = kind.transpose()?.unwrap_or(Kind::Task);
        let mut options = Self { kind, decl: quote!(), settings: quote!() };
        for setting in &list {
            options.read(setting)?;
        }
        Ok(options)
    }
}

impl Options {
    fn read(&mut self, setting: &Setting) -> syn::Result<()> {
        let name = setting.name.to_string();
        let field = &setting.name;
        let some = |value: &dyn quote::ToTokens| quote!(#field: ::core::option::Option::Some(#value),);
        self.check_kind(setting, &name)?;
        self.settings.extend(match name.as_str() {
            "kind" => quote!(),
            "task_id" | "entrypoint" => {
                let id = setting.id()?;
                self.decl.extend(quote!(#field: #id,));
                quote!()
            }
            "retries" => {
                let retries = setting.number()?;
                if retries > 100 {
                    return Err(syn::Error::new_spanned(&setting.value, "`retries` is at most 100"));
                }
                quote!(retries: #retries,)
            }
            "retry_delay" | "retry_delay_max" | "timeout" | "queued_timeout" | "poke_interval" => {
                let field = format_ident!("{name}_ms");
                let time = duration_ms(setting.string()?)?;
                quote!(#field: ::core::option::Option::Some(#time),)
            }
            "retry_multiplier" => {
                let factor = setting.milli(1, 10)?;
                quote!(retry_multiplier_milli: ::core::option::Option::Some(#factor),)
            }
            "retry_jitter" => {
                let share = setting.milli(0, 1)?;
                quote!(retry_jitter_milli: ::core::option::Option::Some(#share),)
            }
            "retry_on" => {
                let failures = setting.words(FAILURES)?;
                quote!(retry_on: &[#(::waft::FailureKind::#failures),*],)
            }
            "max_active_per_run" | "max_active_per_dag" | "max_map_length" | "pool_slots" => some(&setting.number()?),
            "priority" => some(&setting.signed_number()?),
            "pool" => some(setting.id()?),
            "map_index_template" => some(setting.string()?),
            "inlets" | "outlets" => {
                let assets = setting.strings()?;
                assets.iter().try_for_each(|name| asset(name).map(|_| ()))?;
                quote!(#field: &[#(#assets),*],)
            }
            "on_success" | "on_failure" | "on_retry" | "on_skipped" => {
                let callbacks = setting.ids()?;
                quote!(#field: &[#(#callbacks),*],)
            }
            "memory" => {
                let size = size_bytes(setting.string()?)?;
                quote!(memory_bytes: ::core::option::Option::Some(#size),)
            }
            "trigger_rule" => {
                let rule = setting.word(TRIGGER_RULES)?;
                quote!(trigger_rule: ::waft::TriggerRule::#rule,)
            }
            "weight_rule" => {
                let rule = setting.word(WEIGHT_RULES)?;
                quote!(weight_rule: ::waft::WeightRule::#rule,)
            }
            "depends_on_past" | "wait_for_downstream" | "soft_fail" | "on_failure_fail_run" => {
                let flag = setting.flag()?;
                quote!(#field: #flag,)
            }
            "ignore_downstream_trigger_rules" => some(&setting.flag()?),
            _ => return Err(setting.unknown(KNOWN)),
        });
        Ok(())
    }

    /// Some options are for one kind alone.
    fn check_kind(&self, setting: &Setting, name: &str) -> syn::Result<()> {
        let kind = match name {
            "poke_interval" | "soft_fail" => Kind::Sensor,
            "on_failure_fail_run" => Kind::Teardown,
            "ignore_downstream_trigger_rules" => Kind::ShortCircuit,
            "trigger_rule" if self.kind == Kind::Teardown => {
                let message = "a teardown has a trigger rule of its own: it runs where a setup has succeeded";
                return Err(syn::Error::new(setting.name.span(), message));
            }
            _ => return Ok(()),
        };
        if self.kind == kind {
            return Ok(());
        }
        let message = format!("`{name}` is for tasks with `kind = {:?}`", kind.name());
        Err(syn::Error::new(setting.name.span(), message))
    }
}
