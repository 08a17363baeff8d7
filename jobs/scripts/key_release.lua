-- Free an idempotency key of which no job came. KEYS: the key. ARGV: token. Returns 1 if it was this reservation's.
local token, id = unpack(redis.call('HMGET', KEYS[1], 'token', 'job'))
if id or token ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', 'retinoscope:changes', KEYS[1])
return 1
