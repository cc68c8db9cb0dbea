//! The rule language: CEL over the figures of one order or shipment. A rule that cannot be right is refused before it is
//! used: what does not compile, names what is not there, does not say yes or no, counts in floating point, or loops
//! inside a loop. What fails only with real figures is an answer too: the rule's error, never a silent yes.

use std::sync::{Arc, LazyLock};

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue};
use cel::common::types::{CelBool, CelList, CelNull, CelString, CelTimestamp, LIST_TYPE, STRING_TYPE};
use cel::common::value::Val;
use cel::{Context, Env, ExecutionError, Program, Value};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::exact::{self, Exact, LineValue};

/// Longer ones are programs, not rules.
const MAX_CHARS: usize = 2_000;
/// Brackets within brackets, and operators in all: the parser goes down into itself for each.
const MAX_BRACKETS: usize = 20;
const MAX_OPERATORS: usize = 80;
/// Steps through lines in one rule.
const MAX_LOOPS: usize = 8;

/// What a rule may name, and what it is.
pub const VARIABLES: [(&str, &str); 27] = [
    ("unit", "`order` or `shipment`: what would be billed"),
    ("order", "id of the order"),
    ("shipment", "id of the shipment, empty when the order is billed as a whole"),
    ("customer", "as the order names it"),
    ("carrier", "of the load or shipment, may be empty"),
    ("warehouse", "may be empty"),
    ("priority", "may be empty"),
    ("policy", "`complete`, `per_shipment` or `hold`"),
    ("currency", "of the amount, empty when there is none"),
    ("value", "decimal: what all of it is worth"),
    ("billed", "decimal: what invoices say, less credits"),
    ("remaining", "decimal: what is still to be billed"),
    ("ordered", "decimal: all lines"),
    ("shipped", "decimal: all lines"),
    ("delivered", "decimal: all lines"),
    ("returned", "decimal: all lines"),
    ("proof_required", "bool"),
    ("is_shipped", "bool: everything that is to be billed has left"),
    ("is_delivered", "bool"),
    ("has_proof", "bool"),
    ("shipped_at", "timestamp in UTC or null"),
    ("delivered_at", "timestamp in UTC or null"),
    ("proof_at", "timestamp in UTC or null"),
    ("now", "timestamp in UTC"),
    ("events", "list of event types that were seen, for example 'customs.cleared'"),
    ("exceptions", "list of kinds of open exceptions"),
    (
        "lines",
        "list of lines: line, sku, unit (texts), ordered, cancelled, shipped, delivered, returned, invoiced, credited, price (decimals)",
    ),
];

/// Names with what they are.
pub type Names<'a> = &'a [(&'static str, &'static str)];

/// The figures of one order or shipment, as a rule sees them.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub texts: Vec<(&'static str, String)>,
    pub amounts: Vec<(&'static str, Decimal)>,
    pub flags: Vec<(&'static str, bool)>,
    pub times: Vec<(&'static str, Option<DateTime<Utc>>)>,
    pub lists: Vec<(&'static str, Vec<String>)>,
    pub lines: Vec<LineValue>,
}

/// A question that has passed all checks.
#[derive(Clone)]
pub struct Question {
    pub text: String,
    program: Arc<Program>,
}

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

impl PartialEq for Question {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// What is wrong with an expression, and at which byte of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    pub at: usize,
    pub what: String,
}

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    let declared = [
        env.add_type(exact::DECIMAL.to_owned()),
        env.add_overload("dec", "dec(string)", vec![STRING_TYPE.to_owned()], exact::dec),
        env.add_overload("sum", "sum(list)", vec![LIST_TYPE.to_owned()], exact::sum),
    ];
    debug_assert!(declared.iter().all(Result::is_ok), "{declared:?}");
    Arc::new(env)
});

impl Question {
    /// Reads and checks an expression that is to answer yes or no.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        Self::parse_with(text, &[])
    }

    /// The same, where some more names are known.
    pub fn parse_with(text: &str, more: Names<'_>) -> Result<Self, Wrong> {
        if text.chars().count() > MAX_CHARS {
            return Err(Wrong { at: 0, what: format!("a rule has at most {MAX_CHARS} characters") });
        }
        measure(text)?;
        let program = ENV.compile(text).map_err(|errors| {
            let first = errors.errors.first();
            let at = first.map_or(0, |e| byte_of(text, e.pos));
            Wrong { at, what: first.map_or_else(|| errors.to_string(), |e| e.msg.clone()) }
        })?;
        let names = VARIABLES.iter().chain(more).map(|(name, _)| *name).collect();
        let mut walk = Walk { program: &program, text, names, bound: Vec::new(), depth: 0, loops: 0 };
        walk.look(program.expression())?;
        let question = Self { text: text.to_owned(), program: Arc::new(program) };
        question.try_out()?;
        Ok(question)
    }

    pub fn ask(&self, figures: &Figures) -> Result<bool, String> {
        match self.program.execute(&figures.context()) {
            Ok(Value::Bool(answer)) => Ok(answer),
            Ok(other) => Err(format!("answers with {} instead of yes or no", other.type_of())),
            Err(error) => Err(said(&error)),
        }
    }

    /// With figures of the right kinds: what no figures could make right is found here.
    fn try_out(&self) -> Result<(), Wrong> {
        let wrong = |what: String| Err(Wrong { at: 0, what });
        match self.program.execute(&Figures::sample().context()) {
            Ok(Value::Bool(_)) => Ok(()),
            Ok(other) => wrong(format!("answers with {} instead of yes or no", other.type_of())),
            Err(
                error @ (ExecutionError::NoSuchOverload(_)
                | ExecutionError::UnexpectedType { .. }
                | ExecutionError::UndeclaredReference(_)
                | ExecutionError::ValuesNotComparable(..)
                | ExecutionError::UnsupportedBinaryOperator(..)
                | ExecutionError::NotSupportedAsMethod { .. }
                | ExecutionError::InvalidArgumentCount { .. }
                | ExecutionError::FunctionError { .. }
                | ExecutionError::NoSuchKey(_)),
            ) => wrong(said(&error)),
            // Others depend on the figures.
            Err(_) => Ok(()),
        }
    }
}

