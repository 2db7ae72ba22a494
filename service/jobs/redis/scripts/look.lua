-- Renews the leases of those that are at work here, and has those wait again whose machine has died.
local lease_s, most_attempts = tonumber(next_argument()), tonumber(next_argument())
local crash_code, crash_detail = next_argument(), next_argument()
local lost, deaths = {}, 0

local function wait_again(id)
  local job = fields_of(id, 'attempts', 'kind', 'seq')
  local attempts = tonumber(job[1])
  call('HSET', P .. 'job:' .. id, 'token', '')
  if attempts >= most_attempts then
    call('HSET', P .. 'job:' .. id, 'failure_code', crash_code, 'failure_detail', string.format(crash_detail, attempts))
    end_job(id, 'failed')
  else
    set_state(id, 'queued')
    call('ZADD', P .. 'suspects:' .. job[2], attempts * 1e12 + job[3], id)
  end
end

-- A time in which nobody has looked does not count: it may be Redis that was away, and not the machines. What had been
-- left of a lease is left of it now, no more, or else jobs of machines that all die young would never be taken for theirs.
local unseen_s = now - (tonumber(call('GET', P .. 'looked_at')) or now)
call('SET', P .. 'looked_at', seconds(now))
if unseen_s > lease_s / 2 then
  for _, id in ipairs(call('ZRANGE', P .. 'leases', 0, -1)) do call('ZINCRBY', P .. 'leases', seconds(unseen_s), id) end
end
for at = 1, #ARGV, 2 do
  local id, job = ARGV[at], fields_of(ARGV[at], 'state', 'token')
  if job[2] ~= ARGV[at + 1] or job[1] == 'cancelled' then
    lost[#lost + 1] = id
  elseif job[1] == 'running' then -- or else its end was said a moment ago, and is just being heard
    call('ZADD', P .. 'leases', seconds(now + lease_s), id)
  end
end

for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'leases', '-inf', seconds(now))) do
  call('ZREM', P .. 'leases', id)
  if is_there(id) then
    wait_again(id)
    deaths = deaths + 1
  end
end

local suspected = {}
for _, kind in ipairs(call('SMEMBERS', P .. 'kinds')) do
  if call('ZCARD', P .. 'suspects:' .. kind) > 0 then suspected[#suspected + 1] = kind end
end
return {lost, suspected, deaths, call('HGETALL', P .. 'counts')}
