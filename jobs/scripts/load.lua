-- Tell how many jobs wait and run in each queue.
--
-- KEYS: `leased` holds the ids of running jobs, and `waiting` those of all that are queued.
-- Answers {{jobs that wait for a worker, milliseconds since the first of them does, jobs that run}
-- for each of QUEUES, the number of queued jobs}.
local leased, waiting = unpack(KEYS)

local MOST_REMOVED = 1000

-- Return whether a job waits for a worker. Workers of an earlier version do not take what they
-- claim out of QUEUED, and a record may be gone.
local function waits(member)
  local status, follows = unpack(
    redis.call('HMGET', string.format(RECORD, member), 'status', 'follows'))
  return status == 'queued' and not follows
end

local function load_of(queue)
  local queued = string.format(QUEUED, queue)
  for _ = 1, MOST_REMOVED do
    local member, since = unpack(redis.call('ZRANGE', queued, 0, 0, 'WITHSCORES'))
    if not member then
      return {0, 0, 0}
    end
    if waits(member) then
      return {redis.call('ZCARD', queued), now - tonumber(since), 0}
    end
    redis.call('ZREM', queued, member)
  end
  return {redis.call('ZCARD', queued), 0, 0}
end

local loads, place = {}, {}
for index, queue in ipairs(QUEUES) do
  loads[index], place[queue] = load_of(queue), index
end
for _, member in ipairs(redis.call('ZRANGE', leased, 0, -1)) do
  local index = place[redis.call('HGET', string.format(RECORD, member), 'queue')]
  if index then
    loads[index][3] = loads[index][3] + 1
  end
end
return {loads, redis.call('ZCARD', waiting)}
