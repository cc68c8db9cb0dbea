-- Notes that a list was set aside: from now on it may be asked as of this moment. Counts the copy while it is at it.
INSERT INTO freezes
SELECT {tenant:String}, {list:String}, fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'), {person:String}, count()
FROM {frozen:Identifier} FINAL
WHERE tenant = concat({tenant:String}, '@', toString({at_ms:Int64}))
