/* SPDX-License-Identifier: MIT */
#include "sink_scripts.h"

/*
 * A de-duplication record is one field of a hash: the name is digest:session,
 * the value owner, command id, from, expiry (ms on Redis's clock) and session,
 * a line each. None of them can hold a line feed.
 */

#define MOVED_MAX "64" /* of an identity; the earliest command goes */

#define LUA_IS_LATER                                  \
	"local function is_later(a, b)\n"             \
	"  local am, as = a:match('^(%d+)-(%d+)$')\n" \
	"  local bm, bs = b:match('^(%d+)-(%d+)$')\n" \
	"  if #am ~= #bm then return #am > #bm end\n" \
	"  if am ~= bm then return am > bm end\n"     \
	"  if #as ~= #bs then return #as > #bs end\n" \
	"  return as > bs\n"                          \
	"end\n"

#define LUA_RECORDS                                                          \
	"local time = redis.call('TIME')\n"                                  \
	"local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"          \
	"local function prolong(key, ms)\n"                                  \
	"  if redis.call('PTTL', key) < ms + 0 then\n"                       \
	"    redis.call('PEXPIRE', key, ms)\n"                               \
	"  end\n"                                                            \
	"end\n"                                                              \
	"local function read(key, each)\n"                                   \
	"  local flat = redis.call('HGETALL', key)\n"                        \
	"  for i = 1, #flat, 2 do\n"                                         \
	"    local owner, id, from, ends, session = flat[i + 1]:match(\n"    \
	"      '^(.-)\\n(.-)\\n(.-)\\n(.-)\\n(.*)$')\n"                      \
	"    each({name = flat[i], owner = owner, id = id, from = from,\n"   \
	"      session = session,\n"                                         \
	"      is_over = not owner or tonumber(ends) <= now})\n"             \
	"  end\n"                                                            \
	"end\n"                                                              \
	"local function write(key, r, ms)\n"                                 \
	"  redis.call('HSET', key, r.name, table.concat({r.owner, r.id,\n"   \
	"    r.from, string.format('%.0f', now + ms), r.session}, '\\n'))\n" \
	"  prolong(key, ms)\n"                                               \
	"end\n"

/*
 * KEYS: the commands stream; with de-duplication the hash, and the hash of
 *   commands that have got another owner: id and owner. It outlives the record,
 *   so that the owner before can ask whose an answer is.
 * ARGV: digest, owner, session that a record must have ('' = any), from,
 *   session, milliseconds that a record lives, most records; then the entry.
 * {0, id}, or {1, id, from, session} for a repeat.
 * Nothing is written before the XADD: Redis refuses for want of memory only the
 * first write of a script.
 */
const char sink_script_submit[] = LUA_IS_LATER LUA_RECORDS
    "local fields = {unpack(ARGV, 8)}\n"
    "if not KEYS[2] then\n"
    "  return {0, redis.call('XADD', KEYS[1], '*', unpack(fields))}\n"
    "end\n"
    "local live, over, first = {}, {}, nil\n"
    "read(KEYS[2], function(r)\n"
    "  if r.is_over then over[#over + 1] = r.name return end\n"
    "  live[#live + 1] = r\n"
    "  if r.name:sub(1, #ARGV[1] + 1) == ARGV[1] .. ':'\n"
    "    and r.owner ~= ARGV[2]\n"
    "    and (ARGV[3] == '' or ARGV[3] == r.session)\n"
    "    and (not first or is_later(r.id, first.id)) then first = r end\n"
    "end)\n"
    "if first then\n"
    "  first.owner = ARGV[2]\n"
    "  write(KEYS[2], first, ARGV[6])\n"
    "  local earliest, moved = nil, redis.call('HKEYS', KEYS[3])\n"
    "  for _, id in ipairs(moved) do\n"
    "    if not earliest or is_later(earliest, id) then earliest = id end\n"
    "  end\n"
    "  if #moved >= " MOVED_MAX " then\n"
    "    redis.call('HDEL', KEYS[3], earliest)\n"
    "  end\n"
    "  redis.call('HSET', KEYS[3], first.id, ARGV[2])\n"
    "  prolong(KEYS[3], ARGV[6])\n"
    "  return {1, first.id, first.from, first.session}\n"
    "end\n"
    "local id = redis.call('XADD', KEYS[1], '*', unpack(fields))\n"
    "if #over > 0 then redis.call('HDEL', KEYS[2], unpack(over)) end\n"
    "table.sort(live, function(a, b) return is_later(b.id, a.id) end)\n"
    "for i = 1, #live - tonumber(ARGV[7]) + 1 do\n"
    "  redis.call('HDEL', KEYS[2], live[i].name)\n"
    "end\n"
    "write(KEYS[2], {name = ARGV[1] .. ':' .. ARGV[5], owner = ARGV[2],\n"
    "  id = id, from = ARGV[4], session = ARGV[5]}, ARGV[6])\n"
    "return {0, id}\n";

