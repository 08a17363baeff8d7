-- KEYS: set, its images, expiring, the owner's sets. ARGV: id, grace in ms, member. Returns 1, or 0 if it is gone.
-- The sweep looks at its folder once more after the grace: a file may be on its way there.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local clock = redis.call('TIME')
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('ZADD', KEYS[3], clock[1] * 1000 + math.floor(clock[2] / 1000) + tonumber(ARGV[2]), ARGV[3])
return 1
