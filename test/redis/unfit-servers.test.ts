// Servers that would lose what they acknowledge, or may not be used, are refused before the first step, and said why.
import type { RedisOptions } from 'reprise/redis'
import { describe, expect, test } from 'vitest'
import { describeWith } from '../services/services.ts'
import { type OpenClient, openIoredis, singleClients } from './clients.ts'
import { anOperation, openStore, privateServer, settle, terms } from './given.ts'

const describeRedis = await describeWith('redis')

describeRedis('a server with settings of its own', () => {
  const its = privateServer()

  async function withSettings(settings: Readonly<Record<string, string>>, act: () => Promise<void>): Promise<void> {
    const before: string[][] = []
    for (const name of Object.keys(settings)) before.push((await its.admin.config('GET', name)) as string[])
    try {
      for (const [name, value] of Object.entries(settings)) await its.admin.config('SET', name, value)
      await act()
    } finally {
      for (const [name = '', value = ''] of before) await its.admin.config('SET', name, value)
    }
  }

  describe.each(singleClients)('by %s', (_, openClient) => {
    const accepted = async (options: Partial<RedisOptions>): Promise<void> => {
      const store = await openStore(its.server.url, options, openClient)
      await store.migrate()
      expect((await settle(store)).kind).toBe('written')
    }
    const refused = async (options: Partial<RedisOptions>, message: RegExp): Promise<void> => {
      const unfit = { code: 'server-unfit', message }
      await expect((await openStore(its.server.url, options, openClient)).migrate()).rejects.toMatchObject(unfit)
      const unmigrated = await openStore(its.server.url, options, openClient)
      await expect(unmigrated.claim(anOperation(), terms())).rejects.toMatchObject(unfit)
      expect((await its.admin.keys(`${options.prefix ?? 'none'}*`)).length).toBe(0)
    }

    test('is accepted when it keeps everything', () => accepted({}))

    test.each(['allkeys-lru', 'allkeys-random', 'volatile-lru', 'volatile-ttl'])(
      'is refused when it evicts by %s',
      async (policy) => {
        await withSettings({ 'maxmemory-policy': policy, maxmemory: '100mb' }, async () => {
          await refused({}, new RegExp(policy))
          await refused({ acceptLoss: 'everything' }, new RegExp(policy))
          await refused({ trustSettings: true }, new RegExp(policy))
        })
      },
    )

    test('is refused when it syncs once a second, unless that is accepted', async () => {
      await withSettings({ appendfsync: 'everysec' }, async () => {
        await refused({}, /appendfsync.*everysec.*acceptLoss: 'last-seconds'/)
        await accepted({ acceptLoss: 'last-seconds' })
        await accepted({ trustSettings: true })
      })
    })

    test('is refused when it keeps no log, unless that is accepted', async () => {
      await withSettings({ appendonly: 'no' }, async () => {
        await refused({}, /appendonly.*no.*acceptLoss: 'everything'/)
        await refused({ acceptLoss: 'last-seconds' }, /acceptLoss: 'everything'/)
        await accepted({ acceptLoss: 'everything' })
      })
    })

    test('is looked at again by migrate, and by the next step after it was refused', async () => {
      const store = await openStore(its.server.url, {}, openClient)
      await withSettings({ appendonly: 'no' }, async () => {
        await expect(store.claim(anOperation(), terms())).rejects.toMatchObject({ code: 'server-unfit' })
      })
      expect((await settle(store)).kind).toBe('written')
      await withSettings({ appendonly: 'no' }, async () => {
        await expect(store.migrate()).rejects.toMatchObject({ code: 'server-unfit' })
      })
    })
  })

  describe('that lets an account do little', () => {
    const needed = ['+@read', '+@write', '+@scripting', '+@pubsub', '+time', '+info', '+client|id', '+wait', '+hello']

    async function withAccount(
      rules: readonly string[],
      act: (openClient: OpenClient) => Promise<void>,
    ): Promise<void> {
      await its.admin.acl('SETUSER', 'limited', 'reset', 'on', '>secret', '~*', '&*', ...rules)
      try {
        await act(() => openIoredis(its.server.url.replace('//', '//limited:secret@')))
      } finally {
        await its.admin.acl('DELUSER', 'limited')
      }
    }

    test('is refused when it does not say its settings, unless they are vouched for', async () => {
      await withAccount(needed, async (openClient) => {
        const store = await openStore(its.server.url, {}, openClient)
        await expect(store.migrate()).rejects.toMatchObject({
          code: 'server-unfit',
          message: /appendfsync.*trustSettings/,
        })
        const trusting = await openStore(its.server.url, { trustSettings: true }, openClient)
        await trusting.migrate()
        expect((await settle(trusting)).kind).toBe('written')
      })
    })

    test.each([
      ['run scripts', '-@scripting'],
      ['write', '-@write'],
      ['write keys of an index', '-zadd'],
    ])('is refused when it may not %s', async (_, rule) => {
      await withAccount([...needed, '+config|get', rule], async (openClient) => {
        const store = await openStore(its.server.url, {}, openClient)
        await expect(store.migrate()).rejects.toMatchObject({
          code: 'server-unfit',
          message: /Allow it `~test-.*scripting/,
        })
      })
    })

    test('works without being allowed to tell, and those who wait look for themselves', async () => {
      await withAccount([...needed, '+config|get', 'resetchannels'], async (openClient) => {
        const store = await openStore(its.server.url, {}, openClient)
        await store.migrate()
        const operation = anOperation()
        const asked = terms()
        await store.claim(operation, asked)
        const watching = store.watch?.(operation.id, new AbortController().signal)
        await watching
        expect((await settle(store)).kind).toBe('written')
      })
    })

    test('is enough when it may do what the error of one that may not names', async () => {
      let wanted = ''
      await withAccount([...needed, '-@scripting'], async (openClient) => {
        const store = await openStore(its.server.url, { prefix: 'acl:' }, openClient)
        await store.migrate().catch((error: Error) => {
          wanted = /`(~.*?)`/.exec(error.message)?.[1] ?? ''
        })
      })
      const connecting = ['+hello', '+client|setname']
      await its.admin.acl('SETUSER', 'exact', 'reset', 'on', '>secret', ...wanted.split(' '), ...connecting)
      const openExact: OpenClient = () => openIoredis(its.server.url.replace('//', '//exact:secret@'))
      const store = await openStore(its.server.url, { prefix: 'acl:' }, openExact)
      await store.migrate()
      const operation = anOperation()
      expect((await settle(store, operation)).kind).toBe('written')
      expect((await store.list({})).items).toHaveLength(1)
      await its.admin.acl('DELUSER', 'exact')
    })
  })
})
