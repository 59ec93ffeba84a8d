#!/usr/bin/env bash
# Tells the story of a safe retry against a running ledger, step by step. Needs bash and curl.
#
#   npm run demo                                  against http://127.0.0.1:8080 (started with: npm start)
#   BASE_URL=http://host:port npm run demo        against another address; LEDGER_KEY is the API key
#   npm run demo -- --crash                       starts a ledger of its own and kills it with kill -9 in between
set -euo pipefail
cd "$(dirname "$0")/.."

base=${BASE_URL:-http://127.0.0.1:8080}
api_key=${LEDGER_KEY:-demo-key}
run="$(date +%s)-$$"
tmp=$(mktemp -d)
ledger_pid=

finish() {
  if [[ -n $ledger_pid ]]; then kill -9 "$ledger_pid" 2>/dev/null || true; fi
  rm -rf "$tmp"
}
trap finish EXIT

if [[ -t 1 ]]; then bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'; else bold='' dim='' green='' red='' plain=''; fi

step() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
say() { printf '  %s\n' "$1"; }
good() { printf '  %s✓ %s%s\n' "$green" "$1" "$plain"; }
fail() {
  printf '  %s✗ %s%s\n' "$red" "$1" "$plain" >&2
  exit 1
}

# post NAME PATH KEY BODY: the answer goes to $tmp/NAME.{status,headers,body}.
post() {
  curl -sS --max-time 20 -X POST "$base$2" -D "$tmp/$1.headers" -o "$tmp/$1.body" -w '%{http_code}' \
    -H "Authorization: Bearer $api_key" -H "Idempotency-Key: $3" -H 'Content-Type: application/json' \
    -d "$4" >"$tmp/$1.status"
}
status() { cat "$tmp/$1.status"; }
# header NAME FIELD: the value of a field of an answer, or nothing.
header() { sed -n "s/^$2: *\([^\r]*\)\r*$/\1/Ip" "$tmp/$1.headers"; }
# member FILE NAME: a text or number at the top of a JSON body.
member() { sed -n "s/.*\"$2\":\"\{0,1\}\([^\",}]*\).*/\1/p" "$1"; }

expect_status() {
  [[ $(status "$1") == "$2" ]] || fail "expected $2, got $(status "$1"): $(cat "$tmp/$1.body")"
}
balance() {
  curl -sS --max-time 20 "$base/v1/accounts/$1" -H "Authorization: Bearer $api_key" -o "$tmp/account.body"
  member "$tmp/account.body" balance
}
expect_balance() {
  local found
  found=$(balance "$1")
  [[ $found == "$2" ]] || fail "$1 holds $found, expected $2"
  good "$1 holds $found"
}

# One of two requests at the same instant may be told that the other is still running, and to send again.
post_until_done() {
  post "$@"
  while [[ $(status "$1") == 409 && $(member "$tmp/$1.body" code) == idempotency-in-progress ]]; do
    say "${dim}$1: 409, the first is still running; again in $(header "$1" retry-after) s$plain"
    sleep "$(header "$1" retry-after)"
    post "$@"
  done
}

start_ledger() {
  PORT=${1:-0} LEDGER_DB="$tmp/ledger.db" LEDGER_DEV_KEYS="demo=$api_key" LOG_LEVEL=silent \
    node apps/ledger/dist/main.js >"$tmp/ledger.out" 2>&1 &
  ledger_pid=$!
  disown "$ledger_pid"
  for _ in $(seq 200); do
    base=$(sed -n 's/.*listens at \(http:[^ ]*\)\. .*/\1/p' "$tmp/ledger.out")
    if [[ -n $base ]]; then return; fi
    sleep 0.1
  done
  fail "the ledger did not start: $(cat "$tmp/ledger.out")"
}

crash=
case ${1:-} in
  '') ;;
  --crash) crash=yes ;;
  *)
    echo 'Usage: demo.sh [--crash]' >&2
    exit 2
    ;;
esac

if [[ -n $crash ]]; then
  node node_modules/typescript/bin/tsc -b apps/ledger
  start_ledger
elif ! curl -sf --max-time 5 "$base/healthz" -o /dev/null; then
  echo "No ledger answers at $base. Start one with: npm start" >&2
  echo 'Or let the demo start one of its own: npm run demo -- --crash' >&2
  exit 1
fi
echo "A ledger at $base"

alice="alice-$run" bob="bob-$run"

