-- Shared by every transition of a job (jobs/transitions.py), after common.lua, statistics.lua,
-- fair_share.lua and deliveries.lua.
--
-- KEYS
--   job       The record, a hash.
--   events    The job's stream of events.
--   leased    The ids of running jobs, scored by the end of their lease or deadline.
--   waiting   The ids of queued jobs, scored by when the reconciler checks them.
--   expiring  What expires (jobs, scratch files, uploads, image sets), scored by its time.
--   counters  A hash of how many jobs were created, cached and finished, by technique.
-- Arguments
--   id           The job's id.
--   given_owner  The job's owner, or '' to take it from the record.
--   ttl_ms       How long a job lives after its last transition.
--   archive_ms   How long after its end the record of a job moves to the object store.
local job, events, leased, waiting, expiring, counters = unpack(KEYS)
local id, given_owner, ttl_ms, archive_ms = ...
local status, owner = unpack(redis.call('HMGET', job, 'status', 'owner'))
-- The ids of the owner's jobs, and of those that have not ended, scored by when their records go.
local owner_jobs = string.format(OWNER_JOBS, owner or given_owner)
local owner_open = string.format(OWNER_OPEN, owner or given_owner)
local owner_running = string.format(RUNNING, owner or given_owner)

-- A waiting job is published again after a delay that doubles each time, up to this one.
local MAX_PUBLISH_DELAY_MS = 300000
-- The reconciler checks a follower this often, in case the leader disappeared without a transition.
local FOLLOWER_DELAY_MS = 300000

-- Reading records

local function get(field)
  return redis.call('HGET', job, field)
end

local function number(field)
  return tonumber(get(field) or 0)
end

local function record_of(other)
  return string.format(RECORD, other)
end

-- Return the status of another job, or nil. That of an archived job is the value of `archived`.
local function status_of(other)
  local found, archived = unpack(
    redis.call('HMGET', record_of(other), 'status', 'archived'))
  return found or archived or nil
end

local function is_open(state)
  return state == 'queued' or state == 'running'
end

local function is_cancel_requested()
  return get('cancel_requested') == '1'
end

local function is_held_by(token)
  return status == 'running' and get('token') == token
end

-- Return how many attempts have crashed since the last rows of a batch were kept, if any were.
local function crashes()
  return number('attempts') - number('kept_attempts')
end

local function deadline_passed()
  local deadline = number('deadline_ms')
  return deadline > 0 and deadline <= now
end

-- Return that time, or the deadline if it is earlier: the reconciler checks a job when its
-- deadline passes, whatever else the job waits for.
local function by_deadline(at)
  local deadline = number('deadline_ms')
  return deadline > 0 and math.min(at, deadline) or at
end

-- Return the id of the delivery of an event, such as 'succeeded'.
local function delivery_of(event)
  return 'msg_' .. id .. '_' .. event
end

-- Writing

local function emit(kind, data)
  redis.call('XADD', events, 'MAXLEN', '~', EVENTS_KEPT, '*', 'type', kind, 'data', data)
  redis.call('PUBLISH', CHANGES, id)
end

local function emit_state()
  emit('state', cjson.encode({
    status = status,
    attempts = number('attempts'),
    cancel_requested = is_cancel_requested(),
  }))
end

-- Give the job another life from now, and let every key that it needs outlive it.
local function keep()
  local expires = now + ttl_ms
  redis.call('HSET', job, 'expires_ms', expires)
  redis.call('ZADD', expiring, expires, string.format(EXPIRING_JOB, id))
  local own, work = {job, events}, get('work')
  if work then
    own = {job, events, work, string.format(FOLLOWERS, work)}
  end
  for _, key in ipairs(own) do
    redis.call('PEXPIREAT', key, expires + RECORD_GRACE_MS)
  end
  if get('webhook') then
    for _, event in ipairs(WEBHOOK_EVENTS) do
      local delivery = string.format(DELIVERY, delivery_of(event))
      redis.call('PEXPIREAT', delivery, expires + RECORD_GRACE_MS)
    end
  end
  if is_open(status) then
    redis.call('ZADD', owner_open, expires + RECORD_GRACE_MS, id)
  else
    redis.call('PEXPIRE', events, math.min(EVENTS_AFTER_END_MS, ttl_ms + RECORD_GRACE_MS))
  end
  local shared = {
    leased, waiting, expiring, counters, owner_jobs, owner_open, owner_running,
    STATISTICS,
  }
  for _, key in ipairs(shared) do
    redis.call('PEXPIREAT', key, expires + COLLECTION_GRACE_MS)
  end
end

