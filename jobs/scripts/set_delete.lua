-- Delete an image set. The sweep deletes its files after the grace, because one may be on its way.
--
-- KEYS: `set` is the record, `images` holds its digests, `expiring` holds what expires, and
-- `owner_sets` holds the owner's sets.
-- Arguments: `id` is the set's, `grace_ms` is the grace, and `member` stands for the set in
-- `expiring`.
-- Answers 1, or 0 where there is no such set.
local set, images, expiring, owner_sets = unpack(KEYS)
local id, grace_ms, member = ...

if redis.call('EXISTS', set) == 0 then
  return 0
end
redis.call('DEL', set, images)
redis.call('ZREM', owner_sets, id)
redis.call('ZADD', expiring, now + grace_ms, member)
return 1
