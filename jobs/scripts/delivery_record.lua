-- Write what became of an attempt to deliver.
--
-- Arguments
--   message      The delivery's id.
--   token        Identifies the claim.
--   state        'delivered', 'failed', or 'waiting' for one that is tried again.
--   status_code  The status of the answer, or 0 where there was none.
--   delay_ms     How long a delivery that waits waits.
--   unsent       Whether nothing was sent: the attempt then does not count.
-- Answers 'recorded', or 'lost' for an attempt whose lease another sender has by now.
local message, token, state, status_code, delay_ms, unsent = ...
local delivery = string.format(DELIVERY, message)
local owner, host, holder = unpack(redis.call('HMGET', delivery, 'owner', 'host', 'token'))

if holder ~= token then
  return 'lost'
end
redis.call('HDEL', delivery, 'token', 'next_ms')
redis.call('HSET', delivery, 'state', state)
if unsent then
  redis.call('HINCRBY', delivery, 'attempts', -1)
elseif status_code == 0 then
  redis.call('HDEL', delivery, 'status_code')
  count('attempt:none')
else
  redis.call('HSET', delivery, 'status_code', status_code)
  count('attempt:' .. math.floor(status_code / 100) .. 'xx')
end
if state == 'waiting' then
  redis.call('HSET', delivery, 'next_ms', now + delay_ms)
  schedule_delivery(message, owner, host, now + delay_ms)
else
  unschedule_delivery(message, owner, host)
  count('delivery:' .. state)
end
outlive(STATISTICS, delivery)
return 'recorded'
