-- ARGV[3]: grace in ms, ARGV[4]: most jobs waiting, ARGV[5..]: fields and values. Returns 'created', 'exists' or 'full'.
if status then return 'exists' end
if redis.call('ZCARD', waiting) >= tonumber(ARGV[4]) then return 'full' end
redis.call('HSET', job, 'id', id, 'created_ms', now, unpack(ARGV, 5))
wait_for_a_worker(tonumber(ARGV[3]))
redis.call('ZADD', listing, 0, id)
redis.call('HINCRBY', counters, 'created:' .. get('technique'), 1)
move('queued')
return 'created'
