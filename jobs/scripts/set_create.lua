-- Write the record of an empty image set.
--
-- KEYS: `set` is the record, `expiring` holds what expires, and `owner_sets` holds the owner's
-- sets, scored by their expiry.
-- Arguments: `id` and `name` are the set's, `life_ms` is how long it lives, `grace_ms` is how much
-- longer its files stay, `member` stands for it in `expiring`, and `max_sets` is how many sets an
-- owner may have.
-- Answers 'created' or 'full'.
local set, expiring, owner_sets = unpack(KEYS)
local id, name, life_ms, grace_ms, member, max_sets = ...

if redis.call('EXISTS', set) == 1 then
  return 'created'
end
redis.call('ZREMRANGEBYSCORE', owner_sets, '-inf', now)
if redis.call('ZCARD', owner_sets) >= max_sets then
  return 'full'
end
local expires = now + life_ms
redis.call('HSET', set, 'id', id, 'name', name, 'images', 0, 'bytes', 0)
redis.call('HSET', set, 'created_ms', now, 'expires_ms', expires)
redis.call('PEXPIREAT', set, expires)
redis.call('ZADD', expiring, expires + grace_ms, member)
redis.call('PEXPIREAT', expiring, expires + COLLECTION_GRACE_MS)
redis.call('ZADD', owner_sets, expires, id)
expire_with_last(owner_sets)
return 'created'
