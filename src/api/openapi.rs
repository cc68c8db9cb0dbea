//! The description of everything that programs can ask and send: one table, from which OpenAPI 3.1 and the page for people
//! are made. A test compares it with the addresses that the server answers.

use serde_json::{Map, Value, json};

use super::Answer;
use super::answer::ok;

/// One thing that can be asked or done.
pub struct Operation {
    pub method: &'static str,
    pub path: &'static str,
    pub tag: &'static str,
    pub title: &'static str,
    pub about: &'static str,
    pub key: Needs,
    /// Name and meaning of what may stand behind the `?`.
    pub query: &'static [(&'static str, &'static str)],
    /// Name, type and meaning of the fields of a JSON body; a name ending in `?` may be left out.
    pub body: &'static [(&'static str, &'static str, &'static str)],
    /// Content types of a body that is no JSON object of ours.
    pub sends: &'static [&'static str],
    /// Name, type and meaning of the fields of the answer.
    pub answer: &'static [(&'static str, &'static str, &'static str)],
    /// Content type of the answer.
    pub gives: &'static str,
}

/// Which key a request must show.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    Send,
    Read,
    Operate,
    None,
}

impl Needs {
    pub fn words(self) -> &'static str {
        match self {
            Self::Send => "a key made with `milepost key create --source S`",
            Self::Read => "a key made with `--read` or `--operate`",
            Self::Operate => "a key made with `--operate`",
            Self::None => "no key",
        }
    }
}

const PAGED: [(&str, &str); 2] = [
    ("after", "What an answer gave as `next`: where the page begins."),
    ("limit", "Rows of a page, 1 to 500; 50 unless given."),
];
const JSON: &str = "application/json";
const LISTED: &[(&str, &str, &str)] = &[
    ("items", "array", "The rows of this page."),
    ("next", "string|null", "Give it back as `after` for what follows; null at the end."),
    ("total", "integer?", "How many there are in all, where that is cheap to say."),
];
const TAKEN: &[(&str, &str, &str)] = &[
    ("accepted", "integer", "Records taken and on disk."),
    ("duplicates", "integer", "Records that had been taken before."),
    (
        "rejected",
        "array",
        "Refused records with `index`, `code`, `pointer`, `expected`, `found`, `detail`, `payload_id`.",
    ),
    ("payload_ids", "array?", "Of dead letters: under which ids they are kept."),
];
const GROUP: &[(&str, &str, &str)] = &[
    ("id", "string", "Sixteen hexadecimal digits."),
    ("title", "string", "What failed, in words."),
    ("state", "string", "`open`, `acknowledged`, `resolved` or `ignored`."),
    ("returned", "boolean", "It was resolved or ignored, and failed again since."),
    ("owner", "string|null", "Who takes care of it."),
    ("runbook", "string|null", "What to do when this fails."),
    ("stage", "string", "`decode`, `validate`, `map`, `deliver` or `process`."),
    ("code", "string", "Stable code of the cause."),
    ("pointer", "string", "JSON pointer of the field at fault, of the example."),
    ("count", "integer", "Failed records in it."),
    ("last_hour", "integer", "Of these, in the last hour."),
    ("hours", "array", "In each of the last 24 hours, the running one last."),
    (
        "affected",
        "object",
        "`objects`, `orders`, `workflows`, `customers`, `breached`, `at_risk`, and `amounts` per currency.",
    ),
    ("example", "string", "Id of a failed record that is good to look at first."),
    ("as_of", "string", "When this was counted."),
    ("details", "object?", "Of one group: distinct bad `values`, `acts`, `merged` groups, `splits`."),
];
const PAYLOAD: &[(&str, &str, &str)] = &[
    ("payload_id", "string", "Its id; with `.n` the n-th record in it."),
    ("form", "string", "How it was written."),
    ("source", "string", "Who sent it."),
    ("headers", "array", "Pairs of name and value."),
    ("bytes", "integer", "Its size."),
    ("masked", "boolean", "Secrets and personal data stand as dots."),
    ("body", "string?", "As text where it is UTF-8."),
    ("body_base64", "string?", "Else as base64."),
    ("record", "any?", "The record asked for, as it was read."),
    (
        "problems",
        "array",
        "What was wrong: `stage`, `code`, `pointer`, `offset`, `expected`, `found`, `detail`, `attempts`, `target`, …",
    ),
];

