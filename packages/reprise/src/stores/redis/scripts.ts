/**
 * Every step as one script. What varies comes in as KEYS and ARGV, never as text of a script, and the keys of a call
 * lie in one slot.
 */

import { hash } from 'node:crypto'

export interface Script {
  readonly source: string
  /** The name under which a server that has seen the script knows it. */
  readonly sha: string
}

function script(source: string): Script {
  return { source, sha: hash('sha1', source) }
}

/** Milliseconds after which what is due is taken for forgotten by those who should sweep. */
export const overdueMs = 3_600_000

/** What `exchange` answers first. */
export const done = 1
export const found = 0
export const late = 2

/**
 * Writes a record if it says what it is believed to say.
 *
 * KEYS  1 record · 2 index of its shelf · 3 mark, where replicas are waited for
 * ARGV  1 server's time from which on to do nothing · 2 look, put or drop · 3 what it has to say, empty for no record
 *       4 id · 5 value · 6 when it is due, -inf for never · 7 channel, empty where nobody need be told
 * Answers (done, time, overdue), (found, time, value) or (late, time).
 *
 * Telling is worth a try and no more: an account may not be allowed to, and who waits looks again anyway. Whether the
 * shelf is overdue is looked at now and then, which is soon enough.
 */
export const exchange: Script = script(`
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if ARGV[1] ~= '' and now >= tonumber(ARGV[1]) then return {${late}, now} end
local value = redis.call('GET', KEYS[1])
local says = value or ''
local stop = string.find(says, '\\n', 1, true)
if stop then says = string.sub(says, 1, stop - 1) end
if ARGV[2] == 'look' or says ~= ARGV[3] then
  if KEYS[3] then redis.call('SET', KEYS[3], '') end
  return {${found}, now, value}
end
if ARGV[2] == 'drop' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[4])
else
  redis.call('SET', KEYS[1], ARGV[5])
  redis.call('ZADD', KEYS[2], ARGV[6], ARGV[4])
end
if ARGV[7] ~= '' then redis.pcall('PUBLISH', ARGV[7], '') end
local overdue = 0
if clock[2] % 16 == 0 then overdue = redis.call('ZCOUNT', KEYS[2], 0, now - ${overdueMs}) end
return {${done}, now, overdue}
`)

/**
 * Ids of a shelf, each followed by its time.
 *
 * KEYS  1 index of the shelf
 * ARGV  1 first time · 2 last time · 3 how many to leave out · 4 how many
 */
export const onShelf: Script = script(`
return redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], ARGV[2], 'WITHSCORES', 'LIMIT', ARGV[3], ARGV[4])
`)
