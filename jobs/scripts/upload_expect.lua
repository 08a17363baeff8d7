-- Announce the bytes of an upload before they are stored. Without a record they are deleted.
--
-- KEYS: `leaving` exists while the sweep deletes the same bytes, and `expiring` holds what expires.
-- Arguments: `member` stands for the upload in `expiring`, and `grace_ms` is how long the record
-- may take.
-- Answers 1, or 0 while the sweep deletes the same bytes: the caller must wait.
local leaving, expiring = unpack(KEYS)
local member, grace_ms = ...

if redis.call('EXISTS', leaving) == 1 then
  return 0
end
expect(expiring, member, grace_ms)
return 1
