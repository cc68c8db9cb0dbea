//! What a workflow looks like once it is derived: the words that pages, API and store share.
//! Values only; `derive` makes them.

use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value};

use super::slas::{Reckoning, SlaKind};

/// An exact amount of money. Two currencies are never added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Money {
    pub value: Decimal,
    pub currency: String,
}

/// The one word a list shows for a workflow, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Breached,
    AtRisk,
    /// A state (credit hold, backorder, failed message) stops it, no SLA is broken yet.
    Blocked,
    OnTrack,
    Done,
    Cancelled,
}

impl Status {
    pub const ALL: [Self; 6] =
        [Self::Breached, Self::AtRisk, Self::Blocked, Self::OnTrack, Self::Done, Self::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Breached => "breached",
            Self::AtRisk => "at_risk",
            Self::Blocked => "blocked",
            Self::OnTrack => "on_track",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A derived workflow: one root object and all that hangs from it, as of a moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Workflow {
    /// Key of the definition, for example `order-to-cash`.
    pub definition: String,
    pub definition_version: u32,
    pub title: String,
    #[serde(rename = "object")]
    pub root: ObjectRef,
    pub status: Status,
    /// Key of the furthest milestone reached, empty before the first.
    pub stage: String,
    /// Its place among the definition's milestones, from 1; 0 before the first.
    pub stage_number: u32,
    pub customer: Option<String>,
    pub amount: Option<Money>,
    pub priority: Option<String>,
    pub warehouse: Option<String>,
    pub carrier: Option<String>,
    pub lane: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Business time and words of the latest event.
    pub last_event: LastEvent,
    pub closed_at: Option<DateTime<Utc>>,
    pub milestones: Vec<Milestone>,
    pub lines: Vec<Line>,
    /// Items whose master data decides how units convert here.
    #[serde(skip)]
    pub items: Vec<String>,
    /// Names under which anything is stored that it is made of, or once was.
    #[serde(skip)]
    pub stored: Vec<ObjectRef>,
    /// Everything that hangs from the root, the root first, nearest next.
    pub objects: Vec<Member>,
    pub links: Vec<Link>,
    pub slas: Vec<Sla>,
    pub exceptions: Vec<Exception>,
    /// Exceptions that were cured.
    pub cured: Vec<Exception>,
    pub readiness: Readiness,
    /// What should be the same and is not.
    pub discrepancies: Vec<Discrepancy>,
    pub blocked_by: Option<Blocked>,
    /// What people, keys and rules did about it, newest first.
    pub activity: Vec<Activity>,
    pub as_of: DateTime<Utc>,
    /// When time alone will change something: the next warning, due time or end of a grace.
    #[serde(skip)]
    pub wakes_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastEvent {
    #[serde(rename = "type")]
    pub kind: String,
    pub system: String,
    pub occurred_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
}

/// An act on an object of the workflow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Activity {
    pub id: String,
    pub at: DateTime<Utc>,
    /// `person/anna`, `key/1f2e`, `rule/assign`.
    pub by: String,
    /// `exception.acknowledged`
    #[serde(rename = "type")]
    pub kind: String,
    pub object: ObjectRef,
    pub data: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reached {
    /// Every part of it.
    Full,
    /// Some shipments, some lines.
    Part,
    /// Not yet.
    No,
    /// Will not come: optional and passed, or the workflow was cancelled.
    Skipped,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Milestone {
    pub key: String,
    pub title: String,
    /// The system that is to report it.
    pub system: String,
    pub optional: bool,
    pub reached: Reached,
    /// Share of the whole that has reached it, 0 to 1, by the definition's roll-up; a ratio for bars, never money.
    pub share: Decimal,
    /// When it was fully reached (business time), or first partly reached.
    pub at: Option<DateTime<Utc>>,
    pub received_at: Option<DateTime<Utc>>,
    /// The system that reported it.
    pub by: Option<String>,
    /// The earliest due time of an SLA that waits for it.
    pub expected_at: Option<DateTime<Utc>>,
    /// Events that reached it.
    pub events: Vec<EventKey>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct EventKey {
    pub source: String,
    pub id: String,
}

/// A step of an order line, in the order of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Ordered,
    Cancelled,
    Allocated,
    Picked,
    Packed,
    Shipped,
    Delivered,
    Returned,
    Invoiced,
    Credited,
}

/// One order line through the whole chain. Quantities are in `unit`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Line {
    pub line: String,
    pub sku: String,
    pub unit: String,
    pub price: Option<Money>,
    /// The line of the kit that it is a component of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    pub ordered: Decimal,
    pub cancelled: Decimal,
    pub allocated: Decimal,
    pub picked: Decimal,
    pub packed: Decimal,
    pub shipped: Decimal,
    pub delivered: Decimal,
    pub returned: Decimal,
    pub invoiced: Decimal,
    pub credited: Decimal,
    /// The events behind the numbers, by step and time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// What cannot be so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flaws: Vec<Flaw>,
}

/// What one event adds to a number of a line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    pub step: Step,
    pub object: ObjectRef,
    pub event: EventKey,
    pub at: DateTime<Utc>,
    /// As it was said, in `unit`.
    pub quantity: Decimal,
    pub unit: String,
    /// In the line's unit; None when no conversion is known, or the quantity is beyond counting.
    pub counted: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub serials: Vec<String>,
}

/// An impossible combination on a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flaw {
    /// `over_shipment`, `unit_unknown`, `negative_quantity`, … (docs/events.md)
    pub code: String,
    pub step: Step,
    pub detail: String,
}

/// An object in the workflow with what is believed about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Member {
    pub object: ObjectRef,
    /// Other numbers that it is known by: `wms:W-7`, `customer_po@acme:4711`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Steps from the root; the root is 0.
    pub depth: u32,
    /// The verb of its latest event by its system of record: `shipped`, `issued`, …; empty when only referenced.
    pub state: String,
    pub amount: Option<Money>,
    pub events: u32,
    pub last_at: Option<DateTime<Utc>>,
    /// What each system believes, in flow order.
    pub beliefs: Vec<Belief>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Belief {
    pub system: String,
    pub state: String,
    pub since: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Link {
    pub from: ObjectRef,
    pub to: ObjectRef,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Open,
    AtRisk,
    Breached,
    Met,
    MetLate,
    /// Somebody said that it need not be kept.
    Waived,
    /// It was breached as first known, and a late event proved that it was met in time.
    Withdrawn,
    Cancelled,
}

impl Verdict {
    pub const ALL: [Self; 8] = [
        Self::Open,
        Self::AtRisk,
        Self::Breached,
        Self::Met,
        Self::MetLate,
        Self::Waived,
        Self::Withdrawn,
        Self::Cancelled,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::AtRisk => "at_risk",
            Self::Breached => "breached",
            Self::Met => "met",
            Self::MetLate => "met_late",
            Self::Waived => "waived",
            Self::Withdrawn => "withdrawn",
            Self::Cancelled => "cancelled",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sla {
    /// The policy, and the case of it that applies, with the reason.
    pub policy: String,
    pub case: String,
    pub why: String,
    pub title: String,
    pub kind: SlaKind,
    /// What it runs for: the root, or one shipment of it.
    pub object: ObjectRef,
    /// Milestone keys; of a propagation the event type and the system that is to know.
    pub from: String,
    pub to: String,
    pub started_at: DateTime<Utc>,
    /// When the start became known here.
    pub known_at: DateTime<Utc>,
    pub warn_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// As is known now.
    pub verdict: Verdict,
    /// As it was known when the time ran out.
    pub first_known: Option<Verdict>,
    /// How often it ran out (silence: how many stretches were too long).
    pub breaches: u32,
    /// Whose turn it is.
    pub system: String,
    /// A state stops it since then; it is due then as if it went on at once.
    pub standing_since: Option<DateTime<Utc>>,
    pub waiver: Option<Waiver>,
    pub forecast: Option<Forecast>,
    /// What ended it: the event that reached the milestone, or by which the other system spoke.
    #[serde(skip)]
    pub end: Option<Cured>,
    /// How the due time comes about, in words.
    pub arithmetic: Reckoning,
}

/// Who said that a clock need not be kept, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiver {
    pub at: DateTime<Utc>,
    pub by: String,
    pub reason: String,
}

/// When the end is to be expected, by how it went for others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// So many of a hundred alike were done by then.
    pub at: DateTime<Utc>,
    pub percent: u8,
    /// How many alike it is taken from, and what makes them alike: `carrier DHL, warehouse east-2`.
    pub sample: u32,
    pub alike: String,
}

/// Something a person should look at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exception {
    /// The same for the same kind, object and cause, always.
    pub id: String,
    /// `credit_hold`, `short_shipment`, `premature_invoice`, … (domain vocabulary, docs/events.md)
    pub kind: String,
    pub object: ObjectRef,
    /// One sentence with names and numbers.
    pub detail: String,
    pub since: DateTime<Utc>,
    /// Whose turn it is.
    pub system: String,
    /// Stops the workflow until it is cured.
    pub blocking: bool,
    /// When it could be known: not before its cause was received.
    pub known_at: DateTime<Utc>,
    /// How it ended; the exceptions of a workflow are those that have not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cured: Option<Cured>,
}

/// The end of an exception.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cured {
    /// Business time of what cured it, and when that could be known.
    pub at: DateTime<Utc>,
    pub known_at: DateTime<Utc>,
    /// The event that cured it; none where time or a person did.
    pub event: Option<EventKey>,
    /// Its type, or what cured it in a word.
    pub kind: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadinessState {
    NotDue,
    Blocked,
    Ready,
    Invoiced,
    Posted,
    Paid,
    Wrong,
}

impl ReadinessState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotDue => "not_due",
            Self::Blocked => "blocked",
            Self::Ready => "ready",
            Self::Invoiced => "invoiced",
            Self::Posted => "posted",
            Self::Paid => "paid",
            Self::Wrong => "wrong",
        }
    }
}

