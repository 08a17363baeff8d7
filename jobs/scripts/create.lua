-- ARGV[3]: terms as JSON (jobs/store.py), ARGV[4..]: fields and values.
-- Returns {'created', record}, {'exists', record} (asked twice, after a broken connection), or why not: {'taken'},
-- {'full'}, {'too many'}.
if status then return {'exists', redis.call('HGETALL', job)} end
local terms = cjson.decode(ARGV[3])
local key = terms.key
if key then
  local token = redis.call('HGET', key.name, 'token')
  if token and token ~= key.token then return {'taken'} end
end
if redis.call('ZCARD', waiting) >= terms.most_waiting then return {'full'} end
redis.call('ZREMRANGEBYSCORE', open, '-inf', now)
if redis.call('ZCARD', open) >= terms.most_of_owner then return {'too many'} end
redis.call('HSET', job, 'id', id, 'created_ms', now, unpack(ARGV, 4))
if terms.deadline_ms then redis.call('HSET', job, 'deadline_ms', now + terms.deadline_ms) end
if key then
  redis.call('HSET', key.name, 'fingerprint', key.fingerprint, 'token', key.token, 'job', id)
  redis.call('PEXPIRE', key.name, key.life_ms)
  redis.call('PUBLISH', 'retinoscope:changes', key.name)
end
wait_for_a_worker(terms.grace_ms)
redis.call('ZADD', listing, 0, id)
redis.call('HINCRBY', counters, 'created:' .. get('technique'), 1)
move('queued')
if terms.hint then redis.call('LPUSH', terms.hint.list, terms.hint.message) end
return {'created', redis.call('HGETALL', job)}
