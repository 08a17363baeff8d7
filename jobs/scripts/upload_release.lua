-- May the sweep delete the bytes of an upload? KEYS: record, mark of a deletion, expiring.
-- ARGV: member, life of the mark in ms. Returns 1 if nobody keeps or expects it; storing it again then waits for the mark.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if tonumber(redis.call('ZSCORE', KEYS[3], ARGV[1]) or 0) > now then return 0 end
redis.call('SET', KEYS[2], '1', 'PX', tonumber(ARGV[2]))
return 1
