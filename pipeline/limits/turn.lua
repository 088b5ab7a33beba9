-- One exchange between a worker and what all workers share about a teacher: first the worker tells how its requests
-- ended, then it learns how many of those that wait may go.
-- KEYS: state, hands (both hashes). ARGV[1]: JSON, built in line.py. Returns JSON.

local BUCKET = 250 -- ms; every grant counts in the bucket it was made in
local WINDOW = 249 -- buckets that count: any 62 s, for a request may arrive up to 2 s after it was granted
local SECOND = 5 -- buckets that cover any one second
local ALIVE = 15000 -- ms without a word, after which a worker is dead and what it holds is free
local HUNGRY = 2000 -- ms without a word, after which a worker's wishes hold nobody up
local FAILURES = 10 -- in a row open the breaker
local LONGEST_PAUSE = 12 -- times the first one
local PATIENT = 3000 -- ms without a grant, after which the one that was served least comes before all others
local TERM = 1000 -- ms for which the same worker has a slot more than its even share
local ANSWERS = 25 -- for one more request at a time
local MANY = 0.1 -- share of 429 among the last answers, above which they are no accident
local RECENT = 0.95 -- weight that an answer loses with each later one
local POLL = 20 -- ms, where another worker may free a slot at any moment
local YIELD = 100 -- ms, where another worker comes first at a limit a minute
local FORGET = 7200 -- seconds after which an unused teacher's state goes

