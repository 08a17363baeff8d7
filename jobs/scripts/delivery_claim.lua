-- Lease deliveries that are due to a sender, those of the hosts that have waited longest first.
--
-- Arguments
--   token     Identifies the claim.
--   lease_ms  How long the sender has for one attempt.
--   limit     How many deliveries to lease at most.
--   per_host  How many deliveries the sender has in flight to one host at most.
--   busy      How many it has in flight now, by host.
-- Answers the records of the leased deliveries, each as names and values in turn. A lease that ends
-- without an outcome, because the sender died, makes the delivery due again.
local token, lease_ms, limit, per_host, busy = ...
local MAX_HOSTS = 1000
local leased = {}

local function lease(message, host)
  local delivery = string.format(DELIVERY, message)
  if redis.call('EXISTS', delivery) == 0 then
    -- It has expired with its job.
    redis.call('ZREM', string.format(HOST_DUE, host), message)
    return
  end
  redis.call('HINCRBY', delivery, 'attempts', 1)
  redis.call('HSET', delivery, 'token', token)
  redis.call('ZADD', string.format(HOST_DUE, host), now + lease_ms, message)
  leased[#leased + 1] = redis.call('HGETALL', delivery)
end

for _, host in ipairs(redis.call('ZRANGEBYSCORE', HOSTS_DUE, '-inf', now, 'LIMIT', 0, MAX_HOSTS)) do
  local most = math.min(per_host - (busy[host] or 0), limit - #leased)
  if most > 0 then
    local due = string.format(HOST_DUE, host)
    for _, message in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, most)) do
      lease(message, host)
    end
    note_first_due(host)
  end
end
return leased
