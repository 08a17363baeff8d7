-- Read the secret that signs an owner's webhooks; make it where there is none, or rotate it.
--
-- KEYS: `record` is a hash with `secret` and, after a rotation, `previous` and `previous_ms`, the
-- time until which both sign.
-- Arguments
--   candidate  The new secret, if one is needed.
--   rotate     Whether to replace the present secret.
--   overlap_ms How long the present secret then signs, too.
--   life_ms    How long the secret is kept after its last use.
-- Answers {secret, previous secret or '', previous_ms or 0}.
local record = unpack(KEYS)
local candidate, rotate, overlap_ms, life_ms = ...

local secret = redis.call('HGET', record, 'secret')
if not secret then
  redis.call('HSET', record, 'secret', candidate)
elseif rotate and secret ~= candidate then
  redis.call('HSET', record, 'previous', secret, 'previous_ms', now + overlap_ms)
  redis.call('HSET', record, 'secret', candidate)
end
local until_ms = tonumber(redis.call('HGET', record, 'previous_ms') or 0)
if until_ms > 0 and until_ms <= now then
  redis.call('HDEL', record, 'previous', 'previous_ms')
end
redis.call('PEXPIRE', record, life_ms)
local present, previous, previous_ms =
  unpack(redis.call('HMGET', record, 'secret', 'previous', 'previous_ms'))
return {present, previous or '', tonumber(previous_ms or 0)}
