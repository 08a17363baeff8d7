-- KEYS: set, expiring, the owner's sets. ARGV: id, name, life in ms, grace in ms, member, most sets.
-- Returns 'created' or 'full'. The owner's sets are scored by their expiry: those that are over do not count.
local id, life = ARGV[1], tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if redis.call('EXISTS', KEYS[1]) == 1 then return 'created' end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[6]) then return 'full' end
local at = now + life
redis.call('HSET', KEYS[1], 'id', id, 'name', ARGV[2], 'images', 0, 'bytes', 0, 'created_ms', now, 'expires_ms', at)
redis.call('PEXPIREAT', KEYS[1], at)
redis.call('ZADD', KEYS[2], at + tonumber(ARGV[4]), ARGV[5])
redis.call('ZADD', KEYS[3], at, id)
redis.call('PEXPIREAT', KEYS[2], at + 86400000)
local last = redis.call('ZREVRANGE', KEYS[3], 0, 0, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[3], tonumber(last[2]))
return 'created'
