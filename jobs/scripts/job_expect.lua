-- Files of a job come before its record; without one they go after the grace. KEYS: expiring. ARGV: member, grace in ms.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
if redis.call('TTL', KEYS[1]) < 0 then redis.call('PEXPIREAT', KEYS[1], now + 86400000) end
return 1
