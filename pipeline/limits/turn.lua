-- One exchange between a worker and what all workers share about a teacher: first the worker tells how its requests
-- ended, then it learns how many of those that wait may go.
-- KEYS: state, hands (both hashes). ARGV[1]: JSON, built in line.py. Returns JSON.

local BUCKET = 250 -- ms; every grant counts in the bucket it was made in
local WINDOW = 247 -- buckets that count: any 61.5 s, for a request may arrive up to 1.5 s after it was granted
local SECOND = 5 -- buckets that cover any one second
local ALIVE = 15000 -- ms without a word, after which a worker is dead and what it holds is free
local HUNGRY = 2000 -- ms without a word, after which a worker's wishes hold nobody up
local PATIENT = 3000 -- ms without a grant, after which a worker comes before all others
local FAILURES = 10 -- in a row open the breaker
local LONGEST_PAUSE = 12 -- times the first one
local ANSWERS = 25 -- for one more request at a time
local POLL = 20 -- ms, where another worker may free what is missing at any moment
local FORGET = 7200 -- seconds after which an unused teacher's state goes

local NAMES = {
  'bucket', 'requests', 'input', 'output', 'granted', 'granted_tokens', 'concurrency', 'cut_at', 'streak',
  'wait_until', 'failures', 'down_since', 'failed_at', 'open_until', 'pause', 'probe', 'told_at', 'left_requests',
  'left_requests_until', 'left_tokens', 'left_tokens_until', 'most_tokens',
}
local state_key, hands_key = KEYS[1], KEYS[2]
local ask = cjson.decode(ARGV[1])
local now, bucket, was, s

local function load_state()
  local read = redis.call('HMGET', state_key, unpack(NAMES))
  was, s = {}, {}
  for n, name in ipairs(NAMES) do
    was[name] = read[n] and (name == 'probe' and read[n] or tonumber(read[n])) or (name == 'probe' and '' or 0)
    s[name] = was[name]
  end
end

