-- Append images to a set, in order, those it holds already left out. KEYS: set, its images, expiring.
-- ARGV: life in ms, grace in ms, prefix of image records, prefix of image members, most images, most bytes,
-- '1' for all or nothing, digests … Returns {'ok', one word per image}, {'gone'}, or {'unknown' | 'full', digest}.
local expires = tonumber(redis.call('HGET', KEYS[1], 'expires_ms') or 0)
if expires == 0 then return {'gone'} end
local life, grace, most, most_bytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[5]), tonumber(ARGV[6])
local clock = redis.call('TIME')
local at = math.max(clock[1] * 1000 + math.floor(clock[2] / 1000) + life, expires)
local images, bytes = tonumber(redis.call('HGET', KEYS[1], 'images')), tonumber(redis.call('HGET', KEYS[1], 'bytes'))
local answer, fresh, added = {'ok'}, {}, {}
for i = 8, #ARGV do
  local digest = ARGV[i]
  local text = redis.call('GET', ARGV[3] .. digest)
  local size = text and cjson.decode(text).bytes
  local word = 'added'
  if fresh[digest] or redis.call('ZSCORE', KEYS[2], digest) then word = 'present'
  elseif not text then word = 'unknown'
  elseif images >= most or bytes + size > most_bytes then word = 'full' end
  if ARGV[7] == '1' and (word == 'unknown' or word == 'full') then return {word, digest} end
  if word == 'added' then
    added[#added + 1] = {digest, images}
    fresh[digest], images, bytes = true, images + 1, bytes + size
  end
  answer[#answer + 1] = word
end
for _, pair in ipairs(added) do
  local member = ARGV[4] .. pair[1]
  local kept = math.max(at, tonumber(redis.call('ZSCORE', KEYS[3], member) or 0) - grace)
  redis.call('PEXPIREAT', ARGV[3] .. pair[1], kept)
  redis.call('ZADD', KEYS[3], kept + grace, member)
  redis.call('ZADD', KEYS[2], pair[2], pair[1])
end
redis.call('HSET', KEYS[1], 'images', images, 'bytes', bytes)
redis.call('PEXPIREAT', KEYS[2], expires)
redis.call('PEXPIREAT', KEYS[3], at + 86400000)
return answer