/*
 * KEYS: hashes in which the record may be. ARGV: command id, owner.
 * How many records went.
 */
const char sink_script_release[] = LUA_RECORDS
    "local gone = 0\n"
    "for _, key in ipairs(KEYS) do\n"
    "  read(key, function(r)\n"
    "    if r.is_over or (r.id == ARGV[1] and r.owner == ARGV[2]) then\n"
    "      gone = gone + redis.call('HDEL', key, r.name)\n"
    "    end\n"
    "  end)\n"
    "end\n"
    "return gone\n";

/*
 * KEYS: two hashes in which the record may be, the hash of commands that have
 *   got another owner. ARGV: as above, then the milliseconds.
 * How many were renewed.
 */
const char sink_script_renew[] = LUA_RECORDS
    "local renewed = 0\n"
    "for i = 1, 2 do\n"
    "  read(KEYS[i], function(r)\n"
    "    if not r.is_over and r.id == ARGV[1] and r.owner == ARGV[2] then\n"
    "      write(KEYS[i], r, ARGV[3])\n"
    "      renewed = renewed + 1\n"
    "    end\n"
    "  end)\n"
    "end\n"
    "if renewed > 0 and redis.call('HEXISTS', KEYS[3], ARGV[1]) == 1 then\n"
    "  prolong(KEYS[3], ARGV[3])\n"
    "end\n"
    "return renewed\n";

/*
 * KEYS: the commands stream. Entries go that every group has read and
 * acknowledged; without a group none goes. Whole nodes first and not too many
 * at once, since Redis does nothing else meanwhile; then the few that are left.
 * How many went.
 */
const char sink_script_trim[] = LUA_IS_LATER
    "if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end\n"
    "local low = nil\n"
    "for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do\n"
    "  local group = {}\n"
    "  for i = 1, #flat, 2 do group[flat[i]] = flat[i + 1] end\n"
    "  local bound = group['last-delivered-id']\n"
    "  local pending = redis.call('XPENDING', KEYS[1], group.name)\n"
    "  if pending[1] > 0 then bound = pending[2] end\n"
    "  if not low or is_later(low, bound) then low = bound end\n"
    "end\n"
    "if not low then return 0 end\n"
    "local gone = redis.call('XTRIM', KEYS[1], 'MINID', '~', low,\n"
    "  'LIMIT', 1000000)\n"
    "if gone > 900000 then return gone end\n"
    "return gone + redis.call('XTRIM', KEYS[1], 'MINID', low)\n";

/*
 * KEYS: the dead-letter stream, the marker of this entry.
 * ARGV: seconds that the marker lives, most entries; then the entry.
 * 1, or 0 when somebody has written it before.
 */
const char sink_script_dead_letter[] =
    "if not redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[1]) then\n"
    "  return 0\n"
    "end\n"
    "redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*',\n"
    "  unpack(ARGV, 3))\n"
    "return 1\n";
