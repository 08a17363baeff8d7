-- Give a follower the result of an identical job, whose files were copied before.
--
-- Arguments: `fields` are names and values of the record, in turn.
-- Answers 'taken', 'deadline_exceeded', 'gone', or 'not_following' for a job that does not follow
-- any more.
local fields = ...

if not status then
  return 'gone'
end
if status ~= 'queued' or not get('follows') then
  return 'not_following'
end
if deadline_passed() then
  fail_by_deadline()
  return 'deadline_exceeded'
end
redis.call('HSET', job, 'started_ms', now, 'cached', 1, unpack(fields))
redis.call('HDEL', job, 'follows')
redis.call('HINCRBY', counters, 'cached:' .. get('technique'), 1)
finish('succeeded')
return 'taken'
