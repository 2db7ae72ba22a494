-- What all scripts begin with. KEYS[1] has the hash tag of all keys, so that a cluster finds their node. The first argument is
-- the moment in seconds since 1970, or empty for Redis' own clock, which is the one that all machines have in common.
--
--   job:ID             hash   what is known of a job; `token` is the claim of whoever is at work on it
--   files:ID           hash   what a job is made of; then its result alone
--   waiting:KIND:OWNER zset   ids of jobs that wait, by `seq`: in the order in which they were added
--   turns:KIND         zset   owners of whom something waits, by their last turn
--   suspects:KIND      zset   ids of jobs that wait and were at work at a death, by how often, then by `seq`
--   leases             zset   ids of jobs at work, by when whoever does them is taken for dead
--   of:OWNER:STATE     zset   ids by `seq`; without a state, all of them
--   ended              zset   ids by when they did
--   counts, bytes, seq, kinds, looked_at
--   batch:ID, batch-counts:ID, batch-jobs:ID
--   keys:OWNER         hash   what was added under which idempotency key: fingerprint and id
--   due                zset   webhooks by when to tell them; webhook:ID is a hash of what to tell whom
local P = 'silhouette:{jobs}:'
local call = redis.call

local now = tonumber(table.remove(ARGV, 1))
if not now then
  local clock = call('TIME')
  now = clock[1] + clock[2] / 1000000
end

local function seconds(moment) return string.format('%.6f', moment) end

local function next_argument() return table.remove(ARGV, 1) end

local function fields_of(id, ...) return call('HMGET', P .. 'job:' .. id, ...) end

-- False where somebody has deleted it, or Redis has: no script must fail of that.
local function is_there(id) return call('EXISTS', P .. 'job:' .. id) == 1 end

local function is_waiting(state) return state == 'queued' or state == 'running' end

local function set_state(id, state)
  local job = fields_of(id, 'state', 'owner', 'batch', 'seq')
  local before, index = job[1], P .. 'of:' .. job[2] .. ':'
  call('HSET', P .. 'job:' .. id, 'state', state)
  for name, by in pairs({[before] = -1, [state] = 1}) do
    if name ~= '' then
      call('HINCRBY', P .. 'counts', name, by)
      if job[3] ~= '' then call('HINCRBY', P .. 'batch-counts:' .. job[3], name, by) end
    end
  end
  if before ~= '' then call('ZREM', index .. before, id) end
  call('ZADD', index .. state, job[4], id)
end

local function set_size(id, size)
  local before = tonumber(fields_of(id, 'size_bytes')[1]) or 0
  call('HSET', P .. 'job:' .. id, 'size_bytes', size)
  call('INCRBY', P .. 'bytes', size - before)
end

local function wait(id)
  local job = fields_of(id, 'kind', 'owner', 'seq')
  call('ZADD', P .. 'waiting:' .. job[1] .. ':' .. job[2], job[3], id)
  call('ZADD', P .. 'turns:' .. job[1], 'NX', 0, job[2])
end

local function forget_waiting(id, kind, owner)
  local waiting = P .. 'waiting:' .. kind .. ':' .. owner
  call('ZREM', waiting, id)
  if call('ZCARD', waiting) == 0 then call('ZREM', P .. 'turns:' .. kind, owner) end
  call('ZREM', P .. 'suspects:' .. kind, id)
  call('ZREM', P .. 'leases', id)
end

local function wait_no_more(id)
  local job = fields_of(id, 'kind', 'owner')
  forget_waiting(id, job[1], job[2])
end

local function announce(subject, owner, url)
  if not url or url == '' then return end
  call('HSET', P .. 'webhook:' .. subject, 'subject', subject, 'owner', owner, 'url', url, 'attempts', 0)
  call('ZADD', P .. 'due', seconds(now), subject)
end

local function end_batch(id)
  local counts = call('HMGET', P .. 'batch-counts:' .. id, 'queued', 'running')
  if (tonumber(counts[1]) or 0) + (tonumber(counts[2]) or 0) > 0 then return end
  call('HSET', P .. 'batch:' .. id, 'ended_at', seconds(now))
  local batch = call('HMGET', P .. 'batch:' .. id, 'owner', 'webhook')
  announce(id, batch[1], batch[2])
end

-- False where it has ended already: the first word holds.
local function end_job(id, state)
  local job = fields_of(id, 'state', 'owner', 'batch', 'webhook')
  if not is_waiting(job[1]) then return false end
  wait_no_more(id)
  set_state(id, state)
  call('HSET', P .. 'job:' .. id, 'ended_at', seconds(now))
  call('ZADD', P .. 'ended', seconds(now), id)
  announce(id, job[2], job[4])
  if job[3] ~= '' then end_batch(job[3]) end
  return true
end

-- Whoever asks is at work on it.
local function has_claim(id, token)
  local job = fields_of(id, 'state', 'token')
  return job[1] == 'running' and job[2] == token
end
