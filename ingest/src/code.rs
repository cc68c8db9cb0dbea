//! The stable codes of refusals. docs/events.md and docs/registry.json list the same; a test compares them.

use crate::Stage;

macro_rules! codes {
    ($($variant:ident $text:literal $stage:ident $meaning:literal)*) => {
        /// Why something was refused, for machines. Codes are added, never renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $meaning] $variant,)* }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            pub fn stage(self) -> Stage {
                match self { $(Self::$variant => Stage::$stage,)* }
            }

            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

codes! {
    CannotUnpack "cannot_unpack" Decode "The body says that it is compressed, and cannot be unpacked as such."
    EmptyBody "empty_body" Decode "The body holds nothing."
    InvalidUtf8 "invalid_utf8" Decode "The bytes are not UTF-8."
    InvalidJson "invalid_json" Decode "The text is not JSON."
    InvalidProtobuf "invalid_protobuf" Decode "The bytes are not the protobuf message that was announced, or they end too early."
    InvalidBase64 "invalid_base64" Decode "A base64 text cannot be decoded."
    DuplicateKey "duplicate_key" Decode "An object has the same key twice, so what was meant cannot be told."
    NulInText "nul_in_text" Decode "A text holds the character U+0000."
    TooDeep "too_deep" Decode "Arrays and objects are nested deeper than the limit."
    TooManyItems "too_many_items" Decode "The payload has more records than the limit."
    TooManyAttributes "too_many_attributes" Decode "A record or its resource has more attributes than the limit."
    NameTooLong "name_too_long" Decode "A field or attribute name is longer than the limit."
    ValueTooLong "value_too_long" Decode "A text value is longer than the limit."
    UnsupportedSpecversion "unsupported_specversion" Decode "The CloudEvents version is not 1.0."
    MissingField "missing_field" Validate "A required field is missing."
    EmptyValue "empty_value" Validate "A field that names something is empty or only white space."
    InvalidId "invalid_id" Validate "An id has control characters, or white space at its ends."
    IdTooLong "id_too_long" Validate "An id is longer than the limit."
    ReservedName "reserved_name" Validate "The source or system is a name under which Milepost itself speaks."
    UnknownEventType "unknown_event_type" Validate "No contract describes this event type."
    UnknownSchemaVersion "unknown_schema_version" Validate "The event type has no contract of this version."
    UnknownObjectType "unknown_object_type" Validate "No business object has this type."
    WrongObjectType "wrong_object_type" Validate "The event type does not happen to objects of this type."
    TooManyRefs "too_many_refs" Validate "The event has more links than the limit."
    TimeWithoutZone "time_without_zone" Validate "A time has no offset, so the moment cannot be told."
    InvalidTime "invalid_time" Validate "A time is not RFC 3339, or not in the calendar."
    TimeOutOfRange "time_out_of_range" Validate "A business time lies outside the years 2000 to 2199."
    WrongType "wrong_type" Validate "A value has another JSON type than the contract says."
    NotInList "not_in_list" Validate "A value is none of those that the contract lists."
    WrongFormat "wrong_format" Validate "A text does not have the form that the contract describes."
    OutOfRange "out_of_range" Validate "A number, text or list is smaller or larger than the contract allows."
    InexactNumber "inexact_number" Validate "A quantity or amount cannot be kept exactly."
    ContractViolation "contract_violation" Validate "Another rule of the contract is broken."
    ConflictingDuplicate "conflicting_duplicate" Validate "An event with this id was taken before and said something else. The first one stays."
    ConflictingAttributes "conflicting_attributes" Map "Two attributes claim the same place in the event's data."
    UnmappedValue "unmapped_value" Map "The mapping file lists values for this attribute, and this one is not among them."
}