/// Refuses what is nested too deeply before the parser sees it. Texts in quotes do not count.
fn measure(text: &str) -> Result<(), Wrong> {
    let (mut depth, mut operators) = (0_usize, 0_usize);
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if let Some(end) = quote {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if c == end => quote = None,
                _ => {}
            }
            continue;
        }
        match c {
            '\'' | '"' => quote = Some(c),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '!' | '&' | '|' | '?' | ':' | '+' | '-' | '*' | '/' | '%' | '.' | '<' | '>' | '=' => operators += 1,
            _ => {}
        }
        if depth > MAX_BRACKETS || operators > 2 * MAX_OPERATORS {
            return Err(Wrong {
                at,
                what: "the rule is nested too deeply or too long: make it several rules".to_owned(),
            });
        }
    }
    Ok(())
}

fn said(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(name) => format!("a line has no `{name}`"),
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            format!("`{operator}` does not go with {} and {}", left.type_of(), right.type_of())
        }
        other => other.to_string(),
    }
}

/// The parser tells line and column, from 1 and 0.
fn byte_of(text: &str, (line, column): (isize, isize)) -> usize {
    let (line, column) = (usize::try_from(line).unwrap_or(1).max(1), usize::try_from(column).unwrap_or(0));
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = &text[start.min(text.len())..];
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len().min(column), |(at, _)| at)
}

/// Looks through an expression for what must not be in a rule.
struct Walk<'p> {
    program: &'p Program,
    text: &'p str,
    names: Vec<&'static str>,
    bound: Vec<String>,
    depth: usize,
    loops: usize,
}