step '1. Two accounts are opened, and money comes in from the world'
post alice /v1/accounts "open-$alice" "{\"id\":\"$alice\",\"owner\":\"Alice\",\"currency\":\"EUR\"}"
expect_status alice 201
post bob /v1/accounts "open-$bob" "{\"id\":\"$bob\",\"owner\":\"Bob\",\"currency\":\"EUR\"}"
expect_status bob 201
post fund /v1/transfers "fund-$run" "{\"from\":\"world\",\"to\":\"$alice\",\"amount\":10000,\"currency\":\"EUR\"}"
expect_status fund 201
expect_balance "$alice" 10000
expect_balance "$bob" 0

step '2. Alice sends Bob 25.00, five times with one key, two of them at the same instant'
key="rent-$run"
rent="{\"from\":\"$alice\",\"to\":\"$bob\",\"amount\":2500,\"currency\":\"EUR\",\"reference\":\"Rent\"}"
say "Idempotency-Key: $key"
post_until_done first /v1/transfers "$key" "$rent" &
one=$!
post_until_done second /v1/transfers "$key" "$rent" &
other=$!
wait "$one" "$other"
for name in third fourth fifth; do post "$name" /v1/transfers "$key" "$rent"; done
original=0
for name in first second third fourth fifth; do
  expect_status "$name" 201
  cmp -s "$tmp/first.body" "$tmp/$name.body" || fail "$name differs from the first answer"
  replayed=$(header "$name" idempotent-replayed)
  if [[ -z $replayed ]]; then original=$((original + 1)); fi
  say "$(printf '%-6s 201 %s  Idempotent-Replayed: %s' "$name" "$(member "$tmp/$name.body" id)" "${replayed:-(absent: this one did it)}")"
done
[[ $original == 1 ]] || fail "$original answers say that they did the work"
good 'one did it, four were answered with the same bytes'
expect_balance "$alice" 7500
expect_balance "$bob" 2500

if [[ -n $crash ]]; then
  step '3. The service is killed with kill -9 in the middle of a transfer, and started again'
  late="{\"from\":\"$alice\",\"to\":\"$bob\",\"amount\":100,\"currency\":\"EUR\"}"
  post before /v1/transfers "late-$run" "$late" 2>/dev/null &
  lost=$!
  # Long enough for the request to be on its way, too short to know how far it gets.
  sleep "0.0$((10 + RANDOM % 20))"
  kill -9 "$ledger_pid"
  wait "$lost" || true
  if [[ -s $tmp/before.body ]]; then say 'the answer arrived just before'; else say 'no answer: did it happen, or not?'; fi
  start_ledger
  say "a new process listens at $base"
  post_until_done after /v1/transfers "late-$run" "$late"
  expect_status after 201
  if [[ -s $tmp/before.body ]]; then cmp -s "$tmp/before.body" "$tmp/after.body" || fail 'the answers differ'; fi
  replayed=$(header after idempotent-replayed)
  if [[ -n $replayed ]]; then good 'it had happened, and the retry is told so'; else good 'it had not, and the retry did it'; fi
  expect_balance "$alice" 7400
  post again /v1/transfers "$key" "$rent"
  expect_status again 201
  cmp -s "$tmp/first.body" "$tmp/again.body" || fail 'the rent is answered differently after the crash'
  good 'the rent is still answered with the same bytes'
  post back /v1/transfers "back-$run" "{\"from\":\"$bob\",\"to\":\"$alice\",\"amount\":100,\"currency\":\"EUR\"}"
  expect_status back 201
fi

step "$([[ -n $crash ]] && echo 4 || echo 3). The same key for something else"
post reused /v1/transfers "$key" "${rent/2500/9900}"
expect_status reused 422
say "422 $(member "$tmp/reused.body" code)"
say "$(sed -n 's/.*"detail":"\([^"]*\)".*/\1/p' "$tmp/reused.body")"
good 'refused, and nothing happened'

step "$([[ -n $crash ]] && echo 5 || echo 4). More than there is, twice with one key"
poor="{\"from\":\"$bob\",\"to\":\"$alice\",\"amount\":999999,\"currency\":\"EUR\"}"
post poor /v1/transfers "poor-$run" "$poor"
post still /v1/transfers "poor-$run" "$poor"
expect_status poor 422
expect_status still 422
cmp -s "$tmp/poor.body" "$tmp/still.body" || fail 'the two refusals differ'
say "422 $(member "$tmp/poor.body" code)"
good 'a refusal is an answer too: the retry gets the same bytes'

step 'In the end'
expect_balance "$alice" 7500
expect_balance "$bob" 2500
