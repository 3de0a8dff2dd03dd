//! `schedule = …` of `#[dag]`, and names of assets.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Expr, ExprCall, ExprLit, Lit, LitStr};

use crate::attributes::Settings;
use crate::units::duration_ms;

const WORDS: &[&str] = &["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@quarterly", "@yearly", "@annually"];
const SHAPES: &str = "a schedule is \"@daily\", \"0 8 * * MON-FRI\", \"every 6h\", \"@once\", \"@continuous\", a list of times, \
                      asset(\"…\"), all(…), any(…), or assets_or_time(any(…), \"@daily\")";

/// The schedule with the zone that is set beside it.
pub(crate) fn schedule(value: &Expr, options: &Settings) -> syn::Result<TokenStream> {
    let zone = options.0.iter().find(|option| option.name == "timezone");
    let zone = zone.map(|option| option.string()).transpose()?;
    if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = value {
        match text.value().as_str() {
            "@once" => return Ok(quote!(::waft::__private::Schedule::Once)),
            "@continuous" => return Ok(quote!(::waft::__private::Schedule::Continuous)),
            _ => {}
        }
    }
    match value {
        Expr::Lit(_) => {
            let time = time(value, zone)?;
            Ok(quote!(::waft::__private::Schedule::Time(#time)))
        }
        Expr::Array(array) => {
            let times = array.elems.iter().map(|item| time(item, zone)).collect::<syn::Result<Vec<_>>>()?;
            Ok(quote!(::waft::__private::Schedule::Several(&[#(#times),*])))
        }
        Expr::Call(call) if name(call) == "assets_or_time" => {
            let mut args = call.args.iter();
            let assets = args.next().ok_or_else(|| syn::Error::new_spanned(call, SHAPES))?;
            let assets = assets_of(assets)?;
            let times = args.map(|item| time(item, zone)).collect::<syn::Result<Vec<_>>>()?;
            if times.is_empty() {
                return Err(syn::Error::new_spanned(call, "`assets_or_time` names assets and at least one time"));
            }
            Ok(quote!(::waft::__private::Schedule::AssetsOrTime(#assets, &[#(#times),*])))
        }
        value => {
            let assets = assets_of(value)?;
            Ok(quote!(::waft::__private::Schedule::Assets(#assets)))
        }
    }
}

fn name(call: &ExprCall) -> String {
    match &*call.func {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string).unwrap_or_default(),
        _ => String::new(),
    }
}

fn text(value: &Expr) -> syn::Result<&LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text),
        other => Err(syn::Error::new_spanned(other, SHAPES)),
    }
}

fn time(value: &Expr, zone: Option<&LitStr>) -> syn::Result<TokenStream> {
    let text = text(value)?;
    let value = text.value();
    if let Some(interval) = value.strip_prefix("every ") {
        let every_ms = duration_ms(&LitStr::new(interval, text.span()))?;
        return Ok(quote!(::waft::__private::TimeSchedule::Interval { every_ms: #every_ms }));
    }
    if !WORDS.contains(&value.as_str()) && value.split_ascii_whitespace().count() != 5 {
        return Err(syn::Error::new(text.span(), SHAPES));
    }
    let timezone = match zone {
        Some(zone) => quote!(::core::option::Option::Some(#zone)),
        None => quote!(::core::option::Option::None),
    };
    Ok(quote!(::waft::__private::TimeSchedule::Cron { expression: #text, timezone: #timezone }))
}

fn assets_of(value: &Expr) -> syn::Result<TokenStream> {
    let Expr::Call(call) = value else {
        let name = asset(text(value)?)?;
        return Ok(quote!(::waft::__private::AssetExpression::Asset(#name)));
    };
    let parts = call.args.iter().map(assets_of).collect::<syn::Result<Vec<_>>>()?;
    match (name(call).as_str(), parts.as_slice()) {
        ("asset", [only]) => Ok(only.clone()),
        ("all", [_, ..]) => Ok(quote!(::waft::__private::AssetExpression::All(&[#(#parts),*]))),
        ("any", [_, ..]) => Ok(quote!(::waft::__private::AssetExpression::Any(&[#(#parts),*]))),
        _ => Err(syn::Error::new_spanned(call, SHAPES)),
    }
}

/// The name of an asset.
pub(crate) fn asset(text: &LitStr) -> syn::Result<&LitStr> {
    let name = text.value();
    if !name.is_empty() && name.len() <= 250 && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text);
    }
    Err(syn::Error::new(text.span(), "the name of an asset is visible ASCII without spaces, 1 to 250 bytes"))
}

/// A time such as `2026-01-31T08:00:00Z`.
pub(crate) fn date(text: &LitStr) -> syn::Result<&LitStr> {
    let value = text.value();
    let shape: String = value.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let has_shape = shape.strip_prefix("0000-00-00T00:00:00").is_some_and(|rest| {
        let zone = match rest.strip_prefix('.') {
            Some(fraction) => fraction.trim_start_matches('0'),
            None => rest,
        };
        matches!(zone, "Z" | "+00:00" | "-00:00")
    });
    if has_shape {
        return Ok(text);
    }
    Err(syn::Error::new(
        text.span(),
        "a time is written like \"2026-01-31T08:00:00Z\", with Z or an offset such as +01:00",
    ))
}
