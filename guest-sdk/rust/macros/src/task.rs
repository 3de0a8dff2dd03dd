//! `#[task]`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, Ident, ItemFn, Pat, ReturnType, Type};

use crate::attributes::documentation;
use crate::options::{Kind, Options};

pub(crate) struct Arg {
    pub(crate) name: Ident,
    pub(crate) text: String,
    pub(crate) ty: Type,
}

pub(crate) fn expand(options: TokenStream, function: TokenStream) -> syn::Result<TokenStream> {
    let Options { kind, decl, settings } = syn::parse2(options)?;
    let function: ItemFn = syn::parse2(function)?;
    check_plain(&function)?;
    check_name(&function.sig.ident)?;
    let args = args(&function)?;
    let doc_md = documentation(&function.attrs);

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
    let get = format_ident!("{}", if args.len() == 1 { "only" } else { "get" });
    let reads = args.iter().map(|Arg { text, ty, .. }| quote_spanned!(ty.span()=> args.#get::<#ty>(#text)?));
    let call = quote!(|| ::core::result::Result::Ok(#name::body(#(#reads),*)));
    let KindParts { marker, value, signature, body } = kind_parts(kind, &result, function.sig.output.span(), &call);
    let task = format_ident!("TASK");
    let variant = format_ident!("{}", kind.variant());

    Ok(quote! {
        #(#attributes)*
        #visibility fn #name(#(#names: impl ::waft::IntoArg<#types>),*) -> ::waft::Output<#value, #marker> {
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
                doc_md: #doc_md,
                kind: ::waft::__private::Kind::#variant,
                settings: ::waft::__private::Settings { #settings ..::waft::__private::Settings::NONE },
                #decl
                ..::waft::__private::TaskDecl::new(
                    #text,
                    || ::waft::__private::Signature::#signature #(.arg::<#types>(#texts))*,
                    #body,
                )
            };
        }
    })
}

/// What the kind of a task decides in its declaration.
struct KindParts {
    marker: TokenStream,
    value: TokenStream,
    signature: TokenStream,
    body: TokenStream,
}

fn kind_parts(kind: Kind, result: &TokenStream, span: Span, call: &TokenStream) -> KindParts {
    let value = quote_spanned!(span=> <#result as ::waft::TaskReturn>::Value);
    let signature = quote!(returning::<#result>());
    let marker = format_ident!("{}", kind.variant());
    let finish = |check: TokenStream| {
        quote! {
            ::waft::__private::Body::Task(|args| {
                let _ = &args;
                #check
                ::waft::__private::outcome::<#result>(#call)
            })
        }
    };
    let returns = |what: &str| {
        let what = format_ident!("{what}");
        quote_spanned! {span=>
            const fn returns<R: ::waft::__private::#what>() {}
            const { returns::<#result>() };
        }
    };
    match kind {
        Kind::Task => KindParts {
            marker: quote!(::waft::kind::Work),
            value,
            signature,
            body: quote_spanned! {span=>
                ::waft::__private::Body::Task(|args| {
                    let _ = &args;
                    ::waft::__private::outcome::<#result>(#call)
                })
            },
        },
        Kind::Setup | Kind::Teardown => {
            KindParts { marker: quote!(::waft::kind::#marker), value, signature, body: finish(quote!()) }
        }
        Kind::ShortCircuit => KindParts {
            marker: quote!(::waft::kind::ShortCircuit),
            value: quote!(bool),
            signature: quote!(returning::<bool>()),
            body: finish(returns("ShortCircuitReturn")),
        },
        Kind::Sensor => KindParts {
            marker: quote!(::waft::kind::Sensor),
            value: quote!(::waft::Poke),
            signature: quote!(returning::<::waft::Poke>()),
            body: finish(returns("SensorReturn")),
        },
        Kind::Branch => {
            let arms = quote_spanned!(span=> <#result as ::waft::BranchReturn>::Arms);
            let positions = quote_spanned!(span=> ::waft::__private::positions::<#result>);
            KindParts {
                marker: quote!(::waft::kind::Branch<#arms>),
                value: quote!(::waft::Chosen),
                signature: quote!(choosing()),
                body: quote! {
                    ::waft::__private::Body::Branch {
                        choose: |args| {
                            let _ = &args;
                            #positions(#call)
                        },
                        arms: <#arms as ::waft::Arms>::NAMES,
                    }
                },
            }
        }
    }
}

fn check_plain(function: &ItemFn) -> syn::Result<()> {
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

pub(crate) fn args(function: &ItemFn) -> syn::Result<Vec<Arg>> {
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
