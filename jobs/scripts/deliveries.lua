-- Webhooks on their way, shared by every transition of a job and every step of a delivery.
--
--   DELIVERY    One message about one job: its event, state, attempts, and who is sending it.
--   HOSTS_DUE   The receiving hosts, scored by when the next delivery to each is due.
--   HOST_DUE    The deliveries to one host that are not over, scored by when each is due.
--
-- The id of a delivery follows from its job and event, so that an event is announced once.

-- Let a key live a day longer than the delivery, or longer if it does already.
local function outlive(key, delivery)
  local life_ms = redis.call('PTTL', delivery) + COLLECTION_GRACE_MS
  if life_ms > redis.call('PTTL', key) then
    redis.call('PEXPIRE', key, life_ms)
  end
end

-- Let a host be due when the first of its deliveries is.
local function note_first_due(host)
  local first = redis.call('ZRANGE', string.format(HOST_DUE, host), 0, 0, 'WITHSCORES')
  if first[2] then
    redis.call('ZADD', HOSTS_DUE, first[2], host)
  else
    redis.call('ZREM', HOSTS_DUE, host)
  end
end

-- Let a delivery be due at a time. Its record and the record's expiry were written before.
local function schedule_delivery(message, host, due_ms)
  local due, delivery = string.format(HOST_DUE, host), string.format(DELIVERY, message)
  redis.call('ZADD', due, due_ms, message)
  note_first_due(host)
  outlive(due, delivery)
  outlive(HOSTS_DUE, delivery)
end

-- Let a delivery not be sent any more.
local function unschedule_delivery(message, host)
  redis.call('ZREM', string.format(HOST_DUE, host), message)
  note_first_due(host)
end
