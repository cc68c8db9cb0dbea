-- Does the server answer us, with our name and password?
SELECT toUInt8(1) AS one
