-- Reserve an idempotency key. KEYS: the key. ARGV: fingerprint, token, life of the reservation in ms, prefix of records.
-- Returns 'reserved', the id of the job that was made, 'busy' while another request makes it, or 'reused' for another.
local fingerprint, token, id = unpack(redis.call('HMGET', KEYS[1], 'fingerprint', 'token', 'job'))
if id and redis.call('EXISTS', ARGV[4] .. id) == 0 then fingerprint = false end -- the job was forgotten: the key is free
if fingerprint then
  if fingerprint ~= ARGV[1] then return 'reused' end
  if id then return id end
  if token ~= ARGV[2] then return 'busy' end
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'token', ARGV[2])
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[3]))
return 'reserved'
