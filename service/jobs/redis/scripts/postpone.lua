-- Until its next try; 0 where that was the last one.
local subject = next_argument()
local delay_s = ARGV[1 + (tonumber(call('HGET', P .. 'webhook:' .. subject, 'attempts')) or #ARGV)]
if not delay_s then
  call('DEL', P .. 'webhook:' .. subject)
  call('ZREM', P .. 'due', subject)
  return 0
end
call('HINCRBY', P .. 'webhook:' .. subject, 'attempts', 1)
call('ZADD', P .. 'due', seconds(now + delay_s), subject)
return 1
