-- Append images to a set, in order, without those that it already holds.
--
-- KEYS: `set` is the record, `images` holds its digests by position, and `expiring` holds what
-- expires.
-- Arguments
--   digests        The images to append.
--   life_ms        How long the images live from now, at least.
--   grace_ms       How much longer their bytes stay.
--   record_prefix  What precedes the digest in the key of an image's record.
--   member_prefix  What precedes the digest in a member of `expiring`.
--   max_images     How many images a set may hold.
--   max_bytes      How many bytes a set may hold.
--   atomic         Whether one image that cannot be added refuses all of them.
-- Answers {'ok', outcome of each image …}, {'gone'}, or {'unknown' or 'full', digest} where
-- `atomic` refuses. Outcomes are 'added', 'present', 'unknown' and 'full'.
local set, images, expiring = unpack(KEYS)
local digests, life_ms, grace_ms, record_prefix, member_prefix, max_images, max_bytes, atomic = ...

local expires = tonumber(redis.call('HGET', set, 'expires_ms') or 0)
if expires == 0 then
  return {'gone'}
end
local count = tonumber(redis.call('HGET', set, 'images'))
local bytes = tonumber(redis.call('HGET', set, 'bytes'))
local answer, added, is_added = {'ok'}, {}, {}

for _, digest in ipairs(digests) do
  local record = redis.call('GET', record_prefix .. digest)
  local size = record and cjson.decode(record).bytes
  local outcome = 'added'
  if is_added[digest] or redis.call('ZSCORE', images, digest) then
    outcome = 'present'
  elseif not record then
    outcome = 'unknown'
  elseif count >= max_images or bytes + size > max_bytes then
    outcome = 'full'
  end
  if atomic and (outcome == 'unknown' or outcome == 'full') then
    return {outcome, digest}
  end
  if outcome == 'added' then
    added[#added + 1] = {digest = digest, position = count}
    is_added[digest] = true
    count, bytes = count + 1, bytes + size
  end
  answer[#answer + 1] = outcome
end

-- The images live at least as long as the set.
local until_ms = math.max(now + life_ms, expires)
for _, image in ipairs(added) do
  local member = member_prefix .. image.digest
  local kept_until = math.max(until_ms, score_of(expiring, member) - grace_ms)
  redis.call('PEXPIREAT', record_prefix .. image.digest, kept_until)
  redis.call('ZADD', expiring, kept_until + grace_ms, member)
  redis.call('ZADD', images, image.position, image.digest)
end
redis.call('HSET', set, 'images', count, 'bytes', bytes)
redis.call('PEXPIREAT', images, expires)
redis.call('PEXPIREAT', expiring, until_ms + COLLECTION_GRACE_MS)
return answer
