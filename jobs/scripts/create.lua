-- Write the record of a new job, bind its idempotency key, and either queue it, let it follow an
-- identical job, or finish it with the result of one.
--
-- Arguments
--   fields       Names and values of the record, in turn.
--   options      The job's deadline, idempotency key and work (jobs/create_options.py).
--   has_result   Whether `fields` hold the result of an identical job.
--   message      The Celery message and the list that it is pushed onto, or false.
--   grace_ms     How long the message may take before the reconciler publishes it again.
--   max_waiting  How many jobs may wait.
--   max_open     How many unfinished jobs the owner may have.
-- Answers {'created', record}, {'exists', record} for a call that was repeated after a broken
-- connection, or the reason why nothing was written: {'key_taken'}, {'weights_changed'},
-- {'result_exists', id of a job with a result}, {'too_late'}, {'queue_full'} or
-- {'too_many_jobs', how many the owner has}.
local fields, options, has_result, message, grace_ms, max_waiting, max_open = ...
local key, work, leader = options.idempotency, options.work, nil

if status then
  return {'exists', redis.call('HGETALL', job)}
end
if key then
  local token = redis.call('HGET', key.name, 'token')
  if token and token ~= key.token then
    return {'key_taken'}
  end
end
if work and work.model ~= '' and redis.call('GET', work.model) ~= work.basis.weights then
  return {'weights_changed'}
end
if has_result then
  -- The files were copied before this record is written. The sweep must not have deleted them.
  if score_of(expiring, string.format(EXPIRING_JOB, id)) <= now then
    return {'too_late'}
  end
else
  leader = work and leader_of(work.name)
  if work and work.share then
    local done = redis.call('HGET', work.name, 'done')
    if done and done ~= work.unusable and status_of(done) == 'succeeded' then
      return {'result_exists', done}
    end
  end
  if redis.call('ZCARD', waiting) >= max_waiting then
    return {'queue_full'}
  end
  redis.call('ZREMRANGEBYSCORE', owner_open, '-inf', now)
  local open = redis.call('ZCARD', owner_open)
  if open >= max_open then
    return {'too_many_jobs', open}
  end
end

redis.call('HSET', job, 'id', id, 'created_ms', now, unpack(fields))
if options.deadline_ms then
  redis.call('HSET', job, 'deadline_ms', now + options.deadline_ms)
end
if key then
  redis.call('HSET', key.name, 'fingerprint', key.fingerprint, 'token', key.token, 'job', id)
  redis.call('PEXPIRE', key.name, key.life_ms)
  redis.call('PUBLISH', CHANGES, key.name)
end
redis.call('ZADD', owner_jobs, 0, id)
redis.call('HINCRBY', counters, 'created:' .. get('technique'), 1)

if has_result then
  redis.call('HSET', job, 'started_ms', now, 'cached', 1)
  redis.call('HINCRBY', counters, 'cached:' .. get('technique'), 1)
  finish('succeeded')
elseif leader and work.share then
  -- The leader's parameters hold the seed where this job's seed was drawn.
  redis.call('HSET', job, 'params', redis.call('HGET', record_of(leader), 'params'))
  follow(leader)
  set_status('queued')
else
  if work and not leader then
    redis.call('HSET', work.name, 'leader', id)
  end
  wait_for_worker(grace_ms)
  let_it_be_picked()
  set_status('queued')
  if message then
    redis.call('LPUSH', message.list, message.message)
  end
end
return {'created', redis.call('HGETALL', job)}