macro_rules! operation {
    ($method:literal $path:literal, $tag:literal, $title:literal, $about:literal, $key:ident
        $(, query $query:expr)? $(, body $body:expr)? $(, sends $sends:expr)? $(, answer $answer:expr)? $(, gives $gives:expr)?) => {{
        #[allow(unused_mut, unused_assignments, reason = "each operation has its part of these")]
        const fn operation() -> Operation {
            let mut it = Operation {
                method: $method, path: $path, tag: $tag, title: $title, about: $about, key: Needs::$key,
                query: &[], body: &[], sends: &[], answer: &[], gives: JSON,
            };
            $(it.query = $query;)?
            $(it.body = $body;)?
            $(it.sends = $sends;)?
            $(it.answer = $answer;)?
            $(it.gives = $gives;)?
            it
        }
        operation()
    }};
}

pub const OPERATIONS: &[Operation] = &[
    operation!("post" "/v1/events", "Send", "Send events",
        "Events as JSON, one or an array, as lines, or as CloudEvents in any mode. 200 means: on disk. A refused record does not hold up its neighbours.",
        Send, sends &["application/json", "application/x-ndjson", "application/cloudevents+json", "application/cloudevents-batch+json"], answer TAKEN),
    operation!("post" "/v1/dead-letters", "Send", "Hand over dead letters",
        "Payloads that another system gave up on, one or an array: kept whole and shown among the failures.", Send,
        body &[
            ("payload?", "any", "The payload as text or as JSON in place; this or `payload_base64`."),
            ("payload_base64?", "string", "The payload as base64, for bytes that are no text."),
            ("headers?", "object", "Headers of the message that failed."),
            ("target?", "string", "Where it could not be brought."),
            ("reason?", "string", "One sentence."),
            ("code?", "string", "A stable code of the cause."),
            ("stage?", "string", "`validation`, `transformation`, `delivery` or `processing`."),
            ("pointer?", "string", "JSON pointer of the field at fault."),
            ("expected?", "string", "What was expected there."),
            ("found?", "string", "What was found there."),
            ("attempts?", "integer", "How often it was tried."),
            ("id?", "string", "Your id of the letter; the same letter again counts once."),
            ("source?", "string", "Whose message it is, when not of the key's source."),
            ("event_type?", "string", "What it would have been."),
            ("event_id?", "string", "Its id as an event."),
            ("object?", "any", "The business object, `order/SO-1` or `{type, id}`."),
        ], answer TAKEN),
    operation!("post" "/v1/traces", "Send", "Send OTLP traces", "OTLP/HTTP, on its own port (4318).", Send,
        sends &["application/x-protobuf", "application/json"]),
    operation!("post" "/v1/logs", "Send", "Send OTLP logs", "OTLP/HTTP, on its own port (4318).", Send,
        sends &["application/x-protobuf", "application/json"]),
    operation!("post" "/v1/metrics", "Send", "Send OTLP metrics", "OTLP/HTTP, on its own port (4318).", Send,
        sends &["application/x-protobuf", "application/json"]),
    operation!("get" "/api/v1/workflows", "Workflows", "List workflows", "Every filter of the page.", Read,
        query &[
            ("q", "Key, customer or object."), ("status", "One or several, separated by commas."), ("stage", "A milestone."),
            ("definition", "A definition."), ("system", "Whose turn it is."), ("customer", "A customer."),
            ("warehouse", "A warehouse."), ("carrier", "A carrier."), ("readiness", "A state of readiness."),
            ("exception", "A kind of exception."), ("closed", "true or false."), ("sort", "due, updated or created."),
            ("from", "Created at or after."), ("to", "Created before."), PAGED[0], PAGED[1],
        ], answer LISTED),
    operation!("get" "/api/v1/workflows/{type}/{id}", "Workflows", "One workflow",
        "Milestones, lines, objects, SLAs, exceptions, readiness.", Read, query &[("as_of", "The state as it was known at a time.")]),
    operation!("get" "/api/v1/workflows/{type}/{id}/actions", "Workflows", "Actions on a workflow",
        "What may be asked of other systems about it as it stands now, and what came of what was asked before.", Read,
        answer &[("items", "array", "Actions that are offered, each for one object of the workflow."), ("made", "array", "The newest first.")]),
    operation!("post" "/api/v1/workflows/{type}/{id}/actions/{name}", "Workflows", "Ask for an action",
        "Calls the action's target once; with the same `Idempotency-Key` it is the same call. Its outcome is that of the replay it gives.", Operate,
        body &[("reason", "string", "Why."), ("object?", "object", "`type` and `id`, where the action is offered for several objects.")],
        answer &[("replay_id", "string", "The job of this call."), ("again", "boolean", "It was asked for before.")]),
    operation!("get" "/api/v1/objects/{type}/{id}", "Workflows", "One object with its events", "Its state, links and events.", Read),
    operation!("post" "/api/v1/objects/{type}/{id}/comments", "Workflows", "Comment on an object", "Shown in the activity of its workflow.",
        Operate, body &[("text", "string", "Up to 2,000 characters.")]),
    operation!("post" "/api/v1/objects/{type}/{id}/{deed}", "Workflows", "Link, part or merge objects by hand",
        "`link`, `unlink` or `merge` with another object, or `undo` an act. Survives recomputation; every act can be taken back.",
        Operate, body &[("other", "object?", "The other object: type and id."), ("reason", "string", "Why."), ("act", "string?", "Id of the act to undo.")]),
    operation!("post" "/api/v1/held/{type}/{id}/{deed}", "Workflows", "Settle what is held",
        "`link` it, `release` it from waiting, `discard` it, or `undo` an act.",
        Operate, body &[("other", "object?", "The other object: type and id."), ("reason", "string", "Why."), ("act", "string?", "Id of the act to undo.")]),
    operation!("post" "/api/v1/payloads/{id}/edits", "Replays", "Edit a failed payload",
        "Keeps another version beside the original and says what is still wrong with it. Tenant, source and event id stay as they are.", Operate,
        body &[("body", "any", "The whole payload or record, as text or as JSON in place."),
            ("of?", "string", "Judged by contracts and mapping of `now`, or of `then`, when the payload came.")],
        answer &[("edit_id", "string", "Give it to a replay as `edit`."), ("problems", "array", "What the contract still has against it.")]),
    operation!("post" "/api/v1/replays", "Replays", "Replay failed payloads",
        "Freezes the selection and starts a job; the same selection asked for again while it goes on is the same job, and the same `Idempotency-Key` is at any time. With `dry_run` nothing is written: `forecast` says what would change.",
        Operate,
        body &[
            ("payloads?", "array", "Ids of payloads or records, `3f` or `3f.2`; or a group, or a filter."),
            ("group?", "string", "Id of a failure group."),
            ("filter?", "object", "The filters of the list of failures, by name."),
            ("edit?", "string", "An edit, of the one payload that is named."),
            ("rule?", "array", "Steps `set`, `rename`, `map`, `delete` at JSON pointers, for every record."),
            ("through", "string", "`pipeline`, or `target:NAME`."),
            ("of?", "string", "Contracts and mapping of `now`, or of `then`: those that each payload was read by when it came. What is kept no more is left out as `rules_not_kept`."),
            ("dry_run?", "boolean", "Only say what would change."),
            ("reason?", "string", "Why; needed unless it is a dry run."),
            ("rate?", "integer", "Per second; as fast as it goes unless given."),
            ("at_once?", "integer", "Under way at the same time."),
            ("ramp?", "boolean", "1, 5, 20 and 100 percent, each only when all before it has come to an end."),
            ("stop_percent?", "integer", "Stands still when more than this share fails."),
            ("starts_at?", "string", "When to begin."),
        ],
        answer &[("id", "string|null", "The job."), ("count", "integer", "Records that go."),
            ("again", "boolean?", "The job was there already."), ("excluded", "object?", "What was left out, with why."),
            ("forecast", "object?", "Of a dry run.")]),
    operation!("get" "/api/v1/replays", "Replays", "List replays", "The newest first.", Read, query &PAGED, answer LISTED),
    operation!("get" "/api/v1/replays/{id}", "Replays", "One replay", "State, counts by outcome, and its items.", Read,
        query &[("after", "Position after which items begin."), ("limit", "Items of an answer, up to 20,000.")]),
    operation!("post" "/api/v1/replays/{id}/pause", "Replays", "Pause a replay", "What is under way comes to its end.", Operate),
    operation!("post" "/api/v1/replays/{id}/resume", "Replays", "Go on with a replay", "After a pause, or when it stopped by itself.", Operate),
    operation!("post" "/api/v1/replays/{id}/cancel", "Replays", "Cancel a replay", "What has not gone out stays.", Operate),
    operation!("post" "/api/v1/replays/{id}/rest", "Replays", "Replay the rest",
        "A new job of what an ended one did not bring through.", Operate, body &[("reason", "string", "Why.")]),
    operation!("get" "/api/v1/exceptions", "Exceptions", "List exceptions",
        "What a person should look at, the most urgent first: all that is not closed, unless a state is asked for.", Read,
        query &[
            ("kind", "One or several kinds, separated by commas."), ("state", "open, acknowledged, snoozed, waived, closed; several separated by commas."),
            ("severity", "critical, warning or info."), ("owner", "A person, or `nobody`."), ("team", "A team."), ("system", "Whose turn it is."),
            ("customer", "A customer."), ("warehouse", "A warehouse."), ("carrier", "A carrier."), ("reason", "A reason code."),
            ("muted", "yes: only clocks that a silent source explains; no: none of them; any."), ("q", "How an id begins, or a part of a customer's name."),
            ("from", "Known since."), ("sort", "urgent, since, new or amount."), PAGED[0], PAGED[1],
        ], answer LISTED),
    operation!("get" "/api/v1/exceptions/{id}", "Exceptions", "One exception",
        "What it is, whose it is, what depends on it, and what was done about it.", Read),
    operation!("post" "/api/v1/exceptions/{id}/{deed}", "Exceptions", "Do something about an exception",
    "The deed is acknowledge, assign, snooze, waive, comment or reopen. `Idempotency-Key` makes a repetition the same act.", Operate,
    body &[
        ("until?", "string", "Of acknowledge and snooze: open again then, as RFC 3339."),
        ("event?", "string", "Of snooze: until an event of this type comes."), ("count?", "integer", "Of snooze: until so many events have come."),
        ("owner?", "string", "Of assign: a person; empty takes it away."), ("team?", "string", "Of assign: a team."),
        ("text?", "string", "Words; needed for comment, and for waive unless it has a code."), ("code?", "string", "A reason code of exceptions.toml."),
    ]),
    operation!("get" "/api/v1/slas", "SLAs", "List clocks", "Every clock that started, those due first.", Read,
        query &[
            ("state", "open, at_risk, breached, met, met_late, waived, cancelled, withdrawn; several separated by commas."), ("policy", "A policy."),
            ("definition", "A definition."), ("kind", "duration, promise, propagation, silence or completion."), ("system", "Whose turn it is."),
            ("customer", "A customer."), ("warehouse", "A warehouse."), ("carrier", "A carrier."), ("cause", "What stood in the way."),
            ("q", "How an id begins, or a part of a customer's name."), ("sort", "due or newest."), PAGED[0], PAGED[1],
        ], answer LISTED),
    operation!("get" "/api/v1/breaches", "SLAs", "List breaches", "Clocks that ran out, with the exception and who has it.", Read,
        query &[
            ("state", "open, closed or all."), ("policy", "A policy."), ("definition", "A definition."),
            ("kind", "duration, promise, propagation, silence or completion."), ("system", "Whose turn it is."),
            ("customer", "A customer."), ("warehouse", "A warehouse."), ("carrier", "A carrier."), ("cause", "What stood in the way."),
            ("q", "How an id begins, or a part of a customer's name."), ("sort", "due or newest."), PAGED[0], PAGED[1],
        ], answer LISTED),
    operation!("get" "/api/v1/held", "Workflows", "What is held", "Objects that hang from nothing yet, the oldest first.", Read,
        query &PAGED, answer LISTED),
    operation!("get" "/api/v1/export", "Files", "Export events or objects", "As lines of JSON or as CSV.", Read, gives "application/x-ndjson"),
    operation!("get" "/api/v1/readiness", "Billing", "What can be invoiced", "Each order and shipment with every rule that holds it up, and the money that waits.", Read,
        query &[
            ("state", "not_due, blocked, ready, wrong, invoiced, posted, paid; several separated by commas; all. Without it what is open: the first four."),
            ("reason", "A rule."), ("age", "Days since delivery: 0-1, 2-3, 4-7, 8-14, 15-30 or 31+."),
            ("customer", "A customer."), ("carrier", "A carrier."), ("system", "Whose turn it is."), ("currency", "A currency."),
            ("q", "How an id begins."), ("as_of", "The state at a time."), PAGED[0], PAGED[1],
        ], answer LISTED),
    operation!("post" "/api/v1/readiness/{type}/{id}/{decision}", "Billing", "Decide about a bill",
        "`hold`, `release`, `ready` (sets the reasons aside that stand), `unmark`, or `ask` an owner. Kept as an act on the order or shipment.", Operate,
        body &[
            ("reason", "string", "Why."), ("object?", "object", "Type and id of a shipment of the order; else the order."),
            ("until?", "string", "Of hold: a day or a time; else until released."), ("owner?", "string", "Of ask: whom."),
            ("codes?", "array", "Of ready: which reasons; else all that stand."),
        ], answer &[("id", "string", "Id of the act."), ("stored", "boolean", "It can be seen already.")]),
    operation!("get" "/api/v1/freezes", "Files", "Moments that lists can be asked as of",
        "Of workflows, exceptions and breaches; readiness, reconciliation and failures can be asked as of any moment.", Read,
        answer &[("items", "array", "List, moment, who froze it and how many rows it has; the newest first.")]),
    operation!("post" "/api/v1/freezes", "Files", "Freeze a list", "Sets it aside as it stands; files of it take the answer as `as_of`.", Operate,
        body &[("list", "string", "workflows, exceptions, breaches, readiness, reconciliation or failures.")],
        answer &[("list", "string", "The list."), ("as_of", "string", "The moment.")]),
    operation!("get" "/api/v1/reconciliation", "Billing", "What does not agree", "Ordered, shipped and invoiced; estimated, final and billed; accrued and invoiced; moved and posted.", Read,
        query &[
            ("kind", "Which comparison."), ("matched", "yes shows what matches too."), ("customer", "A customer."), ("carrier", "A carrier."),
            ("q", "How an id begins."), ("as_of", "The state at a time."), PAGED[0], PAGED[1],
        ], answer LISTED),
    operation!("get" "/api/v1/failure-groups", "Failures", "List groups of failures",
        "Failures of one cause form a group; with what hangs on it.", Read,
        query &[
            ("q", "Object id, event id, or words of the reason."), ("state", "open, acknowledged, resolved, ignored, active (the first two) or all."),
            ("source", "A source."), ("stage", "A stage."), ("code", "A code."), ("type", "An event type."),
            ("from", "Failed at or after."), ("to", "Failed before."), PAGED[0], PAGED[1],
        ], answer LISTED),
    operation!("get" "/api/v1/failure-groups/{id}", "Failures", "One group", "With its bad values, acts and rules.", Read, answer GROUP),
    operation!("post" "/api/v1/failure-groups/{id}/acts", "Failures", "Do something with a group",
        "Acknowledge, resolve, ignore, assign, merge, split. Every act is kept; rules can be taken back.", Operate,
        body &[
            ("act", "string", "`acknowledged`, `resolved`, `ignored`, `reopened`, `assigned`, `runbook_set`, `merged`, `unmerged`, `split`, `rejoined`."),
            ("reason?", "string", "Needed for `resolved` and `ignored`."),
            ("days?", "integer", "Ignore so long, whatever comes; else until it fails again."),
            ("owner?", "string", "For `assigned`; empty for nobody."),
            ("runbook?", "string", "For `runbook_set`."),
            ("into?", "string", "For `merged`: the other group."),
            ("by?", "string", "For `split` and `rejoined`: `found`, `source`, `event_type`, `object_type`, `target` or `schema_version`."),
            ("value?", "string", "For `split` and `rejoined`: the value that stands apart."),
        ], answer GROUP),
    operation!("get" "/api/v1/failures", "Failures", "List failed records", "The newest first.", Read,
        query &[
            ("group", "Id of a group."), ("q", "Object id, event id, or words of the reason."), ("source", "A source."),
            ("stage", "A stage."), ("code", "A code."), ("type", "An event type."), ("found", "The bad value, exactly."),
            ("from", "Failed at or after."), ("to", "Failed before."), PAGED[0], PAGED[1],
        ], answer LISTED),
    operation!("get" "/api/v1/payloads/{id}", "Failures", "One payload", "With its problems; `{id}.{n}` for one record of it. Secrets and personal data are masked.", Read, answer PAYLOAD),
    operation!("get" "/api/v1/payloads/{id}/raw", "Failures", "Bytes of a payload",
        "To the letter. Payloads that hold secrets only to keys that may act, and that is kept.", Read, gives "application/octet-stream"),
    operation!("post" "/api/v1/payloads/{id}/unmask", "Failures", "See hidden values", "For fifteen minutes, for this key. The reason is kept.", Operate,
        body &[("reason", "string", "Why.")], answer PAYLOAD),
    operation!("get" "/api/v1/sources", "Integrations", "List sources",
        "How each source is: rate against what is usual, silence, lag, errors, duplicates, contract versions, clock skew.", Read, query &PAGED, answer LISTED),
    operation!("get" "/api/v1/dependencies", "Integrations", "List dependencies", "Systems that others call, by the callers' own spans.", Read, query &PAGED, answer LISTED),
    operation!("get" "/api/v1/carriers", "Integrations", "List carriers", "By their open transports, with what is late.", Read, query &PAGED, answer LISTED),
    operation!("get" "/api/v1/targets", "Integrations", "List targets", "Systems to which payloads may be replayed and actions go.", Read, query &PAGED, answer LISTED),
    operation!("get" "/api/v1/changes", "Integrations", "List changes of the set-up",
        "Definitions, targets, contracts, mapping, keys and deployments of the last seven days, the latest first.", Read, query &PAGED, answer LISTED),
    operation!("get" "/api/v1/definitions", "Definitions", "List what holds", "The definitions of workflows with their versions, and why the newest files are not used, where they are not.", Read, answer &[
        ("items", "array", "Key, title, root, version, since, versions, milestones, slas and warnings of each."),
        ("fault", "string|null", "Why the files on disk are not used."),
    ]),
    operation!("post" "/api/v1/definitions/preview", "Definitions", "Ask what other definitions would have changed", "Changes nothing.", Operate,
    body &[
        ("files", "object", "Path within the folder of definitions, to the text of the file: all of them."),
        ("days", "integer", "Workflows that were created within so many days."),
    ], answer &[
        ("workflows", "integer", "Workflows that were looked at."),
        ("changed", "integer", "Those of which anything would be otherwise."),
        ("changes", "array", "What, from what to what, how many, and examples; the most frequent first."),
        ("cut", "boolean", "There are more; the newest were looked at."),
    ]),
    operation!("post" "/api/v1/definitions/{key}/migrate", "Definitions", "Take workflows to another version", "Each by an act on its root, with the reason.", Operate,
    body &[
        ("to", "integer", "The version."), ("reason", "string", "Why."),
        ("root?", "string", "Only this workflow: order/SO-1."), ("closed?", "boolean", "Closed ones too."),
    ], answer &[
        ("migrated", "integer", "How many were."), ("to", "integer", "The version."),
        ("stored", "boolean", "It can be seen already."), ("more", "boolean", "There are more: ask again."),
    ]),
    operation!("get" "/api/v1/{list}.{format}", "Files", "Download a list",
        "The rows of a list, with the filter of its page: as `csv`, `xlsx` or `json`.", Read, gives "application/octet-stream"),
    operation!("get" "/api/v1/openapi.json", "About", "This description", "OpenAPI 3.1.", None),
];