impl Walk<'_> {
    fn wrong(&self, expression: &IdedExpr, what: String) -> Wrong {
        let chars = self.program.source_info().offset_for(expression.id).map_or(0, |(start, _)| start as usize);
        let at = self.text.char_indices().nth(chars).map_or(0, |(at, _)| at);
        Wrong { at, what }
    }

    fn look(&mut self, here: &IdedExpr) -> Result<(), Wrong> {
        match &here.expr {
            Expr::Literal(LiteralValue::Double(_)) => {
                Err(self.wrong(here, "a number with a decimal point is not exact: write dec('1.50')".to_owned()))
            }
            Expr::Literal(_) | Expr::Unspecified => Ok(()),
            Expr::Ident(name) => {
                let known =
                    name.starts_with('@') || self.bound.contains(name) || self.names.iter().any(|known| known == name);
                if known {
                    return Ok(());
                }
                let near = self.names.iter().max_by_key(|known| likeness(known, name)).copied().unwrap_or_default();
                Err(self.wrong(here, format!("`{name}` is not known; nearest is `{near}`")))
            }
            Expr::Call(call) => {
                if matches!(&*call.func_name, "double" | "_/_" | "_%_") {
                    let what =
                        format!("`{}` does not give exact figures; multiply instead", call.func_name.trim_matches('_'));
                    return Err(self.wrong(here, what));
                }
                call.target.iter().try_for_each(|t| self.look(t))?;
                call.args.iter().try_for_each(|a| self.look(a))
            }
            Expr::Select(select) => self.look(&select.operand),
            Expr::List(list) => list.elements.iter().try_for_each(|e| self.look(e)),
            Expr::Map(map) => map.entries.iter().try_for_each(|e| self.entry(&e.expr)),
            Expr::Struct(made) => made.entries.iter().try_for_each(|e| self.entry(&e.expr)),
            Expr::Comprehension(steps) => {
                self.look(&steps.iter_range)?;
                self.loops += 1;
                if self.depth > 0 || self.loops > MAX_LOOPS {
                    let what = "a loop inside a loop, or too many loops: a rule goes through the lines only once";
                    return Err(self.wrong(here, what.to_owned()));
                }
                self.depth += 1;
                let before = self.bound.len();
                self.bound.push(steps.iter_var.clone());
                self.bound.extend(steps.iter_var2.clone());
                self.bound.push(steps.accu_var.clone());
                let inside = [&steps.accu_init, &steps.loop_cond, &steps.loop_step, &steps.result];
                let done = inside.into_iter().try_for_each(|e| self.look(e));
                self.bound.truncate(before);
                self.depth -= 1;
                done
            }
        }
    }

    fn entry(&mut self, entry: &EntryExpr) -> Result<(), Wrong> {
        match entry {
            EntryExpr::StructField(field) => self.look(&field.value),
            EntryExpr::MapEntry(pair) => {
                self.look(&pair.key)?;
                self.look(&pair.value)
            }
        }
    }
}

/// How many letters in a row two names share at their beginnings and ends.
fn likeness(a: &str, b: &str) -> usize {
    let front = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let back = a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    front + back
}

impl Figures {
    fn context(&self) -> Context<'_, '_> {
        let mut context = Context::with_env(Arc::clone(&ENV));
        for (name, text) in &self.texts {
            context.add_variable_as_val(*name, Box::new(CelString::from(text.clone())));
        }
        for (name, amount) in &self.amounts {
            context.add_variable_as_val(*name, Box::new(Exact(*amount)));
        }
        for (name, flag) in &self.flags {
            context.add_variable_as_val(*name, Box::new(CelBool::from(*flag)));
        }
        for (name, time) in &self.times {
            let value: Box<dyn Val> = match time {
                Some(at) => Box::new(CelTimestamp::from(at.fixed_offset())),
                None => Box::new(CelNull),
            };
            context.add_variable_as_val(*name, value);
        }
        for (name, list) in &self.lists {
            let list: Vec<Box<dyn Val>> =
                list.iter().map(|text| Box::new(CelString::from(text.clone())) as Box<dyn Val>).collect();
            context.add_variable_as_val(*name, Box::new(CelList::from(list)));
        }
        let lines: Vec<Box<dyn Val>> = self.lines.iter().map(|l| Box::new(l.clone()) as Box<dyn Val>).collect();
        context.add_variable_as_val("lines", Box::new(CelList::from(lines)));
        context
    }

    /// One value of each kind.
    fn sample() -> Self {
        let texts = [
            "unit",
            "order",
            "shipment",
            "customer",
            "carrier",
            "warehouse",
            "priority",
            "policy",
            "currency",
            // Of actions only.
            "status",
            "stage",
            "readiness",
            "object",
            "object_type",
            "root",
        ];
        let amounts = ["value", "billed", "remaining", "ordered", "shipped", "delivered", "returned"];
        let flags = ["proof_required", "is_shipped", "is_delivered", "has_proof"];
        let times = ["shipped_at", "delivered_at", "proof_at", "now"];
        let line = LineValue {
            texts: ["line", "sku", "unit"].into_iter().map(|n| (n, "X".to_owned())).collect(),
            figures: LINE_FIGURES.into_iter().map(|n| (n, Exact(Decimal::ONE))).collect(),
        };
        Self {
            texts: texts.into_iter().map(|n| (n, "X".to_owned())).collect(),
            amounts: amounts.into_iter().map(|n| (n, Decimal::ONE)).collect(),
            flags: flags.into_iter().map(|n| (n, true)).collect(),
            times: times.into_iter().map(|n| (n, DateTime::from_timestamp(1_790_000_000, 0))).collect(),
            lists: ["events", "exceptions"].into_iter().map(|n| (n, vec!["x.y".to_owned()])).collect(),
            lines: vec![line],
        }
    }
}

