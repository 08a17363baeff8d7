-- Send a delivery again now, from the first attempt of the schedule.
--
-- Arguments: `message` is the delivery's id.
-- Answers 'waiting', 'sending' for one that is being sent at this moment, which is left alone, or
-- 'gone'.
local message = ...
local delivery = string.format(DELIVERY, message)
local owner, host, holder = unpack(redis.call('HMGET', delivery, 'owner', 'host', 'token'))

if not host then
  return 'gone'
end
if holder and score_of(string.format(HOST_DUE, owner, host), message) > now then
  return 'sending'
end
redis.call('HDEL', delivery, 'token')
redis.call('HSET', delivery, 'state', 'waiting', 'attempts', 0, 'next_ms', now)
schedule_delivery(message, owner, host, now)
return 'waiting'
