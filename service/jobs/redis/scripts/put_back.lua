-- As it was before it was taken.
local id, token = unpack(ARGV)
if not has_claim(id, token) then return 0 end
call('ZREM', P .. 'leases', id)
call('HINCRBY', P .. 'job:' .. id, 'attempts', -1)
call('HSET', P .. 'job:' .. id, 'token', '')
set_state(id, 'queued')
wait(id)
return 1