pub const LINE_FIGURES: [&str; 8] =
    ["ordered", "cancelled", "shipped", "delivered", "returned", "invoiced", "credited", "price"];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn wrong(text: &str) -> String {
        let wrong = Question::parse(text).expect_err("refused");
        format!("{}: {}", wrong.at, wrong.what)
    }

    fn ask(text: &str) -> Result<bool, String> {
        Question::parse(text).unwrap().ask(&Figures::sample())
    }

    #[test]
    fn money_is_compared_exactly() {
        let mut figures = Figures::sample();
        figures.amounts.retain(|(n, _)| *n != "remaining");
        // One third of a cent less than a float could tell.
        figures.amounts.push(("remaining", "9007199254740993.01".parse().unwrap()));
        let more = Question::parse("remaining > dec('9007199254740993.00')").unwrap();
        let less = Question::parse("remaining > dec('9007199254740993.01')").unwrap();
        assert_eq!((more.ask(&figures), less.ask(&figures)), (Ok(true), Ok(false)));
        assert_eq!(ask("dec('0.1') + dec('0.2') == dec('0.3')"), Ok(true));
        assert_eq!(ask("value * 3 - 2 == dec('1.00') && -value < 0"), Ok(true));
        assert_eq!(ask("sum(lines.map(l, l.shipped * l.price)) == value"), Ok(true));
    }

    #[test]
    fn rules_see_times_lists_and_lines() {
        assert_eq!(ask("'x.y' in events && !('credit_hold' in exceptions)"), Ok(true));
        assert_eq!(ask("now - delivered_at < duration('48h')"), Ok(true));
        assert_eq!(ask("lines.all(l, l.shipped >= l.ordered - l.cancelled && l.sku != 'GIFT')"), Ok(true));
    }

    #[test]
    fn what_cannot_be_right_is_refused_with_its_place() {
        assert!(wrong("value > ").starts_with("8: "), "{}", wrong("value > "));
        assert_eq!(wrong("value > 0 && costumer == 'A'"), "13: `costumer` is not known; nearest is `customer`");
        assert_eq!(wrong("value > 1.5"), "8: a number with a decimal point is not exact: write dec('1.50')");
        assert!(wrong("value / 2 > 1").contains("does not give exact figures"));
        assert!(wrong("customer").contains("instead of yes or no"));
        assert!(wrong("value > customer").contains("overload"), "{}", wrong("value > customer"));
        assert!(wrong("nothing(value)").contains("nothing"));
        assert!(wrong("lines.all(a, lines.all(b, a.line != b.line))").contains("a loop inside a loop"));
        assert!(wrong("lines.all(l, l.colour == 'red')").contains("a line has no `colour`"));
        assert!(wrong("dec('1e400') > value").contains("no decimal"));
        assert!(wrong(&format!("customer == '{}'", "x".repeat(2_000))).contains("at most 2000 characters"));
    }

    /// On a small stack, as the server's threads have it.
    #[test]
    fn deeply_nested_rules_are_refused_and_break_nothing() {
        for text in [
            format!("{}true{}", "(".repeat(900), ")".repeat(900)),
            format!("{}true", "!".repeat(1_900)),
            format!("{}1 == 1", "-".repeat(1_900)),
            format!("1 == 1{}", " + 1".repeat(480)),
            format!("true{}", " && true".repeat(240)),
            format!("{}1{} == 1", "[".repeat(900), "]".repeat(900)),
            format!("customer{} == ''", ".a".repeat(900)),
            format!("true{}", " ? true : true".repeat(140)),
        ] {
            let asked =
                std::thread::Builder::new().stack_size(1 << 20).spawn(move || Question::parse(&text).map(|_| ()));
            drop(asked.expect("a thread").join().expect("no panic"));
        }
        assert!(wrong(&format!("{}true{}", "(".repeat(900), ")".repeat(900))).contains(':'));
    }

    #[test]
    fn what_fails_with_real_figures_is_told_and_not_taken_for_yes() {
        let rule = Question::parse("now > proof_at").unwrap();
        let mut figures = Figures::sample();
        figures.times.retain(|(n, _)| *n != "proof_at");
        figures.times.push(("proof_at", None));
        assert!(rule.ask(&figures).is_err());
        figures.amounts.retain(|(n, _)| *n != "value");
        figures.amounts.push(("value", Decimal::MAX));
        assert!(Question::parse("value + value > 0").unwrap().ask(&figures).unwrap_err().contains("28 digits"));
    }
}