/// Whether the order can be invoiced, as a whole and in its parts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Readiness {
    pub state: ReadinessState,
    /// Rules that stand in the way, or what is wrong.
    pub reasons: Vec<Check>,
    pub since: Option<DateTime<Utc>>,
    /// `complete`, `per_shipment` or `hold`; empty where nothing is billed.
    pub policy: String,
    /// What is billed with one invoice each.
    pub units: Vec<Billable>,
    /// Whether policy or order ask for a proof of delivery before billing.
    #[serde(skip)]
    pub proof_required: bool,
    #[serde(skip)]
    pub wakes_at: Option<DateTime<Utc>>,
}

impl Readiness {
    /// Of a workflow that bills nothing.
    pub fn none() -> Self {
        let (reasons, policy, units) = (Vec::new(), String::new(), Vec::new());
        Self {
            state: ReadinessState::NotDue,
            reasons,
            since: None,
            policy,
            units,
            proof_required: false,
            wakes_at: None,
        }
    }
}

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Met,
    /// A person set it aside.
    Waived,
    /// Things take their course.
    Waits,
    /// Somebody must act.
    Blocks,
    /// It was billed, and should not have been so.
    Wrong,
    /// The rule could not be answered.
    Failed,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Waived => "waived",
            Self::Waits => "waits",
            Self::Blocks => "blocks",
            Self::Wrong => "wrong",
            Self::Failed => "failed",
        }
    }

    pub fn stands_in_the_way(self) -> bool {
        matches!(self, Self::Waits | Self::Blocks | Self::Wrong | Self::Failed)
    }
}

