//! `#[task]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, Ident, ItemFn, Pat, ReturnType, Type};

use crate::attributes::{Settings, documentation};
use crate::units::{duration_ms, size_bytes};

const KNOWN: &str = "retries, retry_delay, retry_multiplier, retry_delay_max, timeout, max_active_per_run, max_map_length, \
                     memory, trigger_rule, task_id and entrypoint";

struct Arg {
    name: Ident,
    text: String,
    ty: Type,
}

pub(crate) fn expand(options: TokenStream, function: TokenStream) -> syn::Result<TokenStream> {
    let options: Settings = syn::parse2(options)?;
    let function: ItemFn = syn::parse2(function)?;
    check_kind(&function)?;
    check_name(&function.sig.ident)?;
    let args = args(&function)?;
    let decl = decl(&options, &documentation(&function.attrs))?;

    let name = &function.sig.ident;
    let text = unraw(name);
    let visibility = &function.vis;
    let attributes = &function.attrs;
    let result = match &function.sig.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => quote!(#ty),
    };
    let inputs = &function.sig.inputs;
    let output = &function.sig.output;
    let block = &function.block;
    let names: Vec<_> = args.iter().map(|arg| &arg.name).collect();
    let texts: Vec<_> = args.iter().map(|arg| &arg.text).collect();
    let types: Vec<_> = args.iter().map(|arg| &arg.ty).collect();
    let reads = args.iter().map(|Arg { text, ty, .. }| quote_spanned!(ty.span()=> args.get::<#ty>(#text)?));
    let result_span = function.sig.output.span();
    let value = quote_spanned!(result_span=> <#result as ::waft::TaskReturn>::Value);
    let finish = quote_spanned!(result_span=> ::waft::__private::outcome::<#result>);
    let task = format_ident!("TASK");

    Ok(quote! {
        #(#attributes)*
        #visibility fn #name(#(#names: impl ::waft::IntoArg<#types>),*) -> ::waft::Output<#value> {
            ::waft::__private::output(::waft::__private::call(&#name::#task, |call| {
                let _ = &call;
                #(call.arg(#texts, ::waft::IntoArg::<#types>::into_arg(#names));)*
            }))
        }

        #[expect(non_camel_case_types, reason = "it shares the name of the function")]
        #[doc(hidden)]
        #visibility struct #name {}

        impl #name {
            #(#attributes)*
            #visibility fn body(#inputs) #output #block

            #[doc(hidden)]
            const #task: ::waft::__private::TaskDecl = ::waft::__private::TaskDecl {
                #decl
                ..::waft::__private::TaskDecl::new(
                    #text,
                    || ::waft::__private::Signature::returning::<#result>()#(.arg::<#types>(#texts))*,
                    |args| {
                        let _ = &args;
                        #finish(|| ::core::result::Result::Ok(#name::body(#(#reads),*)))
                    },
                )
            };
        }
    })
}

fn check_kind(function: &ItemFn) -> syn::Result<()> {
    let signature = &function.sig;
    let wrong = |tokens: &dyn quote::ToTokens, why: &str| Err(syn::Error::new_spanned(tokens, why));
    if let Some(asyncness) = &signature.asyncness {
        return wrong(asyncness, "a task is a plain function: it runs alone in its sandbox, so waiting may block");
    }
    if !signature.generics.params.is_empty() {
        return wrong(&signature.generics, "a task has no type parameters: its types are its signature");
    }
    if let Some(unsafety) = &signature.unsafety {
        return wrong(unsafety, "a task is a safe function");
    }
    if let Some(abi) = &signature.abi {
        return wrong(abi, "a task is a plain Rust function");
    }
    Ok(())
}

fn args(function: &ItemFn) -> syn::Result<Vec<Arg>> {
    let arg = |input: &FnArg| match input {
        FnArg::Receiver(receiver) => Err(syn::Error::new_spanned(receiver, "a task is a function, not a method")),
        FnArg::Typed(arg) => match (&*arg.pat, &*arg.ty) {
            (_, Type::Reference(ty)) => {
                Err(syn::Error::new_spanned(ty, "a task owns its arguments: `String` for text, `Vec<T>` for a list"))
            }
            (Pat::Ident(pattern), ty) => {
                Ok(Arg { text: unraw(&pattern.ident), name: pattern.ident.clone(), ty: ty.clone() })
            }
            (pattern, _) => Err(syn::Error::new_spanned(pattern, "an argument of a task needs a name")),
        },
    };
    let args = function.sig.inputs.iter().map(arg).collect::<syn::Result<Vec<_>>>()?;
    args.iter().try_for_each(|arg| check_name(&arg.name))?;
    Ok(args)
}

fn decl(options: &Settings, doc_md: &str) -> syn::Result<TokenStream> {
    let mut fields = quote!(doc_md: #doc_md,);
    for option in &options.0 {
        let name = option.name.to_string();
        fields.extend(match name.as_str() {
            "retries" => {
                let retries = option.number()?;
                if retries > 100 {
                    return Err(syn::Error::new_spanned(&option.value, "`retries` is at most 100"));
                }
                quote!(retries: #retries,)
            }
            "retry_delay" | "retry_delay_max" | "timeout" => {
                let field = format_ident!("{name}_ms");
                let time = duration_ms(option.string()?)?;
                quote!(#field: ::core::option::Option::Some(#time),)
            }
            "retry_multiplier" => {
                let factor = option.factor_milli()?;
                quote!(retry_multiplier_milli: ::core::option::Option::Some(#factor),)
            }
            "max_active_per_run" | "max_map_length" => {
                let field = &option.name;
                let number = option.number()?;
                quote!(#field: ::core::option::Option::Some(#number),)
            }
            "memory" => {
                let size = size_bytes(option.string()?)?;
                quote!(memory_bytes: ::core::option::Option::Some(#size),)
            }
            "trigger_rule" => {
                let rule = option.string()?;
                if rule.value() != "all_success" {
                    return Err(syn::Error::new(rule.span(), "the only trigger rule is \"all_success\""));
                }
                quote!()
            }
            "task_id" | "entrypoint" => {
                let field = &option.name;
                let id = option.id()?;
                quote!(#field: #id,)
            }
            _ => return Err(option.unknown(KNOWN)),
        });
    }
    Ok(fields)
}

/// Refuses names that may not stand in a document.
pub(crate) fn check_name(name: &Ident) -> syn::Result<()> {
    let text = unraw(name);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.is_ascii() {
        return Ok(());
    }
    Err(syn::Error::new(name.span(), "this name stands in the DAG: it starts with a letter and is ASCII"))
}

/// The name without `r#`.
pub(crate) fn unraw(name: &Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").unwrap_or(&name).to_owned()
}
