//! The serde serializer that writes canonical JSON.

use serde::Serialize;
use serde::ser;

use super::{CanonicalError, Obstacle, canonical, number};
use crate::pointer::Pointer;

/// Writes one value at the end of a buffer.
pub(super) struct Writer<'a>(pub(super) &'a mut Vec<u8>);

impl<'a> Writer<'a> {
    fn text(self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn string(self, text: &str) {
        self.0.push(b'"');
        for c in text.chars() {
            match c {
                '"' => self.0.extend_from_slice(b"\\\""),
                '\\' => self.0.extend_from_slice(b"\\\\"),
                '\u{8}' => self.0.extend_from_slice(b"\\b"),
                '\t' => self.0.extend_from_slice(b"\\t"),
                '\n' => self.0.extend_from_slice(b"\\n"),
                '\u{c}' => self.0.extend_from_slice(b"\\f"),
                '\r' => self.0.extend_from_slice(b"\\r"),
                c if c < ' ' => self.0.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes()),
                c => self.0.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        self.0.push(b'"');
    }

    fn list(mut self, variant: Option<&'static str>) -> List<'a> {
        self.open_variant(variant);
        self.0.push(b'[');
        List { out: self.0, length: 0, variant }
    }

    fn object(mut self, variant: Option<&'static str>) -> Object<'a> {
        self.open_variant(variant);
        Object { out: self.0, members: Vec::new(), key: None, variant }
    }

    fn open_variant(&mut self, variant: Option<&str>) {
        if let Some(variant) = variant {
            self.0.push(b'{');
            Writer(self.0).string(variant);
            self.0.push(b':');
        }
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty,)*) => {$(
        fn $method(self, value: $type) -> Result<(), CanonicalError> {
            self.text(&number::integer(i128::try_from(value).map_err(|_| Obstacle::Integer(value.to_string()))?)?);
            Ok(())
        }
    )*};
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = CanonicalError;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Object<'a>;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
    }

    fn serialize_f32(self, value: f32) -> Result<(), CanonicalError> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), CanonicalError> {
        self.text(&number::double(value)?);
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Result<(), CanonicalError> {
        self.text(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), CanonicalError> {
        self.string(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), CanonicalError> {
        self.string(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), CanonicalError> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), CanonicalError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CanonicalError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), CanonicalError> {
        self.text("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), CanonicalError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), CanonicalError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), CanonicalError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        let mut writer = self;
        writer.open_variant(Some(variant));
        value.serialize(Writer(writer.0)).map_err(|error| inside(error, None, |pointer| pointer.push(variant)))?;
        close_variant(writer.0, Some(variant));
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'a>, CanonicalError> {
        Ok(self.list(None))
    }

    fn serialize_tuple(self, _: usize) -> Result<List<'a>, CanonicalError> {
        Ok(self.list(None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List<'a>, CanonicalError> {
        Ok(self.list(None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List<'a>, CanonicalError> {
        Ok(self.list(Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, CanonicalError> {
        Ok(self.object(None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object<'a>, CanonicalError> {
        Ok(self.object(None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'a>, CanonicalError> {
        Ok(self.object(Some(variant)))
    }
}

fn close_variant(out: &mut Vec<u8>, variant: Option<&str>) {
    if variant.is_some() {
        out.push(b'}');
    }
}

/// The error seen from outside the list or object, and the enum variant around that.
fn inside(error: CanonicalError, variant: Option<&str>, step: impl FnOnce(&mut Pointer)) -> CanonicalError {
    error.inside(|pointer| {
        if let Some(variant) = variant {
            pointer.push(variant);
        }
        step(pointer);
    })
}

/// A list that is being written.
pub(super) struct List<'a> {
    out: &'a mut Vec<u8>,
    length: usize,
    variant: Option<&'static str>,
}

impl List<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        if self.length > 0 {
            self.out.push(b',');
        }
        let index = self.length;
        self.length += 1;
        value
            .serialize(Writer(self.out))
            .map_err(|error| inside(error, self.variant, |pointer| pointer.push_index(index)))
    }

    fn close(self) -> Result<(), CanonicalError> {
        self.out.push(b']');
        close_variant(self.out, self.variant);
        Ok(())
    }
}

/// An object that is being written; its members wait until all are there to be sorted.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    members: Vec<(String, Vec<u8>)>,
    key: Option<String>,
    variant: Option<&'static str>,
}

impl Object<'_> {
    fn member<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), CanonicalError> {
        match canonical(value) {
            Ok(text) => {
                self.members.push((key, text));
                Ok(())
            }
            Err(error) => Err(inside(error, self.variant, |pointer| pointer.push(&key))),
        }
    }

    fn close(mut self) -> Result<(), CanonicalError> {
        self.members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
        if let Some(pair) = self.members.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Obstacle::DuplicateKey(pair[0].0.clone()).into());
        }
        self.out.push(b'{');
        for (i, (key, value)) in self.members.iter().enumerate() {
            if i > 0 {
                self.out.push(b',');
            }
            Writer(self.out).string(key);
            self.out.push(b':');
            self.out.extend_from_slice(value);
        }
        self.out.push(b'}');
        close_variant(self.out, self.variant);
        Ok(())
    }
}

macro_rules! lists {
    ($($trait:ident::$method:ident,)*) => {$(
        impl ser::$trait for List<'_> {
            type Ok = ();
            type Error = CanonicalError;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
                self.item(value)
            }
            fn end(self) -> Result<(), CanonicalError> {
                self.close()
            }
        }
    )*};
}

lists! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

macro_rules! objects {
    ($($trait:ident,)*) => {$(
        impl ser::$trait for Object<'_> {
            type Ok = ();
            type Error = CanonicalError;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), CanonicalError> {
                self.member(key.to_owned(), value)
            }
            fn end(self) -> Result<(), CanonicalError> {
                self.close()
            }
        }
    )*};
}

objects! { SerializeStruct, SerializeStructVariant, }

impl ser::SerializeMap for Object<'_> {
    type Ok = ();
    type Error = CanonicalError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), CanonicalError> {
        let text = canonical(key)?;
        self.key = Some(serde_json::from_slice(&text).map_err(|_| Obstacle::Key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        let key = self.key.take().ok_or(Obstacle::Key)?;
        self.member(key, value)
    }

    fn end(self) -> Result<(), CanonicalError> {
        self.close()
    }
}
