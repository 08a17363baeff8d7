-- Announce the files of a job whose record is not written yet. Without a record they are deleted.
--
-- KEYS: `expiring` holds what expires.
-- Arguments: `member` stands for the job in `expiring`, and `grace_ms` is how long the record may
-- take.
-- Answers 1.
local expiring = unpack(KEYS)
local member, grace_ms = ...

expect(expiring, member, grace_ms)
return 1
