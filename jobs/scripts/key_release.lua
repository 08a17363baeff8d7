-- Free an idempotency key whose reservation led to no job.
--
-- KEYS: `key` holds the reservation.
-- Arguments: `token` identifies the reservation.
-- Answers 1, or 0 where the key has a job or another reservation by now.
local key = unpack(KEYS)
local token = ...

local current, job = unpack(redis.call('HMGET', key, 'token', 'job'))
if job or current ~= token then
  return 0
end
redis.call('DEL', key)
redis.call('PUBLISH', CHANGES, key)
return 1
