-- ARGV[3]: token, ARGV[4]: lease in ms, ARGV[5]: most attempts. Returns {'claimed', record} or {why not}.
if not status then return {'gone'} end
if holds(ARGV[3]) then return {'claimed', redis.call('HGETALL', job)} end -- asked twice, after a broken connection
if status == 'running' and number('lease_ms') > now then return {'leased'} end
if status ~= 'queued' and status ~= 'running' then return {'final'} end
if get('cancel_requested') == '1' then finish('canceled') return {'canceled'} end
if late() then exceed() return {'late'} end
if number('attempts') >= tonumber(ARGV[5]) then poison() return {'poisoned'} end
local lease = now + tonumber(ARGV[4])
redis.call('HINCRBY', job, 'attempts', 1)
redis.call('HSET', job, 'token', ARGV[3], 'lease_ms', lease)
redis.call('HSETNX', job, 'started_ms', now)
redis.call('HDEL', job, 'progress', 'follows')
redis.call('ZREM', waiting, id)
redis.call('ZADD', leased, by_deadline(lease), id)
move('running')
return {'claimed', redis.call('HGETALL', job)}