local function keep_as_long_as_the_record(key)
  redis.call('PEXPIREAT', key, now + ttl_ms + RECORD_GRACE_MS)
end

local function set_status(to)
  status = to
  redis.call('HSET', job, 'status', to)
  emit_state()
  keep()
end

-- Identical jobs (they share a `work` key): one leads, the others follow it

-- Return the id of the open job that leads this work and has no cancel request, or nil.
local function leader_of(work)
  local leader = redis.call('HGET', work, 'leader')
  if not leader then
    return nil
  end
  local record = record_of(leader)
  local state, canceled = unpack(redis.call('HMGET', record, 'status', 'cancel_requested'))
  if is_open(state) and canceled ~= '1' then
    return leader
  end
  return nil
end

-- Let the job wait for the leader instead of a worker. It is not published; the leader's end
-- makes it due. The delay covers a leader that disappears without a transition.
local function follow(leader)
  local followers = string.format(FOLLOWERS, get('work'))
  redis.call('HSET', job, 'follows', leader)
  redis.call('SADD', followers, id)
  keep_as_long_as_the_record(followers)
  redis.call('ZADD', waiting, by_deadline(now + FOLLOWER_DELAY_MS), id)
end

-- Let a follower run by itself. It becomes the leader if there is none.
local function stop_following()
  local work = get('work')
  redis.call('HDEL', job, 'follows')
  if not leader_of(work) then
    redis.call('HSET', work, 'leader', id)
  end
  keep_as_long_as_the_record(work)
end

-- Return what a follower does now: 'take' a result, continue as one that 'follows', or nil where
-- it must run by itself.
local function next_step_of_follower(grace_ms)
  local work, leader = get('work'), get('follows')
  local done, leader_status = redis.call('HGET', work, 'done'), status_of(leader)
  if done and status_of(done) == 'succeeded' then
    -- The job is due again after the grace, in case the process that takes the result dies.
    redis.call('ZADD', waiting, by_deadline(now + grace_ms), id)
    return 'take'
  end
  if not is_open(leader_status) then
    if leader_status == 'failed' then
      return nil
    end
    -- Another follower of the same leader may lead by now.
    leader = leader_of(work)
  end
  if not leader then
    return nil
  end
  follow(leader)
  return 'follows'
end

-- End the job's leadership: its followers are due now. A result is kept for later jobs.
local function end_leading(final_status)
  local work = get('work')
  if not work then
    return
  end
  if final_status == 'succeeded' then
    redis.call('HSET', work, 'done', id)
  end
  if redis.call('HGET', work, 'leader') ~= id then
    return
  end
  local followers = string.format(FOLLOWERS, work)
  redis.call('HDEL', work, 'leader')
  for _, follower in ipairs(redis.call('SMEMBERS', followers)) do
    redis.call('ZADD', waiting, 'XX', now, follower)
  end
  redis.call('DEL', followers)
end

-- Webhooks

-- Have the receiver told of an event, if the job asks for it. Announced events are not repeated.
local function announce(event)
  local wanted = get('webhook_events')
  if not wanted or not (',' .. wanted .. ','):find(',job.' .. event .. ',', 1, true) then
    return
  end
  local message, host = delivery_of(event), get('webhook'):match('^%a+://([^/?]+)')
  local delivery = string.format(DELIVERY, message)
  if redis.call('HSETNX', delivery, 'id', message) == 0 then
    return
  end
  redis.call('HSET', delivery, 'job', id, 'event', 'job.' .. event, 'host', host)
  redis.call('HSET', delivery, 'owner', owner or given_owner)
  redis.call('HSET', delivery, 'state', 'waiting', 'attempts', 0, 'next_ms', now)
  keep_as_long_as_the_record(delivery)
  schedule_delivery(message, owner or given_owner, host, now)
end

local function drop_deliveries()
  for _, event in ipairs(WEBHOOK_EVENTS) do
    local message = delivery_of(event)
    local delivery = string.format(DELIVERY, message)
    local host = redis.call('HGET', delivery, 'host')
    if host then
      unschedule_delivery(message, owner or given_owner, host)
      redis.call('DEL', delivery)
    end
  end
end

-- Queueing and finishing

-- Note when the message is published again if no worker takes the job. The delay doubles each
-- time, so that a long queue does not grow.
local function wait_for_worker(grace_ms)
  local delay = math.min(grace_ms * 2 ^ number('publishes'), MAX_PUBLISH_DELAY_MS)
  redis.call('HINCRBY', job, 'publishes', 1)
  join_queue(get('queue'), id, now + ttl_ms + COLLECTION_GRACE_MS)
  redis.call('ZADD', waiting, by_deadline(now + delay), id)
