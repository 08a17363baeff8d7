-- Give a worker the lease of a job that is queued or whose lease has ended.
--
-- Arguments: `token` identifies the attempt, `worker` is the name of who runs it, `lease_ms` is the
-- length of the lease, and `max_attempts` is the number of attempts after which a job fails as
-- poisoned.
-- Answers {'claimed', record}, or the reason why there is nothing to run: {'gone'}, {'leased'},
-- {'final'}, {'canceled'}, {'deadline_exceeded'}, {'poisoned'}, or {'limited'} for a job that has
-- not begun, of an owner with as many running jobs as the job's record allows.
local token, worker, lease_ms, max_attempts = ...

if not status then
  return {'gone'}
end
if is_held_by(token) then
  -- The same call was repeated after a broken connection.
  return {'claimed', redis.call('HGETALL', job)}
end
if status == 'running' and number('lease_ms') > now then
  return {'leased'}
end
if not is_open(status) then
  return {'final'}
end
if is_cancel_requested() then
  finish('canceled')
  return {'canceled'}
end
if deadline_passed() then
  fail_by_deadline()
  return {'deadline_exceeded'}
end
if crashes() >= max_attempts then
  fail_as_poisoned()
  return {'poisoned'}
end
if not get('started_ms') and is_limited(owner, job) then
  let_it_be_picked()
  return {'limited'}
end

-- Add the job to what its owner has used today.
local function count_usage()
  local usage = string.format(USAGE, owner, math.floor(now / 86400000))
  redis.call('HINCRBY', usage, 'jobs', 1)
  redis.call('HINCRBYFLOAT', usage, 'passes', get('cost') or 1)
  redis.call('PEXPIRE', usage, USAGE_KEPT_MS)
end

if status == 'running' then
  count('recovered:' .. get('technique'))
end
local lease_end = now + lease_ms
redis.call('HINCRBY', job, 'attempts', 1)
redis.call('HSET', job, 'token', token, 'worker', worker, 'lease_ms', lease_end)
if redis.call('HSETNX', job, 'started_ms', now) == 1 then
  count_usage()
  observe('wait', get('technique'), get('queue'), now - number('created_ms'))
  announce('started')
end
redis.call('HDEL', job, 'follows')
redis.call('ZREM', waiting, id)
leave_queue(get('queue'), id)
-- A picked job has left already. This is one that runs beside a picked job, or was named.
leave_ready(owner, get('queue'), id, share_of(job))
redis.call('ZADD', owner_running, lease_end, id)
redis.call('ZADD', leased, by_deadline(lease_end), id)
set_status('running')
return {'claimed', redis.call('HGETALL', job)}