local function save_state()
  local changed = {}
  for _, name in ipairs(NAMES) do
    if s[name] ~= was[name] then
      changed[#changed + 1] = name
      changed[#changed + 1] = s[name]
    end
  end
  if #changed > 0 then redis.call('HSET', state_key, unpack(changed)) end
  if s.bucket ~= was.bucket then
    redis.call('EXPIRE', state_key, FORGET)
    redis.call('EXPIRE', hands_key, FORGET)
  end
end

-- The time, which never runs back: a clock set back by little stands still, by much begins anew.
local function tell_time()
  now = ask.now
  if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  load_state()
  if s.bucket > math.floor(now / BUCKET) + WINDOW then
    redis.call('DEL', state_key, hands_key)
    load_state()
  end
  now = math.max(now, s.bucket * BUCKET)
  bucket = math.floor(now / BUCKET)
end

-- Add to what one bucket counts: kind is requests, input or output.
local function count(kind, at, amount)
  if amount == 0 or at <= bucket - WINDOW then return end
  local field = kind:sub(1, 1) .. at
  if amount < 0 then amount = math.max(amount, -tonumber(redis.call('HGET', state_key, field) or 0)) end
  redis.call('HINCRBY', state_key, field, amount)
  s[kind] = s[kind] + amount
end

local function sweep()
  if s.bucket > 0 then
    for old = s.bucket - WINDOW + 1, math.min(bucket - WINDOW, s.bucket) do
      local r, i, o = 'r' .. old, 'i' .. old, 'o' .. old
      local gone = redis.call('HMGET', state_key, r, i, o)
      if gone[1] or gone[2] or gone[3] then
        s.requests = math.max(0, s.requests - (gone[1] or 0))
        s.input = math.max(0, s.input - (gone[2] or 0))
        s.output = math.max(0, s.output - (gone[3] or 0))
        redis.call('HDEL', state_key, r, i, o)
      end
    end
  end
  s.bucket = bucket
end

-- Hands: what every living worker has in flight. in_flight, held (output tokens), waiting, since (its last grant, or
-- when it began to wait), seen.
local hands, mine = {}, nil

local function load_hands()
  local all = redis.call('HGETALL', hands_key)
  for n = 1, #all, 2 do
    local id = all[n]
    local f, h, w, since, seen = all[n + 1]:match('^(%d+) (%d+) (%d+) (%d+) (%d+)$')
    local one = {
      id = id, in_flight = tonumber(f), held = tonumber(h), waiting = tonumber(w), since = tonumber(since),
      seen = tonumber(seen),
    }
    if id == ask.id then
      mine = one
    elseif now - one.seen > ALIVE then
      redis.call('HDEL', hands_key, id)
      count('output', bucket, one.held)
    else
      hands[#hands + 1] = one
    end
  end
  local holder = s.probe == ask.id
  for _, other in ipairs(hands) do holder = holder or s.probe == other.id end
  if not holder then s.probe = '' end
  mine = mine or {id = ask.id, since = now}
  mine.in_flight, mine.held, mine.waiting = ask.in_flight, ask.held, ask.waiting
end

local function open_breaker()
  s.pause = math.min(math.max(ask.pause, s.pause * 2), ask.pause * LONGEST_PAUSE)
  s.open_until = now + s.pause
end

local function note_health()
  local probed = s.probe == ask.id and not ask.probing
  if probed then s.probe = '' end
  if ask.alive then
    s.failures, s.down_since, s.failed_at, s.open_until, s.pause, s.probe = 0, 0, 0, 0, 0, ''
  end
  if ask.failing > 0 then
    if s.failures == 0 then s.down_since = now end
    s.failures = s.failures + ask.failing
    s.failed_at = now
    if s.failures >= FAILURES and (s.open_until == 0 or probed) then open_breaker() end
  end
end

-- The concurrency that holds now: less after a 429, more again with answers.
local function note_pace()
  local full = ask.concurrency
  local pace = (s.concurrency == 0 or s.concurrency > full) and full or s.concurrency
  if ask.rate_limited > 0 then
    if now - s.cut_at >= 1000 then
      pace, s.cut_at, s.streak = math.max(1, math.floor(pace * 0.75)), now, 0
    end
  elseif pace < full then
    s.streak = s.streak + ask.answered
    local more = math.floor(s.streak / ANSWERS)
    pace, s.streak = math.min(full, pace + more), s.streak - more * ANSWERS
  end
  s.concurrency = pace < full and pace or 0
  return pace
end

-- What the endpoint's own headers say is left, less what was granted since the request that they answer.
local function note_headers()
  local told = ask.told
  if not told or told.at < s.told_at or told.at > s.granted then return end
  s.told_at = told.at
  if told.requests then
    s.left_requests = math.max(0, told.requests - math.max(0, s.granted - told.at))
    s.left_requests_until = now + told.requests_reset
  end
  if told.tokens then
    s.left_tokens = math.max(0, told.tokens - math.max(0, s.granted_tokens - told.at_tokens))
    s.left_tokens_until = now + told.tokens_reset
    s.most_tokens = told.tokens_limit or 0
  end
end

local function note_all()
  for _, each in ipairs(ask.corrections) do
    count('requests', each[1], each[2])
    count('input', each[1], each[3])
    count('output', each[1], each[4])
  end
  count('output', bucket, ask.output)
  note_health()
  if ask.retry_after > 0 then s.wait_until = math.max(s.wait_until, now + ask.retry_after) end
  note_headers()
end

-- Slots that this worker may take: all that are free, but no more than its even share where others want theirs.
local function free_slots(pace, hungry)
  local used = mine.in_flight
  for _, other in ipairs(hands) do used = used + other.in_flight end
  local free = pace - used
  if free <= 0 or #hungry == 0 then return math.max(0, free) end
  local wishes = {mine.in_flight + mine.waiting}
  for _, other in ipairs(hands) do
    local wants = now - other.seen <= HUNGRY and other.waiting or 0
    wishes[#wishes + 1] = other.in_flight + wants
  end
  table.sort(wishes)
  local rest, share = pace, pace
  for n, wish in ipairs(wishes) do
    share = rest / (#wishes - n + 1)
    if wish > share then break end
    rest, share = rest - wish, pace
  end
  local room = math.floor(share) - mine.in_flight
  if room <= 0 and mine.first then room = 1 end
  return math.max(0, math.min(free, room))
end

-- What is left of every limit, as {left, word, how long until there is more}.
local function budgets(pace, hungry)
  local part = 1
  if #hungry > 0 and not mine.first then
    local longest = now
    for _, other in ipairs(hungry) do longest = math.min(longest, other.since) end
    part = now - longest > PATIENT and 0 or 1 / (#hungry + 1)
  end
  local function left(limit, used) return limit and math.floor(math.max(0, limit - used) * part) end
  local all = {slots = free_slots(pace, hungry)}
  all.requests, all.input = left(ask.requests_limit, s.requests), left(ask.input_limit, s.input)
  local held = mine.held
  for _, other in ipairs(hands) do held = held + other.held end
  all.output = left(ask.output_limit, s.output + held)
  if ask.requests_limit then
    local fields, latest = {}, 0
    for n = 1, SECOND do fields[n] = 'r' .. (bucket - n + 1) end
    for _, number in ipairs(redis.call('HMGET', state_key, unpack(fields))) do latest = latest + (number or 0) end
    all.burst = left(math.max(1, math.floor(ask.requests_limit / 20)), latest)
  end
  if s.left_requests_until > now then all.told_requests = left(s.left_requests, 0) end
  if s.left_tokens_until > now then all.told_tokens = left(s.left_tokens, 0) end
  return all
end

-- Milliseconds until the window has forgotten `need` of `kind`.
local function until_free(kind, need)
  local fields, first = {}, bucket - WINDOW + 1
  for at = first, bucket do fields[#fields + 1] = kind:sub(1, 1) .. at end
  local counted = redis.call('HMGET', state_key, unpack(fields))
  for n = 1, #fields do
    need = need - (counted[n] or 0)
    if need <= 0 then return (first + n - 1 + WINDOW) * BUCKET - now end
  end
  return BUCKET
end

-- Why this request cannot go, and for how long at least; nil when it can.
local function obstacle(all, input, output, hungry)
  if all.slots < 1 then return 'slots', POLL end
  if all.burst and all.burst < 1 then return 'burst', (bucket + 1) * BUCKET - now end
  if all.told_requests and all.told_requests < 1 then return 'told', s.left_requests_until - now end
  local tokens = input + output
  if s.most_tokens > 0 then tokens = math.min(tokens, s.most_tokens) end
  if all.told_tokens and all.told_tokens < tokens then return 'told', s.left_tokens_until - now end
  local needs = {requests = 1, input = input, output = output}
  for kind, need in pairs(needs) do
    if all[kind] and all[kind] < need then
      if #hungry > 0 then return kind, POLL end
      return kind, until_free(kind, need - all[kind])
    end
  end
end

local function take(all, input, output)
  local spent = {
    slots = 1, burst = 1, told_requests = 1, requests = 1, input = input, output = output,
    told_tokens = input + output,
  }
  for kind, amount in pairs(spent) do
    if all[kind] then all[kind] = all[kind] - amount end
  end
end

local function others_who_wait()
  local hungry = {}
  mine.first = true
  for _, other in ipairs(hands) do
    if other.waiting > 0 and now - other.seen <= HUNGRY then
      hungry[#hungry + 1] = other
      if other.since < mine.since or (other.since == mine.since and other.id < mine.id) then mine.first = false end
    end
  end
  return hungry
end

-- Why nobody may go at all, and for how long.
local function gate()
  if s.wait_until > now then return 'asked', s.wait_until - now end
  if s.open_until > now then return 'down', s.open_until - now end
  if s.probe ~= '' then return 'down', 5 * POLL end
end

local function grant(pace)
  local granted, probing = {n = 0, input = 0, output = 0}, false
  if #ask.asks == 0 then return granted, '', 0, false end
  local why, wait = gate()
  if why then return granted, why, wait, false end
  local hungry = others_who_wait()
  local all = budgets(pace, hungry)
  for n = 1, #ask.asks, 2 do
    local input, output = ask.asks[n], ask.asks[n + 1]
    why, wait = obstacle(all, input, output, hungry)
    if why then break end
    take(all, input, output)
    granted.n, granted.input, granted.output = granted.n + 1, granted.input + input, granted.output + output
    if s.open_until > 0 then
      s.probe, probing, why, wait = ask.id, true, 'down', 5 * POLL
      break
    end
  end
  return granted, why or '', wait or 0, probing
end

local function keep_hands(granted)
  mine.in_flight, mine.held = mine.in_flight + granted.n, mine.held + granted.output
  local waited = mine.waiting > 0
  mine.waiting = math.max(0, mine.waiting - granted.n)
  if granted.n > 0 or not waited then mine.since = now end
  if mine.in_flight == 0 and mine.waiting == 0 then
    redis.call('HDEL', hands_key, ask.id)
  else
    local text = string.format('%d %d %d %d %d', mine.in_flight, mine.held, mine.waiting, mine.since, now)
    redis.call('HSET', hands_key, ask.id, text)
  end
end

tell_time()
sweep()
load_hands()
note_all()
local pace = note_pace()
local granted, why, wait, probing = grant(pace)
count('requests', bucket, granted.n)
count('input', bucket, granted.input)
s.granted, s.granted_tokens = s.granted + granted.n, s.granted_tokens + granted.input + granted.output
keep_hands(granted)
save_state()
return cjson.encode({
  granted = granted.n, why = why, wait = math.max(5, math.min(1000, wait)), free_at = now + wait, now = now,
  bucket = bucket, at = s.granted, at_tokens = s.granted_tokens, probing = probing, tried = s.probe ~= '', failures = s.failures,
  down_since = s.down_since, failed_at = s.failed_at,
})
