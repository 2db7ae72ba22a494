-- A job, or all those of a batch, or none. Their files are there already, and would not stay.
local most_waiting, most_bytes = tonumber(next_argument()), tonumber(next_argument())
local batch, owner, webhook = next_argument(), next_argument(), next_argument()
local key, fingerprint = next_argument(), next_argument()
local jobs, size = cjson.decode(next_argument()), 0

local subject = batch ~= '' and batch or jobs[1].id
if key ~= '' then
  local promised = call('HGET', P .. 'keys:' .. owner, key)
  if promised then return {'promised', promised} end
end
if call('EXISTS', P .. (batch ~= '' and 'batch:' or 'job:') .. subject) == 1 then return {'added'} end

for _, job in ipairs(jobs) do
  size = size + job.size_bytes
  if call('HLEN', P .. 'files:' .. job.id) < job.files then return {'gone'} end
end
local counts = call('HMGET', P .. 'counts', 'queued', 'running')
local waiting = (tonumber(counts[1]) or 0) + (tonumber(counts[2]) or 0)
if waiting + #jobs > most_waiting then return {'jobs', waiting} end
local used = tonumber(call('GET', P .. 'bytes')) or 0
if used + size > most_bytes then return {'bytes', used} end

if batch ~= '' then
  call('HSET', P .. 'batch:' .. batch, 'id', batch, 'owner', owner, 'created_at', seconds(now), 'webhook', webhook, 'key', key)
end
for _, job in ipairs(jobs) do
  local seq = call('INCR', P .. 'seq')
  call('PERSIST', P .. 'files:' .. job.id)
  call('HSET', P .. 'job:' .. job.id, 'id', job.id, 'kind', job.kind, 'owner', owner, 'state', '', 'options', job.options,
    'created_at', seconds(now), 'done', 0, 'attempts', 0, 'notes', '{}', 'batch', batch, 'name', job.name, 'size_bytes', 0,
    'webhook', batch == '' and webhook or '', 'traceparent', job.traceparent, 'seq', seq, 'token', '',
    'key', batch == '' and key or '')
  call('ZADD', P .. 'of:' .. owner .. ':', seq, job.id)
  call('SADD', P .. 'kinds', job.kind)
  if batch ~= '' then call('RPUSH', P .. 'batch-jobs:' .. batch, job.id) end
  set_state(job.id, 'queued')
  set_size(job.id, job.size_bytes)
  wait(job.id)
end
if key ~= '' then call('HSET', P .. 'keys:' .. owner, key, fingerprint .. ' ' .. subject) end
return {'added'}
