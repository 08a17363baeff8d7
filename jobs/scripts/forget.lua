-- ARGV[3]: '1' to forget a job only if its time is over. Returns 'forgotten', 'running', 'early' or 'gone'.
if status == 'running' or (status == 'queued' and ARGV[3] == '1') then keep() return 'running' end
if status and ARGV[3] == '1' and number('expires_ms') > now then return 'early' end
if status then end_leading('') end
local work = get('work')
if work and redis.call('HGET', work, 'done') == id then redis.call('HDEL', work, 'done') end
redis.call('ZREM', waiting, id)
redis.call('ZREM', open, id)
redis.call('ZADD', expiring, now, 'job:' .. id) -- until the sweep has seen its files gone
redis.call('PEXPIREAT', expiring, now + ttl + 86400000)
redis.call('ZREM', listing, id)
redis.call('DEL', job, events)
if not status then return 'gone' end
redis.call('PUBLISH', 'retinoscope:changes', id)
return 'forgotten'
