-- Lease deliveries that are due to a sender, those of owners and hosts that waited longest first.
--
-- Arguments
--   token     Identifies the claim.
--   lease_ms  How long the sender has for one attempt.
--   in_all    How many deliveries the sender has in flight at most.
--   per_host  How many of one owner to one host.
--   busy      How many it has in flight now, by owner and host.
-- Answers the records of the leased deliveries, each as names and values in turn. A lease that ends
-- without an outcome, because the sender died, makes the delivery due again.
--
-- An owner has at most as many places as are free: half of all while alone, and fewer the more
-- others have.
local token, lease_ms, in_all, per_host, busy = ...
-- More than have places at once, so that those who may have no further one hide nobody.
local MOST_LOOKED_AT = 2 * in_all
local leased = {}

local function lease(message, owner, host)
  local delivery = string.format(DELIVERY, message)
  if redis.call('EXISTS', delivery) == 0 then
    -- It has expired with its job.
    unschedule_delivery(message, owner, host)
    return 0
  end
  redis.call('HINCRBY', delivery, 'attempts', 1)
  redis.call('HSET', delivery, 'token', token)
  redis.call('ZADD', string.format(HOST_DUE, owner, host), now + lease_ms, message)
  leased[#leased + 1] = redis.call('HGETALL', delivery)
  return 1
end

local function due(key, most)
  return redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, most)
end

-- Lease up to `most` deliveries to a host, and return how many.
local function lease_to_host(owner, host, most)
  local found = 0
  if most > 0 then
    for _, message in ipairs(due(string.format(HOST_DUE, owner, host), most)) do
      found = found + lease(message, owner, host)
    end
    note_first_due(owner, host)
  end
  return found
end

local function in_flight(owner)
  local sum = 0
  for _, of_host in pairs(busy[owner] or {}) do
    sum = sum + of_host
  end
  return sum
end

local free = in_all
for owner in pairs(busy) do
  free = free - in_flight(owner)
end
for _, owner in ipairs(due(OWNERS_DUE, MOST_LOOKED_AT)) do
  local own = in_flight(owner)
  for _, host in ipairs(due(string.format(OWNER_DUE, owner), MOST_LOOKED_AT)) do
    local places = math.ceil((free - own) / 2)
    local most = math.min(per_host - ((busy[owner] or {})[host] or 0), places)
    local found = lease_to_host(owner, host, most)
    own, free = own + found, free - found
  end
end
return leased
