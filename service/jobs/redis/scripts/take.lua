-- The next job of a kind with its files, claimed; of suspects, or of those that wait, their owners in turns.
local kind, token, lease_s, of_suspects = next_argument(), next_argument(), tonumber(next_argument()), next_argument() == '1'

local function next_owner(turns)
  local first, found, oldest = call('ZRANGE', turns, 0, 0, 'WITHSCORES')[2], nil, nil
  for _, owner in ipairs(first and call('ZRANGEBYSCORE', turns, first, first) or {}) do
    local seq = tonumber(call('ZRANGE', P .. 'waiting:' .. kind .. ':' .. owner, 0, 0, 'WITHSCORES')[2])
    if seq and (not oldest or seq < oldest) then found, oldest = owner, seq end
  end
  return found
end

local function next_waiting()
  local turns = P .. 'turns:' .. kind
  local owner = next_owner(turns)
  if not owner then return nil end
  local last = tonumber(call('ZREVRANGE', turns, 0, 0, 'WITHSCORES')[2])
  call('ZADD', turns, last + 1, owner)
  return call('ZRANGE', P .. 'waiting:' .. kind .. ':' .. owner, 0, 0)[1], owner
end

local id, owner
repeat
  if of_suspects then id = call('ZRANGE', P .. 'suspects:' .. kind, 0, 0)[1] else id, owner = next_waiting() end
  if not id then return false end
  local is_gone = not is_there(id)
  if is_gone then forget_waiting(id, kind, owner or '') end
until not is_gone
wait_no_more(id)
set_state(id, 'running')
call('HINCRBY', P .. 'job:' .. id, 'attempts', 1)
call('HSET', P .. 'job:' .. id, 'token', token)
call('ZADD', P .. 'leases', seconds(now + lease_s), id)
return {call('HGETALL', P .. 'job:' .. id), call('HGETALL', P .. 'files:' .. id)}
