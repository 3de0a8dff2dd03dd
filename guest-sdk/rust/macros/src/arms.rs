//! `#[derive(Arms)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields};

use crate::task::unraw;

pub(crate) fn expand(input: TokenStream) -> syn::Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    let Data::Enum(data) = &input.data else {
        return Err(syn::Error::new_spanned(&input.ident, "the arms of a branch are the variants of an enum"));
    };
    if !input.generics.params.is_empty() {
        return Err(syn::Error::new_spanned(&input.generics, "the arms of a branch have no type parameters"));
    }
    if let Some(variant) = data.variants.iter().find(|variant| !matches!(variant.fields, Fields::Unit)) {
        return Err(syn::Error::new_spanned(variant, "an arm of a branch has no fields: it only says where to go"));
    }
    let name = &input.ident;
    let variants: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let texts: Vec<_> = variants.iter().map(|variant| unraw(variant)).collect();
    let positions = 0..variants.len();
    Ok(quote! {
        #[automatically_derived]
        impl ::waft::Arms for #name {
            const NAMES: &'static [&'static str] = &[#(#texts),*];

            fn position(&self) -> usize {
                match *self {
                    #(Self::#variants => #positions,)*
                }
            }
        }
    })
}
