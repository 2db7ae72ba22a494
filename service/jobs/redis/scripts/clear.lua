-- Forgets jobs that ended before so many seconds, `most` at a time, and batches that have none left; how many there were.
local keep_s, most = tonumber(next_argument()), tonumber(next_argument())

local function forget_key(owner, key)
  if key and key ~= '' then call('HDEL', P .. 'keys:' .. owner, key) end
end

local function forget_batch(id)
  for _, count in ipairs(call('HVALS', P .. 'batch-counts:' .. id)) do
    if tonumber(count) > 0 then return end
  end
  local batch = call('HMGET', P .. 'batch:' .. id, 'owner', 'key')
  forget_key(batch[1], batch[2])
  call('DEL', P .. 'batch:' .. id, P .. 'batch-counts:' .. id, P .. 'batch-jobs:' .. id)
end

local old = call('ZRANGEBYSCORE', P .. 'ended', '-inf', '(' .. seconds(now - keep_s), 'LIMIT', 0, most)
local function forget(id)
  local job = fields_of(id, 'owner', 'state', 'batch', 'key')
  set_size(id, 0)
  for _, state in ipairs({'', job[2]}) do call('ZREM', P .. 'of:' .. job[1] .. ':' .. state, id) end
  call('HINCRBY', P .. 'counts', job[2], -1)
  forget_key(job[1], job[4])
  call('UNLINK', P .. 'job:' .. id, P .. 'files:' .. id)
  if job[3] ~= '' then
    call('HINCRBY', P .. 'batch-counts:' .. job[3], job[2], -1)
    forget_batch(job[3])
  end
end

for _, id in ipairs(old) do
  call('ZREM', P .. 'ended', id)
  if is_there(id) then forget(id) end
end
return #old
