-- Shared by every script, after the constants of jobs/script_runner.py, which are in capitals.

local clock = redis.call('TIME')
-- Redis's clock in milliseconds. Every time that is stored is a time of this clock.
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- Return the score of a member of a sorted set, or 0 where there is none.
local function score_of(key, member)
  return tonumber(redis.call('ZSCORE', key, member) or 0)
end

-- Announce that a member of `expiring` may come: the sweep deletes its files after the grace.
-- GT keeps a later time that is already noted.
local function expect(expiring, member, grace_ms)
  redis.call('ZADD', expiring, 'GT', now + grace_ms, member)
  if redis.call('TTL', expiring) < 0 then
    redis.call('PEXPIREAT', expiring, now + COLLECTION_GRACE_MS)
  end
end

-- Let a sorted set of times expire with the last of its members.
local function expire_with_last(key)
  local last = redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')
  redis.call('PEXPIREAT', key, tonumber(last[2]))
end
