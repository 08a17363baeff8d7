-- ARGV[3]: terms as JSON (jobs/store.py), ARGV[4..]: fields and values.
-- Returns {'created', record}, {'exists', record} (asked twice, after a broken connection), or why not: {'taken'} (the
-- key), {'other weights'} (the model's, by now), {'done', id of a job with its result}, {'too slow'}, {'full'}, {'too many'}.
if status then return {'exists', redis.call('HGETALL', job)} end
local terms = cjson.decode(ARGV[3])
local key, work, leader = terms.key, terms.work, nil
if key then
  local token = redis.call('HGET', key.name, 'token')
  if token and token ~= key.token then return {'taken'} end
end
if work and work.model ~= '' and redis.call('GET', work.model) ~= work.basis.weights then return {'other weights'} end
if terms.cached then -- the sweep must not have looked at the files, which were there before the record
  if tonumber(redis.call('ZSCORE', expiring, 'job:' .. id) or 0) <= now then return {'too slow'} end
else
  leader = work and leader_of(work.name)
  if work and work.share then
    local done = redis.call('HGET', work.name, 'done')
    if done and done ~= work.unusable and status_of(done) == 'succeeded' then return {'done', done} end
  end
  if redis.call('ZCARD', waiting) >= terms.most_waiting then return {'full'} end
  redis.call('ZREMRANGEBYSCORE', open, '-inf', now)
  if redis.call('ZCARD', open) >= terms.most_of_owner then return {'too many'} end
end
redis.call('HSET', job, 'id', id, 'created_ms', now, unpack(ARGV, 4))
if terms.deadline_ms then redis.call('HSET', job, 'deadline_ms', now + terms.deadline_ms) end
if key then
  redis.call('HSET', key.name, 'fingerprint', key.fingerprint, 'token', key.token, 'job', id)
  redis.call('PEXPIRE', key.name, key.life_ms)
  redis.call('PUBLISH', 'retinoscope:changes', key.name)
end
redis.call('ZADD', listing, 0, id)
redis.call('HINCRBY', counters, 'created:' .. get('technique'), 1)
if terms.cached then
  redis.call('HSET', job, 'started_ms', now, 'cached', 1)
  redis.call('HINCRBY', counters, 'cached:' .. get('technique'), 1)
  finish('succeeded')
elseif leader and work.share then
  redis.call('HSET', job, 'params', redis.call('HGET', record_of(leader), 'params')) -- its seed, where ours was drawn
  follow(leader)
  move('queued')
else
  if work and not leader then redis.call('HSET', work.name, 'leader', id) end
  wait_for_a_worker(terms.grace_ms)
  move('queued')
  if terms.hint then redis.call('LPUSH', terms.hint.list, terms.hint.message) end
end
return {'created', redis.call('HGETALL', job)}
