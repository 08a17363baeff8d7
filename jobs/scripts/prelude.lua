-- Shared by every transition. ARGV[1]: job id, ARGV[2]: time to live in ms.
local job, events, leased, waiting, expiring, counters, listing, open = unpack(KEYS)
local id, ttl = ARGV[1], tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local status = redis.call('HGET', job, 'status')

local function get(field) return redis.call('HGET', job, field) end
local function number(field) return tonumber(get(field) or 0) end

local function record_of(other) return string.sub(job, 1, -#id - 1) .. other end
local function status_of(other) return redis.call('HGET', record_of(other), 'status') end

local function emit(kind, data)
  redis.call('XADD', events, 'MAXLEN', '~', 1000, '*', 'type', kind, 'data', data)
  redis.call('PUBLISH', 'retinoscope:changes', id)
end

-- The record outlives its expiry by an hour, so that the sweep finds its artifacts.
local function keep()
  local at = now + ttl
  redis.call('HSET', job, 'expires_ms', at)
  redis.call('ZADD', expiring, at, 'job:' .. id)
  local keys, work = {job, events}, get('work')
  if work then keys = {job, events, work, work .. ':followers'} end
  for _, key in ipairs(keys) do redis.call('PEXPIREAT', key, at + 3600000) end
  if status == 'queued' or status == 'running' then redis.call('ZADD', open, at + 3600000, id) end
  for _, key in ipairs({leased, waiting, expiring, counters, listing, open}) do
    redis.call('PEXPIREAT', key, at + 86400000)
  end
end

local function emit_state()
  local asked = get('cancel_requested') == '1'
  emit('state', cjson.encode({status = status, attempts = number('attempts'), cancel_requested = asked}))
end

local function move(to)
  status = to
  redis.call('HSET', job, 'status', to)
  emit_state()
  keep()
end

-- A final state needs no checkpoint, and a result no preview; the sweep deletes their files, at once.
local function drop_scratch(to)
  local dropped = redis.call('HDEL', job, 'checkpoint')
  if to == 'succeeded' then dropped = dropped + redis.call('HDEL', job, 'preview') end
  if dropped > 0 then redis.call('ZADD', expiring, now, 'scratch:' .. id) end
end

-- Of jobs with the same work one leads and the others follow: they are looked at again when it has ended.
local function end_leading(to)
  local work = get('work')
  if not work then return end
  if to == 'succeeded' then redis.call('HSET', work, 'done', id) end
  if redis.call('HGET', work, 'leader') ~= id then return end
  redis.call('HDEL', work, 'leader')
  for _, other in ipairs(redis.call('SMEMBERS', work .. ':followers')) do redis.call('ZADD', waiting, 'XX', now, other) end
  redis.call('DEL', work .. ':followers')
end

local function finish(to)
  redis.call('HSET', job, 'finished_ms', now)
  redis.call('HDEL', job, 'token', 'lease_ms')
  drop_scratch(to)
  redis.call('ZREM', leased, id)
  redis.call('ZREM', waiting, id)
  redis.call('ZREM', open, id)
  end_leading(to)
  redis.call('HINCRBY', counters, 'finished:' .. to .. ':' .. get('technique'), 1)
  move(to)
end

local function late() return number('deadline_ms') > 0 and number('deadline_ms') <= now end

-- That time, or the deadline if it comes first: a job is looked at when its deadline passes, whatever else it waits for.
local function by_deadline(at)
  local deadline = number('deadline_ms')
  return deadline > 0 and math.min(at, deadline) or at
end

local function exceed()
  local stood, progress = 'was still waiting for a worker', get('progress')
  if status == 'running' then
    stood = 'was running'
    if progress then
      local told = cjson.decode(progress)
      stood = string.format('was running, %d of %d steps done', told.done, told.total)
    end
  end
  redis.call('HSET', job, 'error', cjson.encode({
    code = 'deadline_exceeded', title = 'The deadline has passed', retryable = true,
    detail = 'The job ' .. stood .. ' when its deadline passed. Give it more time, or ask for less.'}))
  finish('failed')
end

-- When to publish the message again if nobody took the job: each time twice as long, so that a long queue stays short.
local function wait_for_a_worker(grace)
  local patience = math.min(grace * 2 ^ number('publishes'), 300000)
  redis.call('HINCRBY', job, 'publishes', 1)
  redis.call('ZADD', waiting, by_deadline(now + patience), id)
end

local function until_the_record_goes(key) redis.call('PEXPIREAT', key, now + ttl + 3600000) end

-- Who leads that work: waits or runs, and nobody has asked it to stop.
local function leader_of(work)
  local leader = redis.call('HGET', work, 'leader')
  if not leader then return nil end
  local standing, asked = unpack(redis.call('HMGET', record_of(leader), 'status', 'cancel_requested'))
  if (standing == 'queued' or standing == 'running') and asked ~= '1' then return leader end
  return nil
end

-- Not published; looked at when the leader ends. That it is looked at before is for leaders that go without a word.
local function follow(leader)
  redis.call('HSET', job, 'follows', leader)
  redis.call('SADD', get('work') .. ':followers', id)
  until_the_record_goes(get('work') .. ':followers')
  redis.call('ZADD', waiting, by_deadline(now + 300000), id)
end

local function lead()
  redis.call('HDEL', job, 'follows')
  if not leader_of(get('work')) then redis.call('HSET', get('work'), 'leader', id) end
  until_the_record_goes(get('work'))
end

-- What a follower does now: 'take' a result, 'follows' on, or nil where it must run itself.
local function followed(grace)
  local done, standing = redis.call('HGET', get('work'), 'done'), status_of(get('follows'))
  if done and status_of(done) == 'succeeded' then
    redis.call('ZADD', waiting, by_deadline(now + grace), id) -- again, if who takes it dies
    return 'take'
  end
  local leader = (standing == 'queued' or standing == 'running') and get('follows')
  if not leader and standing ~= 'failed' then leader = leader_of(get('work')) end -- another one that was left alone
  if not leader then return nil end
  follow(leader)
  return 'follows'
end

local function queue_again(grace)
  redis.call('HDEL', job, 'token', 'lease_ms', 'progress', 'publishes')
  redis.call('ZREM', leased, id)
  wait_for_a_worker(grace)
  move('queued')
end

local function poison()
  redis.call('HSET', job, 'error', cjson.encode({
    code = 'poisoned', title = 'The job ended its worker repeatedly', retryable = false,
    detail = number('attempts') .. ' attempts ended without a result: the worker died or lost its stores. It is not tried again.'}))
  finish('failed')
end

local function holds(token) return status == 'running' and get('token') == token end
