-- ARGV[3]: token, ARGV[4]: grace in ms. The attempt does not count: nothing went wrong. Returns 'queued' or 'lost'.
if not holds(ARGV[3]) then return 'lost' end
if get('cancel_requested') == '1' then finish('canceled') return 'canceled' end
redis.call('HINCRBY', job, 'attempts', -1)
queue_again(tonumber(ARGV[4]))
return 'queued'
