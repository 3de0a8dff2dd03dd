//! `#[derive(Type)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Fields, GenericParam, LitStr, Token};

use crate::task::unraw;

/// What serde's attributes say about a container, field or variant.
#[derive(Default)]
struct Serde {
    rename: Option<String>,
    rename_all: Option<LitStr>,
    default: bool,
    skip: bool,
}

impl Serde {
    fn read(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut serde = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("rename") {
                    serde.rename = Some(meta.value()?.parse::<LitStr>()?.value());
                } else if meta.path.is_ident("rename_all") {
                    serde.rename_all = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("default") {
                    if meta.input.peek(Token![=]) {
                        meta.value()?.parse::<LitStr>()?;
                    }
                    serde.default = true;
                } else if meta.path.is_ident("skip") {
                    serde.skip = true;
                } else if meta.path.is_ident("skip_serializing_if") {
                    meta.value()?.parse::<LitStr>()?;
                    serde.default = true;
                } else if meta.path.is_ident("transparent") || meta.path.is_ident("deny_unknown_fields") {
                } else {
                    return Err(meta.error("`waft::Type` cannot be derived with this; implement it by hand"));
                }
                Ok(())
            })?;
        }
        Ok(serde)
    }

    fn name_of(&self, own: &Self, name: &str, fields: bool) -> syn::Result<String> {
        match (&own.rename, &self.rename_all) {
            (Some(name), _) => Ok(name.clone()),
            (None, Some(rule)) => rename(name, rule, fields),
            (None, None) => Ok(name.to_owned()),
        }
    }
}

/// serde's `rename_all`: fields come in snake_case, variants in PascalCase.
fn rename(name: &str, rule: &LitStr, field: bool) -> syn::Result<String> {
    let words: Vec<String> = if field {
        name.split('_').map(str::to_owned).collect()
    } else {
        let mut words: Vec<String> = Vec::new();
        for letter in name.chars() {
            match words.last_mut() {
                Some(word) if !letter.is_uppercase() => word.push(letter),
                _ => words.push(letter.to_lowercase().collect()),
            }
        }
        words
    };
    let capital = |word: &String| {
        let mut letters = word.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
    };
    let pascal = || words.iter().map(capital).collect::<String>();
    Ok(match rule.value().as_str() {
        "lowercase" => name.to_lowercase(),
        "UPPERCASE" => name.to_uppercase(),
        "PascalCase" => pascal(),
        "camelCase" => {
            let pascal = pascal();
            let mut letters = pascal.chars();
            letters.next().map_or(String::new(), |first| first.to_lowercase().collect::<String>() + letters.as_str())
        }
        "snake_case" => words.join("_"),
        "SCREAMING_SNAKE_CASE" => words.join("_").to_uppercase(),
        "kebab-case" => words.join("-"),
        "SCREAMING-KEBAB-CASE" => words.join("-").to_uppercase(),
        _ => return Err(syn::Error::new(rule.span(), "serde has no such rule")),
    })
}

pub(crate) fn expand(input: TokenStream) -> syn::Result<TokenStream> {
    let mut input: DeriveInput = syn::parse2(input)?;
    let serde = Serde::read(&input.attrs)?;
    let has_members = matches!(&input.data, Data::Struct(data) if matches!(data.fields, Fields::Named(_)));
    let json_type = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => object(&serde, fields)?,
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                let ty = &fields.unnamed[0].ty;
                quote_spanned!(ty.span()=> <#ty as ::waft::Type>::json_type())
            }
            other => {
                return Err(syn::Error::new(
                    other.span(),
                    "`waft::Type` is for structs with named fields and structs around one value",
                ));
            }
        },
        Data::Enum(data) => {
            let mut names = Vec::new();
            for variant in &data.variants {
                if !matches!(variant.fields, Fields::Unit) {
                    return Err(syn::Error::new_spanned(
                        variant,
                        "`waft::Type` is for enums of unit variants; implement it by hand, or use `serde_json::Value`",
                    ));
                }
                let own = Serde::read(&variant.attrs)?;
                if !own.skip {
                    names.push(serde.name_of(&own, &unraw(&variant.ident), false)?);
                }
            }
            quote!(::waft::JsonType::Enum(::std::vec![#(::std::convert::From::from(#names)),*]))
        }
        Data::Union(data) => {
            return Err(syn::Error::new(data.union_token.span, "`waft::Type` is for structs and enums"));
        }
    };

    let type_trait = quote!(::waft::Type);
    for param in &mut input.generics.params {
        if let GenericParam::Type(param) = param {
            param.bounds.push(syn::parse_quote!(#type_trait));
        }
    }
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let members = has_members.then(|| {
        quote! {
            #[automatically_derived]
            impl #generics ::waft::Members for #name #arguments #bounds {}
        }
    });
    Ok(quote! {
        #members


        #[automatically_derived]
        impl #generics ::waft::Type for #name #arguments #bounds {
            type Present = Self;

            fn json_type() -> ::waft::JsonType {
                #json_type
            }
        }
    })
}

fn object(serde: &Serde, fields: &syn::FieldsNamed) -> syn::Result<TokenStream> {
    let mut members = Vec::new();
    for field in &fields.named {
        let own = Serde::read(&field.attrs)?;
        let (Some(ident), false) = (&field.ident, own.skip) else { continue };
        let name = serde.name_of(&own, &unraw(ident), true)?;
        let has_default = serde.default || own.default;
        let ty = &field.ty;
        let member = format_ident!("Member");
        members.push(quote_spanned! {ty.span()=>
            ::waft::#member {
                name: ::std::string::String::from(#name),
                ty: <#ty as ::waft::Type>::json_type(),
                optional: #has_default || <#ty as ::waft::Type>::may_be_left_out(),
            }
        });
    }
    Ok(quote!(::waft::JsonType::Object(::std::vec![#(#members),*])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, rule: &str, field: bool, expect: &str) {
        let rule = LitStr::new(rule, proc_macro2::Span::call_site());
        assert_eq!(rename(name, &rule, field).unwrap(), expect);
    }

    #[test]
    fn names_change_as_serde_changes_them() {
        check("most_words", "camelCase", true, "mostWords");
        check("most_words", "SCREAMING-KEBAB-CASE", true, "MOST-WORDS");
        check("UpForRetry", "snake_case", false, "up_for_retry");
        check("UpForRetry", "camelCase", false, "upForRetry");
        check("UpForRetry", "lowercase", false, "upforretry");
    }
}
