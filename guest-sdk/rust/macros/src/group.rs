//! `#[group]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ItemFn, ReturnType};

use crate::attributes::{Settings, documentation};
use crate::task::{args, check_name, unraw};

const KNOWN: &str = "group_id, display_name and max_map_length";

pub(crate) fn expand(options: TokenStream, function: TokenStream) -> syn::Result<TokenStream> {
    let options: Settings = syn::parse2(options)?;
    let function: ItemFn = syn::parse2(function)?;
    if let Some(asyncness) = &function.sig.asyncness {
        return Err(syn::Error::new_spanned(asyncness, "a group is a plain function: it only connects tasks"));
    }
    if !function.sig.generics.params.is_empty() {
        return Err(syn::Error::new_spanned(&function.sig.generics, "a group has no type parameters"));
    }
    check_name(&function.sig.ident)?;
    let args = args(&function)?;
    let fields = fields(&options, &unraw(&function.sig.ident), &documentation(&function.attrs))?;

    let attributes = &function.attrs;
    let visibility = &function.vis;
    let name = &function.sig.ident;
    let result = match &function.sig.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => quote!(#ty),
    };
    let inputs = &function.sig.inputs;
    let block = &function.block;
    let inner = format_ident!("tasks_of_{}", unraw(name));
    let names: Vec<_> = args.iter().map(|arg| &arg.name).collect();
    let texts: Vec<_> = args.iter().map(|arg| &arg.text).collect();
    let types: Vec<_> = args.iter().map(|arg| &arg.ty).collect();
    let values: Vec<_> = types.iter().map(|ty| quote_spanned!(ty.span()=> <#ty as ::waft::GroupArg>::Value)).collect();
    Ok(quote! {
        #(#attributes)*
        #visibility fn #name(#(#names: impl ::waft::IntoArg<#values>),*) -> ::waft::Group<#result> {
            fn #inner(#inputs) -> #result #block

            ::waft::__private::group_of(
                ::waft::__private::GroupDecl { #fields },
                |call| {
                    let _ = &call;
                    #(call.arg(#texts, ::waft::IntoArg::<#values>::into_arg(#names));)*
                },
                |group| {
                    let _ = &group;
                    #inner(#(<#types as ::waft::GroupArg>::named(group, #texts)),*)
                },
            )
        }
    })
}

fn fields(options: &Settings, name: &str, doc_md: &str) -> syn::Result<TokenStream> {
    let mut group_id = quote!(#name);
    let mut display_name = quote!("");
    let mut max_map_length = quote!(::core::option::Option::None);
    for option in &options.0 {
        match option.name.to_string().as_str() {
            "group_id" => {
                let id = option.id()?;
                group_id = quote!(#id);
            }
            "display_name" => {
                let text = option.string()?;
                display_name = quote!(#text);
            }
            "max_map_length" => {
                let number = option.number()?;
                max_map_length = quote!(::core::option::Option::Some(#number));
            }
            _ => return Err(option.unknown(KNOWN)),
        }
    }
    Ok(quote! {
        name: ::std::string::String::from(#group_id),
        display_name: #display_name,
        doc_md: #doc_md,
        max_map_length: #max_map_length,
    })
}
