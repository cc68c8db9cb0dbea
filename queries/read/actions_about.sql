-- Which actions were asked for about these objects, the newest first, and what came of each?
-- By the bloom filter on the object; jobs are few, and actions among them fewer.
SELECT i.replay AS replay, r.words AS words, r.reason AS reason, r.by AS by, r.through AS through, r.state AS job,
    r.created_at AS created_ms, i.object_type AS object_type, i.object_id AS object_id, i.state AS state,
    i.attempts AS attempts, i.next_at AS next_ms, i.code AS code, i.detail AS detail, i.status AS status, i.via AS via,
    i.sent_at AS sent_ms, i.due_at AS due_ms, i.settled_at AS settled_ms
FROM
(
    SELECT replay, object_type, object_id, state, attempts, next_at, code, detail, status, via, sent_at, due_at, settled_at
    FROM replay_items FINAL
    WHERE tenant = {tenant:String} AND body != '' AND (object_type, object_id) IN {objects:Array(Tuple(String, String))}
        AND object_id IN {ids:Array(String)}
) AS i
INNER JOIN
(
    SELECT id, words, reason, by, through, state, created_at
    FROM replays FINAL
    WHERE tenant = {tenant:String} AND kind = 'action'
) AS r ON r.id = i.replay
ORDER BY replay DESC
LIMIT {limit:UInt64}
