-- Reserve an idempotency key for one request.
--
-- KEYS: `key` holds the reservation.
-- Arguments: `fingerprint` is a digest of the request, `token` identifies the reservation, and
-- `life_ms` is how long the reservation lasts.
-- Answers {'reserved'}, {'has_job', id of the job}, {'busy'} while another request makes the job,
-- or {'reused'} where the key belongs to a request with another fingerprint.
local key = unpack(KEYS)
local fingerprint, token, life_ms = ...

local stored, current, job = unpack(redis.call('HMGET', key, 'fingerprint', 'token', 'job'))
local forgotten = job and redis.call('EXISTS', string.format(RECORD, job)) == 0
if stored and not forgotten then
  if stored ~= fingerprint then
    return {'reused'}
  end
  if job then
    return {'has_job', job}
  end
  if current ~= token then
    return {'busy'}
  end
end
redis.call('DEL', key)
redis.call('HSET', key, 'fingerprint', fingerprint, 'token', token)
redis.call('PEXPIRE', key, life_ms)
return {'reserved'}
