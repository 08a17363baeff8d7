-- Let uploads live from now, and never for less than they were kept already.
--
-- KEYS: `expiring` holds what expires.
-- Arguments
--   digests        The uploads.
--   life_ms        How long they live from now, at least.
--   grace_ms       How much longer their bytes stay than their records.
--   record_prefix  What precedes the digest in the key of a record.
--   member_prefix  What precedes the digest in a member of `expiring`.
--   new_record     The record to write, or '' to keep the ones that exist.
-- Answers {the earliest expiry, the last record}, or {0, ''} where one of them is not stored.
local expiring = unpack(KEYS)
local digests, life_ms, grace_ms, record_prefix, member_prefix, new_record = ...

local earliest, last_record = math.huge, ''
for _, digest in ipairs(digests) do
  local record, member = record_prefix .. digest, member_prefix .. digest
  local expires = math.max(now + life_ms, score_of(expiring, member) - grace_ms)
  if new_record ~= '' then
    redis.call('SET', record, new_record)
  end
  if redis.call('PEXPIREAT', record, expires) == 1 then
    redis.call('ZADD', expiring, expires + grace_ms, member)
    earliest, last_record = math.min(earliest, expires), redis.call('GET', record)
  else
    earliest = 0
  end
end
redis.call('PEXPIREAT', expiring, now + life_ms + COLLECTION_GRACE_MS)
return {earliest, earliest > 0 and last_record or ''}
