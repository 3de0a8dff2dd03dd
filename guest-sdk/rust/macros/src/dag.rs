//! `#[dag]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, FnArg, ItemFn, Pat, PatType};

use crate::attributes::{Setting, Settings, documentation};
use crate::schedule;
use crate::task::{check_name, unraw};
use crate::units::duration_ms;

const KNOWN: &str = "dag_id, display_name, description, tags, owners, label, run_timeout, max_active_tasks, \
                     fail_fast, schedule, timezone, start_date, end_date, catchup, logical_date, max_active_runs, \
                     max_consecutive_failed_runs, deadline, deadline_from, on_success, on_failure and on_deadline_missed";

pub(crate) fn expand(options: TokenStream, function: TokenStream) -> syn::Result<TokenStream> {
    let options: Settings = syn::parse2(options)?;
    let mut function: ItemFn = syn::parse2(function)?;
    if let Some(asyncness) = &function.sig.asyncness {
        return Err(syn::Error::new_spanned(asyncness, "a DAG is a plain function: it only connects tasks"));
    }
    if !function.sig.generics.params.is_empty() {
        return Err(syn::Error::new_spanned(&function.sig.generics, "a DAG has no type parameters"));
    }
    check_name(&function.sig.ident)?;
    let params = function.sig.inputs.iter_mut().map(param).collect::<syn::Result<Vec<_>>>()?;
    let fields = fields(&options, &documentation(&function.attrs))?;
    let attributes: Vec<_> = function.attrs.drain(..).collect();

    let name = function.sig.ident.clone();
    let text = unraw(&name);
    let visibility = std::mem::replace(&mut function.vis, syn::Visibility::Inherited);
    let build = format_ident!("__build");
    let result = quote_spanned!(function.sig.output.span()=> ::waft::__private::result(tasks));
    function.sig.ident = format_ident!("tasks_of_{}", text);
    let inner = &function.sig.ident;

    Ok(quote! {
        #(#attributes)*
        #[expect(non_camel_case_types, reason = "it has the name of the function")]
        #visibility struct #name {}

        impl #name {
            /// The DAG.
            #visibility const DAG: ::waft::Dag = ::waft::Dag { #fields ..::waft::Dag::new(#text, Self::#build) };

            fn #build() {
                #function

                let tasks = #inner(#(#params),*);
                #result
            }
        }
    })
}

fn param(input: &mut FnArg) -> syn::Result<TokenStream> {
    let FnArg::Typed(PatType { attrs, pat, ty, .. }) = input else {
        return Err(syn::Error::new_spanned(input, "a DAG is a function, not a method"));
    };
    let Pat::Ident(pattern) = &**pat else {
        return Err(syn::Error::new_spanned(pat, "a parameter needs a name"));
    };
    check_name(&pattern.ident)?;
    let name = unraw(&pattern.ident);
    let mut default: Option<Expr> = None;
    let mut description = documentation(attrs);
    for attribute in attrs.iter().filter(|attribute| attribute.path().is_ident("param")) {
        for setting in attribute.parse_args::<Settings>()?.0 {
            if setting.name == "default" {
                default = Some(setting.value);
            } else if setting.name == "description" {
                description = setting.string()?.value();
            } else {
                return Err(setting.unknown("default and description"));
            }
        }
    }
    attrs.retain(|attribute| !attribute.path().is_ident("param") && !attribute.path().is_ident("doc"));
    let default = match default {
        Some(value) => {
            quote_spanned!(value.span()=> ::core::option::Option::Some(|| ::waft::__private::param_default(#value)))
        }
        None => quote!(::core::option::Option::None),
    };
    Ok(quote_spanned!(ty.span()=> ::waft::__private::param::<#ty>(#name, #description, #default)))
}

fn fields(options: &Settings, doc_md: &str) -> syn::Result<TokenStream> {
    let mut fields = quote!(doc_md: #doc_md,);
    let mut timing = quote!();
    for option in &options.0 {
        let field = &option.name;
        if let Some(field) = timing_field(option, options)? {
            timing.extend(field);
            continue;
        }
        fields.extend(match field.to_string().as_str() {
            "dag_id" => {
                let id = option.id()?;
                quote!(#field: #id,)
            }
            "display_name" | "description" | "label" => {
                let text = option.string()?;
                quote!(#field: #text,)
            }
            "tags" | "owners" => {
                let texts = option.strings()?;
                quote!(#field: &[#(#texts),*],)
            }
            "on_success" | "on_failure" | "on_deadline_missed" => {
                let callbacks = option.ids()?;
                quote!(#field: &[#(#callbacks),*],)
            }
            "run_timeout" => {
                let time = duration_ms(option.string()?)?;
                quote!(run_timeout_ms: ::core::option::Option::Some(#time),)
            }
            "max_active_tasks" => {
                let number = option.number()?;
                quote!(#field: ::core::option::Option::Some(#number),)
            }
            "fail_fast" => {
                let flag = option.flag()?;
                quote!(#field: #flag,)
            }
            _ => return Err(option.unknown(KNOWN)),
        });
    }
    if !timing.is_empty() {
        fields.extend(quote! {
            timing: {
                let mut timing = ::waft::__private::Timing::NONE;
                #timing
                timing
            },
        });
    }
    Ok(fields)
}

/// What an option says about time, if it does.
fn timing_field(option: &Setting, options: &Settings) -> syn::Result<Option<TokenStream>> {
    let field = &option.name;
    let some = |value: &dyn quote::ToTokens| quote!(timing.#field = ::core::option::Option::Some(#value););
    let beside = |name: &str| {
        let has = options.0.iter().any(|option| option.name == name);
        let message = format!("`{field}` goes with `{name}`");
        if has { Ok(()) } else { Err(syn::Error::new(field.span(), message)) }
    };
    Ok(Some(match field.to_string().as_str() {
        "schedule" => some(&schedule::schedule(&option.value, options)?),
        "timezone" => {
            beside("schedule")?;
            option.string()?;
            quote!()
        }
        "start_date" | "end_date" => some(schedule::date(option.string()?)?),
        "catchup" => {
            let flag = option.flag()?;
            quote!(timing.catchup = #flag;)
        }
        "logical_date" => {
            option.word(&["fire", "interval_start"])?;
            some(option.string()?)
        }
        "max_active_runs" | "max_consecutive_failed_runs" => some(&option.number()?),
        "deadline" => {
            let within_ms = duration_ms(option.string()?)?;
            let from = match options.0.iter().find(|option| option.name == "deadline_from") {
                Some(from) => {
                    from.word(&["queued_at", "run_after", "logical_date"])?;
                    let from = from.string()?;
                    quote!(::core::option::Option::Some(#from))
                }
                None => quote!(::core::option::Option::None),
            };
            some(&quote!(::waft::__private::Deadline { from: #from, within_ms: #within_ms }))
        }
        "deadline_from" => {
            beside("deadline")?;
            quote!()
        }
        _ => return Ok(None),
    }))
}