fn schema(kind: &str) -> Value {
    let kind = kind.trim_end_matches('?');
    match kind.split_once('|') {
        Some((one, other)) => json!({"type": [one, other]}),
        None if kind == "any" => json!({}),
        None => json!({"type": kind}),
    }
}

fn described(kind: &str, about: &str) -> Value {
    let mut schema = schema(kind);
    schema["description"] = about.into();
    schema
}

impl Operation {
    fn value(&self) -> Value {
        let in_path = self
            .path
            .split('{')
            .skip(1)
            .filter_map(|part| part.split_once('}'))
            .map(|(name, _)| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
        let in_query = self.query.iter().map(
            |(name, about)| json!({"name": name, "in": "query", "description": about, "schema": {"type": "string"}}),
        );
        let writes = self.method == "post" && self.key == Needs::Operate || self.tag == "Send" && !self.body.is_empty();
        let key = writes.then(|| json!({"$ref": "#/components/parameters/IdempotencyKey"}));
        let parameters: Vec<Value> = in_path.chain(in_query).chain(key).collect();
        let answer = if self.gives == JSON {
            let fields: Map<String, Value> =
                self.answer.iter().map(|(name, kind, about)| ((*name).to_owned(), described(kind, about))).collect();
            json!({JSON: {"schema": {"type": "object", "properties": fields}}})
        } else {
            json!({self.gives: {"schema": {"type": "string"}}})
        };
        let mut value = json!({
            "operationId": self.name(),
            "tags": [self.tag],
            "summary": self.title,
            "description": format!("{} Needs {}.", self.about, self.key.words()),
            "parameters": parameters,
            "responses": {
                "200": {"description": "Done.", "content": answer},
                "4XX": {"$ref": "#/components/responses/Problem"},
                "503": {"$ref": "#/components/responses/Problem"},
            },
            "security": if self.key == Needs::None { json!([]) } else { json!([{"key": []}]) },
        });
        if !self.body.is_empty() {
            let fields: Map<String, Value> = self
                .body
                .iter()
                .map(|(name, kind, about)| (name.trim_end_matches('?').to_owned(), described(kind, about)))
                .collect();
            let required: Vec<&str> =
                self.body.iter().map(|(name, _, _)| *name).filter(|name| !name.ends_with('?')).collect();
            let schema = json!({"type": "object", "properties": fields, "required": required});
            value["requestBody"] = json!({"required": true, "content": {JSON: {"schema": schema}}});
        } else if !self.sends.is_empty() {
            let content: Map<String, Value> = self.sends.iter().map(|kind| ((*kind).to_owned(), json!({}))).collect();
            value["requestBody"] = json!({"required": true, "content": content});
        }
        value
    }

    /// `get_failure_groups_id`
    pub fn name(&self) -> String {
        let plain = self.path.trim_start_matches("/api/v1").replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let words: Vec<&str> = plain.split('_').filter(|word| !word.is_empty()).collect();
        format!("{}_{}", self.method, words.join("_"))
    }
}

/// The whole description.
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let path = paths.entry(operation.path.to_owned()).or_insert_with(|| json!({}));
        path[operation.method] = operation.value();
    }
    let problem = json!({
        "type": "object",
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
            "code": {"type": "string", "description": "Stable, for programs."}, "detail": {"type": "string"},
            "pointer": {"type": "string", "description": "Where in the body, where a body is at fault."},
        },
        "required": ["type", "title", "status", "code", "detail"],
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Milepost",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Business transactions in logistics: send what happened, ask where things are, act on what failed. \
                Keys are made with `milepost key create`; a key belongs to one tenant, and nothing in a request can name another.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A key of `milepost key create`."}},
            "parameters": {"IdempotencyKey": {
                "name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 200},
                "description": "The same key again is the same request, and has no second effect.",
            }},
            "responses": {"Problem": {
                "description": "Why it was not done (RFC 9457). 429 and 503 say in Retry-After when to come back.",
                "content": {"application/problem+json": {"schema": problem}},
            }},
        },
    })
}

pub async fn show() -> Answer {
    ok(&document())
}
