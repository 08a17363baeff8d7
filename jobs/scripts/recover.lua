-- Decide what happens to a job whose time in `leased` or `waiting` has come.
--
-- Arguments: `grace_ms` is how long a message may take before it is published again,
-- `max_attempts` is the number of attempts after which a job fails as poisoned, and `no_result` is
-- true for a follower that found no usable result to take.
-- Answers 'publish' where the message must be sent again, 'take' where the result that a follower
-- waits for exists, and otherwise what the job turned out to be: 'follows', 'early', 'leased',
-- 'canceled', 'deadline_exceeded', 'poisoned' or 'final'.
local grace_ms, max_attempts, no_result = ...
local canceled = is_cancel_requested()

if is_open(status) and deadline_passed() and not canceled then
  fail_by_deadline()
  return 'deadline_exceeded'
end
if status == 'queued' then
  if not no_result and score_of(waiting, id) > now then
    -- Another reconciler has handled the job already.
    return 'early'
  end
  if get('follows') then
    local step = not no_result and next_step_of_follower(grace_ms)
    if step then
      return step
    end
    stop_following()
  end
  wait_for_worker(grace_ms)
  let_it_be_picked()
  return 'publish'
end
if status ~= 'running' then
  stop_running()
  redis.call('ZREM', waiting, id)
  return 'final'
end
if number('lease_ms') > now then
  return 'leased'
end
if canceled then
  finish('canceled')
  return 'canceled'
end
if crashes() >= max_attempts then
  fail_as_poisoned()
  return 'poisoned'
end
count('recovered:' .. get('technique'))
queue_again(grace_ms)
return 'publish'
