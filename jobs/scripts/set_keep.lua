-- Keep a set, whose images are kept already, until a time. KEYS: set, its images, expiring, the owner's sets.
-- ARGV: id, until in ms, grace in ms, member. Returns 1, or 0 if the set is gone.
local now_at = tonumber(redis.call('HGET', KEYS[1], 'expires_ms') or 0)
if now_at == 0 then return 0 end
local at = math.max(now_at, tonumber(ARGV[2]))
redis.call('HSET', KEYS[1], 'expires_ms', at)
redis.call('PEXPIREAT', KEYS[1], at)
redis.call('PEXPIREAT', KEYS[2], at)
redis.call('ZADD', KEYS[3], at + tonumber(ARGV[3]), ARGV[4])
redis.call('ZADD', KEYS[4], at, ARGV[1])
redis.call('PEXPIREAT', KEYS[3], at + 86400000)
local last = redis.call('ZREVRANGE', KEYS[4], 0, 0, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[4], tonumber(last[2]))
return 1
