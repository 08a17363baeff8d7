-- Webhooks on their way, shared by every transition of a job and every step of a delivery.
--
--   DELIVERY         One message about one job: its event, state, attempts, and who is sending it.
--   OWNERS_DUE       The owners of deliveries that are not over, scored by when the next is due.
--   OWNER_DUE        The receiving hosts of an owner, scored likewise.
--   HOST_DUE         An owner's deliveries to one host, scored by when each is due.
--   DELIVERIES_OPEN  All deliveries that are not over, scored by when they were written.
--
-- The id of a delivery follows from its job and event, so that an event is announced once. Owners
-- are kept apart, so that a sender need not look through the backlog of one to find another's.

-- Let a key live a day longer than the delivery, or longer if it does already.
local function outlive(key, delivery)
  local life_ms = redis.call('PTTL', delivery) + COLLECTION_GRACE_MS
  if life_ms > redis.call('PTTL', key) then
    redis.call('PEXPIRE', key, life_ms)
  end
end

-- Let a member of a collection be due when the first of its own members is.
local function note_first(own, collection, member)
  local first = redis.call('ZRANGE', own, 0, 0, 'WITHSCORES')
  if first[2] then
    redis.call('ZADD', collection, first[2], member)
  else
    redis.call('ZREM', collection, member)
  end
end

-- Let a host and its owner be due when the first of their deliveries is.
local function note_first_due(owner, host)
  local hosts = string.format(OWNER_DUE, owner)
  note_first(string.format(HOST_DUE, owner, host), hosts, host)
  note_first(hosts, OWNERS_DUE, owner)
end

-- Let a delivery be due at a time. Its record and the record's expiry were written before.
local function schedule_delivery(message, owner, host, due_ms)
  local due, delivery = string.format(HOST_DUE, owner, host), string.format(DELIVERY, message)
  redis.call('ZADD', due, due_ms, message)
  note_first_due(owner, host)
  redis.call('ZADD', DELIVERIES_OPEN, 'NX', now, message)
  for _, key in ipairs({due, string.format(OWNER_DUE, owner), OWNERS_DUE, DELIVERIES_OPEN}) do
    outlive(key, delivery)
  end
end

-- Let a delivery not be sent any more.
local function unschedule_delivery(message, owner, host)
  redis.call('ZREM', string.format(HOST_DUE, owner, host), message)
  redis.call('ZREM', DELIVERIES_OPEN, message)
  note_first_due(owner, host)
end
