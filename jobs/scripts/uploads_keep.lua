-- Keep uploads for a life from now; never for less than they were kept already. KEYS: expiring.
-- ARGV: life in ms, grace in ms, prefix of the records, prefix of the members, a new record or '', digests …
-- The bytes go a grace after the record. Returns {the earliest expiry, the last record}, or {0, ''} if one is gone.
local life, grace = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local earliest, last = math.huge, ''
for i = 6, #ARGV do
  local record, member = ARGV[3] .. ARGV[i], ARGV[4] .. ARGV[i]
  local kept = tonumber(redis.call('ZSCORE', KEYS[1], member) or 0) - grace
  local at = math.max(now + life, kept)
  if ARGV[5] ~= '' then redis.call('SET', record, ARGV[5]) end
  if redis.call('PEXPIREAT', record, at) == 1 then
    redis.call('ZADD', KEYS[1], at + grace, member)
    earliest, last = math.min(earliest, at), redis.call('GET', record)
  else
    earliest = 0
  end
end
redis.call('PEXPIREAT', KEYS[1], now + life + 86400000)
return {earliest, earliest > 0 and last or ''}
