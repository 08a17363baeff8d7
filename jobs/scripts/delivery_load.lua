-- Tell how many deliveries wait, and for how long.
--
-- Answers {deliveries that are not over, milliseconds since the first of them was written,
-- milliseconds since the first of those that are due was}. Without any, the times are 0.
local MOST_REMOVED = 1000

local function since(score)
  return score and math.max(0, now - tonumber(score)) or 0
end

for _ = 1, MOST_REMOVED do
  local message, written = unpack(redis.call('ZRANGE', DELIVERIES_OPEN, 0, 0, 'WITHSCORES'))
  if not message or redis.call('EXISTS', string.format(DELIVERY, message)) == 1 then
    local due = redis.call('ZRANGE', OWNERS_DUE, 0, 0, 'WITHSCORES')
    return {redis.call('ZCARD', DELIVERIES_OPEN), since(written), since(due[2])}
  end
  -- It has expired with its job.
  redis.call('ZREM', DELIVERIES_OPEN, message)
end
return {redis.call('ZCARD', DELIVERIES_OPEN), 0, 0}
