-- Those of a batch that are still there.
local found = {}
for _, id in ipairs(call('LRANGE', P .. 'batch-jobs:' .. ARGV[1], 0, -1)) do
  local job = call('HGETALL', P .. 'job:' .. id)
  if #job > 0 then found[#found + 1] = job end
end
return found
