-- Posts events of a pool, each copy under a message id of its own.
--
-- Arguments: POOL (a file, one event a line, "\1" where the message id goes; neighbours come from one device),
-- BATCH (events a request; 1 posts the bare event), SEED. Requests come in random order. What never changes is
-- joined once; a request costs one concatenation and its ids.

local uuid_form = "%08x-%04x-4%03x-%04x-%04x%08x"
local random, format, concat = math.random, string.format, table.concat

local function uuid()
  return format(uuid_form, random(0, 4294967295), random(0, 65535), random(0, 4095),
    random(32768, 49151), random(0, 65535), random(0, 4294967295))
end

local number = 0
function setup(thread)
  number = number + 1
  thread:set("thread_number", number)
end

local templates, next_template = {}, 1

-- A template is a list whose elements 2, 4, 6, … are the message ids.
local function add_template(lines)
  local pieces = {}
  local opening, closing = "", ""
  if #lines > 1 then opening, closing = '{"batch":[', ']}' end
  local bytes = #opening + #closing
  local text = opening
  for i, line in ipairs(lines) do
    local at = line:find("\1", 1, true)
    pieces[#pieces + 1] = text .. line:sub(1, at - 1)
    pieces[#pieces + 1] = ""
    text = line:sub(at + 1)
    if i < #lines then text = text .. "," end
    bytes = bytes + #line - 1 + 36 + (i < #lines and 1 or 0)
  end
  pieces[#pieces + 1] = text .. closing
  -- The request's head is that of wrk.format for an empty body, its length put right.
  local head = wrk.format("POST", nil, nil, ""):gsub("[Cc]ontent%-[Ll]ength: 0\r\n", "")
  head = head:gsub("\r\n\r\n$", "\r\nContent-Length: " .. bytes .. "\r\n\r\n")
  pieces[1] = head .. pieces[1]
  templates[#templates + 1] = pieces
end

function init(args)
  local pool, batch, seed = args[1], tonumber(args[2]), tonumber(args[3])
  math.randomseed(seed + 7919 * thread_number)
  for _ = 1, 20 do random() end
  wrk.headers["Content-Type"] = wrk.headers["Content-Type"] or "application/json"
  local waiting = {}
  for line in io.lines(pool) do
    waiting[#waiting + 1] = line
    if #waiting == batch then
      add_template(waiting)
      waiting = {}
    end
  end
  next_template = random(1, #templates)
end

function request()
  local pieces = templates[next_template]
  next_template = random(1, #templates)
  for i = 2, #pieces, 2 do pieces[i] = uuid() end
  return concat(pieces)
end

function done(summary, latency)
  local e = summary.errors
  io.write(format(
    '\n{"requests":%d,"duration_us":%d,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,' ..
    '"p50_us":%d,"p90_us":%d,"p99_us":%d,"p999_us":%d,"max_us":%d}\n',
    summary.requests, summary.duration, e.status, e.connect, e.read, e.write, e.timeout,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9), latency.max))
end
