-- A follower gets the result of another job with the same work, whose files are copied already. ARGV[3..]: fields and values.
-- Returns 'taken', 'late', or its state where it is no follower any more.
if status ~= 'queued' or not get('follows') then return status or 'gone' end
if late() then exceed() return 'late' end
redis.call('HSET', job, 'started_ms', now, 'cached', 1, unpack(ARGV, 3))
redis.call('HDEL', job, 'follows')
redis.call('HINCRBY', counters, 'cached:' .. get('technique'), 1)
finish('succeeded')
return 'taken'
