//! Decimals and lines as values of the rule language. Amounts and quantities stay exact: they add, subtract, multiply
//! and compare with each other and with whole numbers, and with nothing else.

use std::any::Any;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use cel::ExecutionError;
use cel::common::traits::{Adder, Comparer, Indexer, Multiplier, Negator, Subtractor};
use cel::common::types::{CelInt, CelList, CelString, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use rust_decimal::Decimal;

pub static DECIMAL: Type = Type::new_unspecified_type("decimal");
static LINE: Type = Type::new_unspecified_type("line");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exact(pub Decimal);

impl Exact {
    fn beside(self, rhs: &dyn Val) -> Result<Decimal, ExecutionError> {
        if let Some(Self(value)) = rhs.downcast_ref::<Self>() {
            return Ok(*value);
        }
        match rhs.downcast_ref::<CelInt>() {
            Some(whole) => Ok(Decimal::from(*whole.inner())),
            None => Err(ExecutionError::UnexpectedType {
                got: rhs.get_type().name().to_owned(),
                want: "decimal: write it as dec('1.50')".to_owned(),
            }),
        }
    }
}

/// More digits than a decimal holds is an error, never a rounded figure.
fn fits<'b, 'v>(result: Option<Decimal>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let too_large = || ExecutionError::FunctionError {
        function: "decimal".to_owned(),
        message: "the result has more than 28 digits".to_owned(),
    };
    Ok(CowVal::owned(Exact(result.ok_or_else(too_large)?)))
}

impl Val for Exact {
    fn get_type(&self) -> &Type {
        &DECIMAL
    }
    fn cel_type() -> &'static Type {
        &DECIMAL
    }
    fn as_adder<'b, 'v>(&'b self) -> Option<&'b (dyn Adder + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn as_subtractor<'b, 'v>(&'b self) -> Option<&'b (dyn Subtractor + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn as_multiplier<'b, 'v>(&'b self) -> Option<&'b (dyn Multiplier + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn as_negator<'b, 'v>(&'b self) -> Option<&'b (dyn Negator + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn as_comparer(&self) -> Option<&dyn Comparer> {
        Some(self)
    }
    fn equals(&self, other: &dyn Val) -> bool {
        self.beside(other).is_ok_and(|other| self.0 == other)
    }
    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(*self)
    }
    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Exact {}

impl Adder for Exact {
    fn add<'b, 'v>(&'b self, rhs: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        fits(self.0.checked_add(self.beside(rhs)?))
    }
}

impl Subtractor for Exact {
    fn sub<'b, 'v>(&'b self, rhs: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        fits(self.0.checked_sub(self.beside(rhs)?))
    }
}

impl Multiplier for Exact {
    fn mul<'b, 'v>(&'b self, rhs: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let rhs = self.beside(rhs)?;
        fits(self.0.checked_mul(rhs).filter(|product| product.scale() == self.0.scale() + rhs.scale()))
    }
}

impl Negator for Exact {
    fn negate<'b, 'v>(&'b self) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        Ok(Box::new(Self(-self.0)))
    }
}

impl Comparer for Exact {
    fn compare(&self, rhs: &dyn Val) -> Result<Ordering, ExecutionError> {
        Ok(self.0.cmp(&self.beside(rhs)?))
    }
}

/// `dec('1.50')`
pub fn dec<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = args.first().and_then(|a| a.downcast_ref::<CelString>()).map(CelString::inner).unwrap_or_default();
    let value = Decimal::from_str_exact(text).map_err(|_| ExecutionError::FunctionError {
        function: "dec".to_owned(),
        message: format!("`{text}` is no decimal of at most 28 digits"),
    })?;
    Ok(CowVal::owned(Exact(value)))
}

/// `sum(lines.map(l, l.shipped))`
pub fn sum<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let list = args.first().and_then(|a| a.downcast_ref::<CelList>());
    let mut total = Decimal::ZERO;
    for value in list.map(CelList::inner).unwrap_or_default() {
        let value = Exact(total).beside(&**value)?;
        total = total.checked_add(value).ok_or_else(|| ExecutionError::FunctionError {
            function: "sum".to_owned(),
            message: "the result has more than 28 digits".to_owned(),
        })?;
    }
    Ok(CowVal::owned(Exact(total)))
}

/// An order line: `line.shipped` and the like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineValue {
    pub texts: BTreeMap<&'static str, String>,
    pub figures: BTreeMap<&'static str, Exact>,
}

impl Val for LineValue {
    fn get_type(&self) -> &Type {
        &LINE
    }
    fn cel_type() -> &'static Type {
        &LINE
    }
    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Self>() == Some(self)
    }
    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }
    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for LineValue {}

impl Indexer for LineValue {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let name = index.downcast_ref::<CelString>().map(CelString::inner).unwrap_or_default();
        if let Some(figure) = self.figures.get(name) {
            return Ok(CowVal::Borrowed(figure));
        }
        match self.texts.get(name) {
            Some(text) => Ok(CowVal::owned(CelString::from(text.clone()))),
            None => Err(ExecutionError::NoSuchKey(std::sync::Arc::new(name.to_owned()))),
        }
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(index).map(CowVal::into_owned)
    }
}
