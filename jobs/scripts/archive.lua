-- Replace the record of an ended job, which was stored elsewhere, by the fields that lists need.
--
-- Arguments: `kept` are the names of the fields that stay.
-- Answers 'archived', 'early' for a job that has not ended or is archived already, or 'gone'.
local kept = ...

redis.call('ZREM', ARCHIVING, id)
if not status then
  return redis.call('EXISTS', job) == 1 and 'early' or 'gone'
end
if is_open(status) then
  return 'early'
end
local expires_ms = number('expires_ms') + RECORD_GRACE_MS
local values = redis.call('HMGET', job, unpack(kept))
-- A hash that was large stays large in memory, so that a new one takes its place.
redis.call('DEL', job)
redis.call('HSET', job, 'archived', status)
for position, name in ipairs(kept) do
  if values[position] then
    redis.call('HSET', job, name, values[position])
  end
end
redis.call('PEXPIREAT', job, expires_ms)
return 'archived'
