-- The bytes of an upload are about to be stored. KEYS: mark of a deletion, expiring. ARGV: member, grace in ms.
-- Returns 0 while the sweep deletes the same bytes: then wait.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZADD', KEYS[2], 'GT', now + tonumber(ARGV[2]), ARGV[1])
if redis.call('TTL', KEYS[2]) < 0 then redis.call('PEXPIREAT', KEYS[2], now + 86400000) end
return 1