/// One rule's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// `pod_missing`, `charges_open`, `not_fully_shipped`, …
    pub code: String,
    pub group: String,
    pub title: String,
    pub outcome: Outcome,
    pub detail: String,
    pub since: Option<DateTime<Utc>>,
    /// Whose turn it is.
    pub system: String,
    pub next_step: String,
    pub evidence: Vec<Witness>,
}

/// An event that shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Witness {
    pub object: ObjectRef,
    #[serde(rename = "type")]
    pub kind: String,
    pub source: String,
    pub id: String,
    pub at: DateTime<Utc>,
}

/// What is billed with one invoice: an order, or a shipment of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Billable {
    pub object: ObjectRef,
    /// What of the order has not left, where its shipments are billed one by one.
    pub is_rest: bool,
    pub state: ReadinessState,
    pub reasons: Vec<Check>,
    pub since: Option<DateTime<Utc>>,
    /// Whose turn it is, and what is to be done.
    pub system: String,
    pub next_step: String,
    /// At stake: what remains to be billed, or what was billed. None where it is not known exactly.
    pub amount: Option<Money>,
    pub value: Option<Money>,
    pub billed: Option<Money>,
    pub remaining: Option<Money>,
    pub shipped_at: Option<DateTime<Utc>>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub proof_at: Option<DateTime<Utc>>,
    pub invoiced_at: Option<DateTime<Utc>>,
    pub posted_at: Option<DateTime<Utc>>,
    pub paid_at: Option<DateTime<Utc>>,
    /// Invoices that bill it.
    pub documents: Vec<ObjectRef>,
    pub warehouse: Option<String>,
    pub carrier: Option<String>,
    pub lines: Vec<BillableLine>,
    /// Every rule's answer, met or not.
    pub checks: Vec<Check>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BillableLine {
    pub line: String,
    pub sku: String,
    pub unit: String,
    pub price: Option<Money>,
    pub wanted: Decimal,
    pub shipped: Decimal,
    pub returned: Decimal,
    pub invoiced: Decimal,
    pub credited: Decimal,
    pub remaining: Decimal,
    pub remaining_amount: Option<Money>,
}

/// Two figures that should be the same, or a check of theirs that came out right.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Discrepancy {
    /// `shipped_not_billed`, `price_mismatch`, `freight`, …
    pub kind: String,
    pub object: ObjectRef,
    /// Line or item; empty for a whole document.
    pub line: String,
    /// Within tolerance: shown, not counted as open.
    pub matched: bool,
    pub detail: String,
    pub expected: Option<Decimal>,
    pub found: Option<Decimal>,
    /// Unit of the two figures, or their currency.
    pub unit: String,
    /// What it is about in money.
    pub value: Option<Money>,
    /// Further sums by name: `estimate`, `final`, `accrued`, `billed`.
    pub figures: Vec<(String, Money)>,
    pub since: DateTime<Utc>,
    /// Whose turn it is.
    pub system: String,
    pub evidence: Vec<Witness>,
}

/// The sentence "what blocks it, who acts, by when".
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Blocked {
    /// "Ship confirmation missing."
    pub what: String,
    /// Exception kind, or `waiting` for the next milestone.
    pub code: String,
    /// The system (and where known the site) whose turn it is.
    pub who: String,
    pub by_when: Option<DateTime<Utc>>,
    pub since: DateTime<Utc>,
}
