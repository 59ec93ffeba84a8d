import { expect, it, test } from 'vitest'
import { type Demands, objectionTo, type Settings, settingsOf } from './server-check.ts'

const fit: Settings = {
  version: '7.0.15',
  policy: 'noeviction',
  appendOnly: 'yes',
  appendSync: 'always',
  syncPausedByRewrite: 'no',
}
const strict: Demands = { acceptedLoss: 'nothing', trusted: false }
const lastSeconds: Demands = { ...strict, acceptedLoss: 'last-seconds' }
const everything: Demands = { ...strict, acceptedLoss: 'everything' }
const trusting: Demands = { ...strict, trusted: true }
const unsaid: Settings = {
  version: undefined,
  policy: undefined,
  appendOnly: undefined,
  appendSync: undefined,
  syncPausedByRewrite: undefined,
}

test.each<[string, Partial<Settings>, Demands, RegExp]>([
  ['a server that keeps everything', {}, strict, /^nothing$/],
  ['Valkey, which calls itself Redis 7.2', { version: '7.2.4' }, strict, /^nothing$/],
  ['version 6.2', { version: '6.2.0' }, strict, /^nothing$/],
  ['version 6.0', { version: '6.0.20' }, everything, /6\.2 or later/],
  ['version 10', { version: '10.0.0' }, strict, /^nothing$/],
  ['an evicting server', { policy: 'allkeys-lru' }, strict, /allkeys-lru.*maxmemory-policy noeviction/],
  ['an evicting server, whatever is accepted', { policy: 'volatile-ttl' }, everything, /volatile-ttl/],
  ['an evicting server, whatever is vouched for', { policy: 'allkeys-lfu' }, trusting, /allkeys-lfu/],
  ['no log', { appendOnly: 'no' }, strict, /`appendonly` is no.*appendonly yes.*'everything'/],
  ['no log, with little accepted', { appendOnly: 'no' }, lastSeconds, /'everything'/],
  ['no log, accepted', { appendOnly: 'no' }, everything, /^nothing$/],
  ['everysec', { appendSync: 'everysec' }, strict, /everysec.*last second or two.*'last-seconds'/],
  ['everysec, accepted', { appendSync: 'everysec' }, lastSeconds, /^nothing$/],
  ['no syncs', { appendSync: 'no' }, lastSeconds, /`appendfsync` is no.*'everything'/],
  ['no syncs during a rewrite', { syncPausedByRewrite: 'yes' }, strict, /no-appendfsync-on-rewrite/],
  ['a server whose account may not use CONFIG', { appendSync: undefined }, strict, /CONFIG GET.*trustSettings/],
  ['the same, vouched for', { appendSync: undefined }, trusting, /^nothing$/],
  [
    'a service with a log of another kind, vouched for',
    { appendOnly: 'no', appendSync: undefined },
    trusting,
    /^nothing$/,
  ],
  ['a server that says nothing', unsaid, strict, /maxmemory-policy.*trustSettings/],
  ['a server that says nothing, with everything accepted', unsaid, everything, /maxmemory-policy/],
  ['a server that says nothing, vouched for', unsaid, trusting, /^nothing$/],
])('%s', (_, settings, demands, objection) => {
  const found = objectionTo({ ...fit, ...settings }, demands)
  expect(found ?? 'nothing').toMatch(objection)
})

const info = '# Server\r\nredis_version:7.0.15\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n'

it.each([
  ['an array', ['appendonly', 'yes', 'appendfsync', 'always']],
  ['an object', { appendonly: 'yes', appendfsync: 'always' }],
  [
    'a map',
    new Map([
      ['appendonly', 'yes'],
      ['appendfsync', 'always'],
    ]),
  ],
])('reads settings that a client gives as %s', async (_, config) => {
  const settings = await settingsOf({ name: 'x', ask: async ([name]) => (name === 'INFO' ? info : config) })
  expect(settings).toEqual({ ...fit, syncPausedByRewrite: undefined })
})

it('reads what it may where CONFIG is forbidden or renamed', async () => {
  for (const refusal of [
    "NOPERM this user has no permissions to run the 'config|get' command",
    'ERR unknown command',
  ]) {
    const settings = await settingsOf({
      name: 'x',
      ask: async ([name]) => {
        if (name === 'CONFIG') throw new Error(refusal)
        return info
      },
    })
    expect(settings).toMatchObject({ policy: 'noeviction', appendOnly: 'yes', appendSync: undefined })
  }
})

it('does not take a lost connection for a setting that is not told', async () => {
  const ask = (): Promise<never> => Promise.reject(new Error('Connection is closed.'))
  await expect(settingsOf({ name: 'x', ask })).rejects.toThrow('closed')
})
