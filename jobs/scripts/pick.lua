-- Turn a message into the job that a worker runs now.
--
-- A message for a job that has begun names that job. Every other message only says that one job
-- more may be picked, and the job comes from the owner who has had least.
--
-- KEYS
--   named     The record of the job that the message names.
--   starts    The owners of the queue, scored by start time (fair_share.lua).
-- Arguments
--   named_id  The id of that job.
--   queue     The queue of the message.
-- Answers the id of a job to claim, or '' where nobody's job may be picked.
local named, starts = unpack(KEYS)
local named_id, queue = ...

local OWNERS_READ = 50

-- Return whether a job waits for its first attempt. Workers of an earlier version do not take what
-- they claim out of READY.
local function waits(record)
  local status, started, follows = unpack(
    redis.call('HMGET', record, 'status', 'started_ms', 'follows'))
  return status == 'queued' and not started and not follows
end

-- Take the oldest job of an owner out of READY, and return its id. Return nil if there is none, or
-- false if the owner has all the running jobs that are allowed.
local function next_of(of)
  local ready = string.format(READY, of, queue)
  while true do
    local member = redis.call('ZRANGE', ready, 0, 0)[1]
    if not member then
      return nil
    end
    local record = string.format(RECORD, member)
    if waits(record) then
      if is_limited(of, record) then
        return false
      end
      leave_ready(of, queue, member, share_of(record))
      return member
    end
    leave_ready(of, queue, member, 0)
  end
end

local status, started, lease_ms, owner = unpack(
  redis.call('HMGET', named, 'status', 'started_ms', 'lease_ms', 'owner'))
local lost = status == 'running' and tonumber(lease_ms) <= now
if lost or (status == 'queued' and started) then
  return named_id
end
-- An API of an earlier version does not put what it creates into READY.
if waits(named) then
  local expires_ms = now + math.max(redis.call('PTTL', named), 0) + COLLECTION_GRACE_MS
  local created_ms = tonumber(redis.call('HGET', named, 'created_ms'))
  join_ready(owner, queue, named_id, created_ms, expires_ms)
end
local passed = 0
while true do
  local owners = redis.call('ZRANGE', starts, passed, passed + OWNERS_READ - 1)
  if #owners == 0 then
    break
  end
  for _, of in ipairs(owners) do
    local member = next_of(of)
    if member then
      return member
    end
    if member == false then
      passed = passed + 1
    else
      -- Every key expires on its own, and READY may have gone first.
      redis.call('ZREM', starts, of)
    end
  end
end
return ''