local NAMES = {
  'born', 'bucket', 'requests', 'input', 'output', 'granted', 'granted_tokens', 'concurrency', 'cut_at', 'streak', 'refused',
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
  if s.bucket ~= was.bucket or s.wait_until ~= was.wait_until then
    redis.call('EXPIRE', state_key, FORGET + math.ceil(math.max(0, s.wait_until - now) / 1000))
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
  if s.born == 0 then s.born = now end
  bucket = math.floor(now / BUCKET)
end

-- Add to what one bucket counts: kind is requests, input or output.
local function count(kind, at, amount)
  at = math.min(at, bucket)
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

-- Hands: what every living worker has in flight, and what it waits for: in_flight, held (output tokens), waiting,
-- since (its last grant, or when it began to wait), seen, stuck (1: at a limit a minute), served (the share of a minute's
-- limits that it was granted, to be compared with the others').
local hands, mine = {}, nil

local function read_hand(id, text)
  local f, h, w, since, seen, stuck, served = text:match('^(%d+) (%d+) (%d+) (%d+) (%d+) (%d) (%S+)$')
  return {
    id = id, in_flight = tonumber(f), held = tonumber(h), waiting = tonumber(w), since = tonumber(since),
    seen = tonumber(seen), stuck = stuck == '1', served = tonumber(served),
  }
end

local function load_hands()
  local all = redis.call('HGETALL', hands_key)
  for n = 1, #all, 2 do
    local one = read_hand(all[n], all[n + 1])
    if one.id == ask.id then
      mine = one
    elseif now - one.seen > ALIVE then
      redis.call('HDEL', hands_key, one.id)
      count('output', bucket, one.held)
    else
      hands[#hands + 1] = one
    end
  end
  local holder = s.probe == ask.id
  for _, other in ipairs(hands) do holder = holder or s.probe == other.id end
  if not holder then s.probe = '' end
  mine = mine or {id = ask.id, since = now, served = 0, waiting = 0}
  mine.joins = mine.waiting == 0
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
  -- The same request failing again opens nothing, as it may be the request; it is heard while the breaker is open.
  local failing = ask.failing + (s.open_until > 0 and ask.failing_again or 0)
  if failing > 0 then
    if s.failures == 0 then s.down_since = now end
    s.failures = s.failures + failing
    s.failed_at = now
    if s.failures >= FAILURES and (s.open_until == 0 or probed) then open_breaker() end
  end
end

-- The concurrency that holds now: less after several 429, more again with answers. A single one, as a busy endpoint
-- sends it now and then, only means the wait that it asks for.
local function note_pace()
  local full = ask.concurrency
  local pace = (s.concurrency == 0 or s.concurrency > full) and full or s.concurrency
  local ended = ask.rate_limited + ask.answered
  if ended > 0 then
    local kept = RECENT ^ ended
    s.refused = s.refused * kept + (1 - kept) * ask.rate_limited / ended
  end
  if ask.rate_limited > 0 and s.refused > MANY and now - s.cut_at >= 1000 then
    pace, s.cut_at, s.streak, s.refused = math.max(1, math.floor(pace * 0.75)), now, 0, MANY / 2
  elseif pace < full then
    s.streak = s.streak + ask.answered
    local more = math.floor(s.streak / ANSWERS)
    pace, s.streak = math.min(full, pace + more), s.streak - more * ANSWERS
  end
  s.concurrency = pace < full and pace or 0
  return pace
end

-- What the endpoint's own headers say is left, less what was granted since the request that they answer. They speak of
-- the moment that this one arrived: with a slow answer they are old, and may mean nothing any more.
local function note_headers()
  local told = ask.told
  if not told or told.at < s.told_at or told.at > s.granted then return end
  s.told_at = told.at
  local moment = math.min(now, (told.bucket + 1) * BUCKET)
  if told.requests then
    s.left_requests = math.max(0, told.requests - math.max(0, s.granted - told.at))
    s.left_requests_until = moment + told.requests_reset
  end
  if told.tokens then
    s.left_tokens = math.max(0, told.tokens - math.max(0, s.granted_tokens - told.at_tokens))
    s.left_tokens_until = moment + told.tokens_reset
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

-- The others that wait: all of them, and those among them that are stuck at a limit a minute. `poorest`: of the rivals
-- this worker was served least; `overdue`: another was, and has waited long.
local waiting, rivals, poorest, overdue = {}, {}, true, false

local function look_around()
  for _, other in ipairs(hands) do
    if other.waiting > 0 and now - other.seen <= HUNGRY then
      waiting[#waiting + 1] = other
      if other.stuck then rivals[#rivals + 1] = other end
    end
  end
  -- Who did not wait before has neither saved up precedence nor used it up.
  if mine.joins then
    local least, most = math.huge, 0
    for _, rival in ipairs(rivals) do
      least, most = math.min(least, rival.served), math.max(most, rival.served)
    end
    mine.served = #rivals == 0 and 0 or math.max(least, math.min(most, mine.served))
  end
  for _, rival in ipairs(rivals) do
    if rival.served < mine.served or (rival.served == mine.served and rival.id < mine.id) then
      poorest = false
      overdue = overdue or now - rival.since > PATIENT
    end
  end
end

-- How high `water` rises over grounds of these heights.
local function level(heights, water)
  table.sort(heights)
  local sum = 0
  for n, height in ipairs(heights) do
    sum = sum + height
    local rises_to = (water + sum) / n
    if n == #heights or rises_to <= heights[n + 1] then return rises_to end
  end
end

-- An even share in whole slots; who has one more for what is left over changes from term to term.
local function in_whole_slots(share)
  local whole, number, rank = math.floor(share), #waiting + 1, math.floor(now / TERM)
  for _, other in ipairs(waiting) do
    if other.id < ask.id then rank = rank + 1 end
  end
  return rank % number < math.ceil((share - whole) * number - 1e-9) and whole + 1 or whole
end

-- Slots that this worker may take: all that are free, but no more than its even share where others want theirs.
local function free_slots(pace)
  local used = mine.in_flight
  for _, other in ipairs(hands) do used = used + other.in_flight end
  local free = pace - used
  if free <= 0 or #waiting == 0 then return math.max(0, free) end
  local wishes = {mine.in_flight + mine.waiting}
  for _, other in ipairs(hands) do
    wishes[#wishes + 1] = other.in_flight + (now - other.seen <= HUNGRY and other.waiting or 0)
  end
  table.sort(wishes)
  local rest, share = pace, pace
  for n, wish in ipairs(wishes) do
    share = rest / (#wishes - n + 1)
    if wish > share then break end
    rest, share = rest - wish, pace
  end
  return math.max(0, math.min(free, in_whole_slots(share) - mine.in_flight))
end

-- This worker's part of what is left of a limit of `unit` a minute: those that were served least come first. The first
-- of them may have what its next request needs, so that a large one is not overtaken for ever.
local function fair(left, unit, need)
  left = math.max(0, left)
  if #rivals == 0 then return left end
  if overdue then return 0 end
  local heights = {mine.served}
  for _, rival in ipairs(rivals) do heights[#heights + 1] = rival.served end
  local part = math.floor(math.max(0, level(heights, left / unit) - mine.served) * unit)
  return math.min(left, poorest and math.max(part, need) or part)
end

-- What this worker may use of every limit.
local function budgets(pace)
  local all, limit = {slots = free_slots(pace)}, ask.requests_limit
  if limit then
    all.requests = fair(limit - s.requests, limit, 1)
    local fields, latest = {}, 0
    for n = 1, SECOND do fields[n] = 'r' .. (bucket - n + 1) end
    for _, number in ipairs(redis.call('HMGET', state_key, unpack(fields))) do latest = latest + (number or 0) end
    all.burst = fair(math.max(1, math.floor(limit / 20)) - latest, limit, 1)
  end
  local input, output = ask.asks[1], ask.asks[2]
  if ask.input_limit then all.input = fair(ask.input_limit - s.input, ask.input_limit, input) end
  if ask.output_limit then
    local held = mine.held
    for _, other in ipairs(hands) do held = held + other.held end
    all.output = fair(ask.output_limit - s.output - held, ask.output_limit, output)
  end
  if s.left_requests_until > now then all.told_requests = fair(s.left_requests, math.max(1, s.left_requests), 1) end
  if s.left_tokens_until > now then
    all.told_tokens = fair(s.left_tokens, math.max(1, s.left_tokens), input + output)
  end
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
local function obstacle(all, input, output)
  if all.slots < 1 then return 'slots', #hands > 0 and POLL or 1000 end
  if all.burst and all.burst < 1 then return 'burst', (bucket + 1) * BUCKET - now end
  if all.told_requests and all.told_requests < 1 then return 'told', s.left_requests_until - now end
  local tokens = input + output
  if s.most_tokens > 0 then tokens = math.min(tokens, s.most_tokens) end
  if all.told_tokens and all.told_tokens < tokens then return 'told', s.left_tokens_until - now end
  local needs = {requests = 1, input = input, output = output}
  for kind, need in pairs(needs) do
    if all[kind] and all[kind] < need then
      return kind, #rivals > 0 and YIELD or until_free(kind, need - all[kind])
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

-- Why nobody may go at all, and for how long.
local function gate()
  if s.wait_until > now then return 'asked', s.wait_until - now end
  if s.open_until > now then return 'down', s.open_until - now end
  if s.probe ~= '' then return 'down', YIELD end
end

-- The share of a minute's limits that a request takes.
local function cost(input, output)
  local function share(amount, limit) return limit and amount / limit or 0 end
  return math.max(share(1, ask.requests_limit), share(input, ask.input_limit), share(output, ask.output_limit))
end

local granted = {n = 0, input = 0, output = 0, why = '', wait = 0, probing = false}

local function stop(why, wait) granted.why, granted.wait = why, wait end

local function grant(pace)
  if #ask.asks == 0 then return end
  -- What was known is lost, with Valkey's data: first the worker tells its own part of it again.
  if ask.born and ask.born ~= s.born then return stop('lost', 0) end
  look_around()
  local why, wait = gate()
  if why then return stop(why, wait) end
  local all = budgets(pace)
  for n = 1, #ask.asks, 2 do
    local input, output = ask.asks[n], ask.asks[n + 1]
    why, wait = obstacle(all, input, output)
    if why then return stop(why, wait) end
    take(all, input, output)
    granted.n, granted.input, granted.output = granted.n + 1, granted.input + input, granted.output + output
    mine.served = mine.served + cost(input, output)
    if s.open_until > 0 then
      s.probe, granted.probing = ask.id, true
      return stop('down', YIELD)
    end
  end
end

local function keep_grants()
  count('requests', bucket, granted.n)
  count('input', bucket, granted.input)
  local tokens = granted.input + granted.output
  s.granted, s.granted_tokens = s.granted + granted.n, s.granted_tokens + tokens
  s.left_requests, s.left_tokens = math.max(0, s.left_requests - granted.n), math.max(0, s.left_tokens - tokens)
  if granted.n > 0 or mine.waiting == 0 then mine.since = now end
  mine.in_flight, mine.held = mine.in_flight + granted.n, mine.held + granted.output
  mine.waiting = math.max(0, mine.waiting - granted.n)
  if mine.in_flight == 0 and mine.waiting == 0 then
    redis.call('HDEL', hands_key, ask.id)
    return
  end
  local stuck = granted.why ~= '' and granted.why ~= 'slots' and 1 or 0
  local text = string.format(
    '%d %d %d %d %d %d %.9g', mine.in_flight, mine.held, mine.waiting, mine.since, now, stuck, mine.served
  )
  redis.call('HSET', hands_key, ask.id, text)
end

tell_time()
sweep()
load_hands()
note_all()
local pace = note_pace()
grant(pace)
keep_grants()
save_state()
return cjson.encode({
  born = s.born, now = now, bucket = bucket, at = s.granted, at_tokens = s.granted_tokens,
  granted = granted.n, input = granted.input, probing = granted.probing, concurrency = pace,
  why = granted.why, wait = math.max(5, math.min(1000, granted.wait)), free_at = now + granted.wait,
  tried = s.probe ~= '', failures = s.failures, down_since = s.down_since, failed_at = s.failed_at,
})
