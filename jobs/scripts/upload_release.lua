-- Allow the sweep to delete the bytes of an upload that is neither kept nor expected.
--
-- KEYS: `record` is the upload's, `leaving` makes another upload of the same bytes wait, and
-- `expiring` holds what expires.
-- Arguments: `member` stands for the upload in `expiring`, and `leaving_ms` is how long an upload
-- waits at most.
-- Answers 1, or 0 where the upload is kept or expected.
local record, leaving, expiring = unpack(KEYS)
local member, leaving_ms = ...

if redis.call('EXISTS', record) == 1 or score_of(expiring, member) > now then
  return 0
end
redis.call('SET', leaving, '1', 'PX', leaving_ms)
return 1