end

-- Let any worker pick the job by fair share. A job that has begun is published under its own id.
local function let_it_be_picked()
  if not get('started_ms') then
    local expires_ms = now + ttl_ms + COLLECTION_GRACE_MS
    join_ready(owner or given_owner, get('queue'), id, number('created_ms'), expires_ms)
  end
end

-- Publish a waiting job of the owner soon. Workers pass over owners with the most jobs that they
-- may run, and the messages that were read then are gone.
local function publish_next_of_owner()
  for _, queue in ipairs(QUEUES) do
    for _, other in ipairs(redis.call('ZRANGE', string.format(READY, owner, queue), 0, 7)) do
      if not redis.call('HGET', record_of(other), 'max_running') then
        break
      end
      if score_of(waiting, other) > now then
        redis.call('ZADD', waiting, 'XX', now, other)
        break
      end
    end
  end
end

local function stop_running()
  redis.call('ZREM', leased, id)
  redis.call('ZREM', owner_running, id)
  if owner then
    publish_next_of_owner()
  end
end

-- Undo a claim: the record is as if the claim had not been made, but for its events.
local function undo_claim(grace_ms)
  if redis.call('HINCRBY', job, 'attempts', -1) == 0 then
    redis.call('HDEL', job, 'started_ms')
  end
  redis.call('HDEL', job, 'token', 'lease_ms')
  stop_running()
  wait_for_worker(grace_ms)
  set_status('queued')
end

-- Keep the last progress of a job that waits again. Nobody knows how much longer it takes.
local function forget_eta()
  local progress = get('progress')
  if progress then
    local steps = cjson.decode(progress)
    steps.eta_s = cjson.null
    redis.call('HSET', job, 'progress', cjson.encode(steps))
  end
end

local function queue_again(grace_ms)
  redis.call('HDEL', job, 'token', 'lease_ms', 'publishes')
  forget_eta()
  stop_running()
  wait_for_worker(grace_ms)
  set_status('queued')
end

-- A final state needs no checkpoint, and a result needs no preview. The sweep deletes their files.
local function drop_scratch(final_status)
  local dropped = redis.call('HDEL', job, 'checkpoint')
  if final_status == 'succeeded' then
    dropped = dropped + redis.call('HDEL', job, 'preview')
  end
  if dropped > 0 then
    redis.call('ZADD', expiring, now, string.format(EXPIRING_SCRATCH, id))
  end
end

-- Count how a job ends. The time that it ran begins with its first attempt.
local function count_end(final_status)
  local technique = get('technique')
  redis.call('HINCRBY', counters, 'finished:' .. final_status .. ':' .. technique, 1)
  if status == 'running' then
    observe('run', technique, get('queue'), now - number('started_ms'))
  end
  if final_status == 'failed' then
    local code = cjson.decode(get('error') or '{}').code or 'unknown'
    count('error:' .. code .. ':' .. technique)
  end
end

local function finish(final_status)
  redis.call('HSET', job, 'finished_ms', now)
  redis.call('HDEL', job, 'token', 'lease_ms')
  drop_scratch(final_status)
  leave_ready(owner or given_owner, get('queue'), id, 0)
  stop_running()
  redis.call('ZREM', waiting, id)
  leave_queue(get('queue'), id)
  redis.call('ZREM', owner_open, id)
  end_leading(final_status)
  count_end(final_status)
  announce(final_status)
  set_status(final_status)
  if archive_ms < ttl_ms then
    redis.call('ZADD', ARCHIVING, now + archive_ms, id)
    redis.call('PEXPIREAT', ARCHIVING, now + ttl_ms + COLLECTION_GRACE_MS)
  end
end

local function fail(code, title, detail, retryable)
  redis.call('HSET', job, 'error', cjson.encode({
    code = code,
    title = title,
    detail = detail,
    retryable = retryable,
  }))
  finish('failed')
end

local function fail_by_deadline()
  local state, progress = 'still waiting for a worker', get('progress')
  if status == 'running' then
    state = 'running'
    if progress then
      local steps = cjson.decode(progress)
      state = string.format('running (%d of %d steps done)', steps.done, steps.total)
    end
  end
  local detail = 'The job was ' .. state .. ' when its deadline passed. '
    .. 'Set a later deadline, or request less work.'
  fail('deadline_exceeded', 'The deadline has passed', detail, true)
end

local function fail_as_poisoned()
  local detail = number('attempts') .. ' attempts ended without a result, because the worker '
    .. 'crashed or lost contact with Redis or the object store. The job is not retried.'
  fail('poisoned', 'The job crashed its worker repeatedly', detail, false)
end
