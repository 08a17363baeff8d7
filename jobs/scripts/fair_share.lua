-- Fair share between the owners of a queue, shared by pick.lua and by every transition.
--
-- This is start-time fair queuing (Goyal, Vin and Cheng, 1996). Each job that waits for its first
-- attempt has a start time on a virtual clock, and a worker picks the owner with the earliest one.
-- The owner's next start time is later by the cost of the picked job, divided by the weight of the
-- owner. An owner who comes back starts at the clock, or at the earlier debt if that is later.
--
--   READY    The ids of an owner's jobs that wait in a queue and have not begun, oldest first.
--   STARTS   The owners with such jobs, scored by the start time of their next job.
--   DEBTS    The owners without such jobs whose next start time is later than the clock.
--   CLOCK    The start time of the last job that was picked.
--   RUNNING  The ids of an owner's running jobs, scored by the end of their leases.
--
-- A record has the `cost` of the job and the `weight` and `max_running` of its owner when the job
-- was created. Records of earlier versions have none of them.

-- Return the lowest start time that a job may have.
local function virtual_time(queue)
  return tonumber(redis.call('GET', string.format(CLOCK, queue)) or 0)
end

-- Return by how much a job that runs moves the next start time of its owner.
local function share_of(record)
  local cost, weight = unpack(redis.call('HMGET', record, 'cost', 'weight'))
  return tonumber(cost or 1) / tonumber(weight or 1)
end

-- Return whether the owner of a job has as many running jobs as the job's record allows.
local function is_limited(of, record)
  local limit = tonumber(redis.call('HGET', record, 'max_running'))
  return limit and redis.call('ZCOUNT', string.format(RUNNING, of), now, '+inf') >= limit
end

-- Let a job be picked. It keeps its place if it could be picked already.
local function join_ready(of, queue, member, at_ms, expires_ms)
  local ready, starts = string.format(READY, of, queue), string.format(STARTS, queue)
  redis.call('ZADD', ready, 'NX', at_ms, member)
  if not redis.call('ZSCORE', starts, of) then
    local start = math.max(virtual_time(queue), score_of(string.format(DEBTS, queue), of))
    redis.call('ZADD', starts, start, of)
  end
  redis.call('PEXPIREAT', ready, expires_ms)
  redis.call('PEXPIREAT', starts, expires_ms)
end

-- Let a job be picked no more, and charge its share to the owner; 0 for a job that does not run.
local function leave_ready(of, queue, member, share)
  local ready, starts = string.format(READY, of, queue), string.format(STARTS, queue)
  if redis.call('ZREM', ready, member) == 0 then
    return
  end
  local start = score_of(starts, of)
  local next_start = start + share
  local clock, debts = string.format(CLOCK, queue), string.format(DEBTS, queue)
  local life_ms = math.max(redis.call('PTTL', starts), COLLECTION_GRACE_MS)
  if share > 0 then
    redis.call('SET', clock, math.max(start, virtual_time(queue)), 'PX', life_ms)
  end
  if redis.call('EXISTS', ready) == 1 then
    redis.call('ZADD', starts, next_start, of)
    redis.call('PEXPIRE', starts, life_ms)
    return
  end
  redis.call('ZREM', starts, of)
  redis.call('ZREMRANGEBYSCORE', debts, '-inf', virtual_time(queue))
  if next_start > virtual_time(queue) then
    redis.call('ZADD', debts, next_start, of)
    redis.call('PEXPIRE', debts, life_ms)
  end
end
