-- Let an image set live until a time, if it does not live longer already. Its images must be kept
-- until then before.
--
-- KEYS: `set` is the record, `images` holds its digests, `expiring` holds what expires, and
-- `owner_sets` holds the owner's sets, scored by their expiry.
-- Arguments: `id` is the set's, `until_ms` is the time, `grace_ms` is how much longer its files
-- stay, and `member` stands for the set in `expiring`.
-- Answers 1, or 0 where there is no such set.
local set, images, expiring, owner_sets = unpack(KEYS)
local id, until_ms, grace_ms, member = ...

local current = tonumber(redis.call('HGET', set, 'expires_ms') or 0)
if current == 0 then
  return 0
end
local expires = math.max(current, until_ms)
redis.call('HSET', set, 'expires_ms', expires)
redis.call('PEXPIREAT', set, expires)
redis.call('PEXPIREAT', images, expires)
redis.call('ZADD', expiring, expires + grace_ms, member)
redis.call('PEXPIREAT', expiring, expires + COLLECTION_GRACE_MS)
redis.call('ZADD', owner_sets, expires, id)
expire_with_last(owner_sets)
return 1
