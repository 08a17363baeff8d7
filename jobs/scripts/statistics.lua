-- What the service counts, shared by every transition. jobs/statistics.py reads it.
--
--   STATISTICS  A hash of counts and sums. Its fields are described in jobs/statistics.py.
--   QUEUED      The ids of the jobs that wait for a worker of a queue, scored by since when. A job
--               that follows an identical one is not among them: it needs no worker.

local function count(field, by)
  redis.call('HINCRBY', STATISTICS, field, by or 1)
end

-- Add a duration to the histogram of a technique and queue. Buckets are not cumulated.
local function observe(kind, technique, queue, duration_ms)
  local bucket = 'inf'
  for _, bound in ipairs(BUCKETS_MS) do
    if duration_ms <= bound then
      bucket = bound
      break
    end
  end
  local name = table.concat({kind, technique, queue}, ':')
  count(name .. ':' .. bucket)
  count(name .. ':sum', duration_ms)
end

-- Note since when a job waits for a worker. It keeps its place if it waits already.
local function join_queue(queue, member, expires_ms)
  redis.call('ZADD', string.format(QUEUED, queue), 'NX', now, member)
  redis.call('PEXPIREAT', string.format(QUEUED, queue), expires_ms)
end

local function leave_queue(queue, member)
  redis.call('ZREM', string.format(QUEUED, queue), member)
end
