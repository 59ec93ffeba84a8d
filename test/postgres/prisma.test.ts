// The store over a real PrismaClient, which is generated for the run: the whole contract of stores, and what becomes of a
// COMMIT that fails or is not answered.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { PrismaPg } from '@prisma/adapter-pg'
import { type Effects, storeConformance } from '@reprise/testkit'
import { createReprise } from 'reprise'
import { type PrismaDatabase, postgres, prisma } from 'reprise/postgres'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { root } from '../repo.ts'
import { describeWith, sharedPostgres } from '../services/services.ts'
import { CuttablePool, type Outside, outside, ownDatabase, tableName } from './given.ts'
import { told } from './libraries.ts'
import { startProxy, type Wire } from './proxy.ts'

const describePostgres = await describeWith('postgres')

/** What the schema below makes Prisma generate, as far as it is used here. */
interface Client extends PrismaDatabase {
  readonly effect: { create(what: { data: { key: string } }): Promise<unknown> }
  $disconnect(): Promise<void>
}
type Tx = Pick<Client, 'effect' | '$queryRawUnsafe' | '$executeRawUnsafe'>

const schema = `
  generator client {
    provider   = "prisma-client"
    output     = "./generated"
    engineType = "client"
  }
  datasource db {
    provider = "postgresql"
  }
  model Effect {
    id  Int    @id @default(autoincrement())
    key String
    @@map("effects")
  }
`

/** Generates a client, without a network: only commands on databases need the engine that would be fetched. */
async function generate(folder: string): Promise<new (options: { adapter: PrismaPg }) => Client> {
  await writeFile(join(folder, 'schema.prisma'), schema)
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  const cli = join(root, 'node_modules/prisma/build/index.js')
  const environment = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' }
  const options = { cwd: folder, env: environment }
  await promisify(execFile)(process.execPath, [cli, 'generate', '--schema', 'schema.prisma'], options)
  const generated = (await import(pathToFileURL(join(folder, 'generated/client.ts')).href)) as {
    PrismaClient: new (options: { adapter: PrismaPg }) => Client
  }
  return generated.PrismaClient
}

describePostgres('prisma', () => {
  let folder = ''
  let url = ''
  let seen: Outside
  let wire: Wire
  let PrismaClient: Awaited<ReturnType<typeof generate>>
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reprise-prisma-'))
    PrismaClient = await generate(folder)
    url = await ownDatabase((await sharedPostgres()).url)
    seen = await outside(url)
    wire = await startProxy(url)
    await seen.pool.query(`
      alter table effects add column id serial primary key;
      create table parents (id int primary key);
      create table children (parent int references parents deferrable initially deferred);
    `)
  })
  afterAll(async () => {
    await wire?.close()
    await seen?.end()
    await rm(folder, { recursive: true, force: true })
  })

  storeConformance<Tx>(test, async ({ clock }) => {
    const table = tableName()
    const used: { readonly pool: CuttablePool; readonly client: Client }[] = []
    await seen.pool.query(`create table ${table}_effects (key text primary key, value text)`)
    const reopen = async () => {
      await used.at(-1)?.pool.cut()
      const pool = new CuttablePool(url)
      const client = new PrismaClient({ adapter: new PrismaPg(pool) })
      used.push({ pool, client })
      const store = postgres({ client: prisma<Tx>(client), table, clock, isolation: 'repeatable read' })
      await store.migrate()
      return store
    }
    const put = `insert into ${table}_effects values ($1, $2) on conflict (key) do update set value = excluded.value`
    const get = `select value from ${table}_effects where key = $1`
    const effects: Effects<Tx> = {
      get: async (tx, key) => {
        const query = tx.$queryRawUnsafe as (text: string, ...values: unknown[]) => Promise<{ value: string }[]>
        return (await query(get, key))[0]?.value
      },
      set: async (tx, key, value) => {
        await (tx.$executeRawUnsafe as (text: string, ...values: unknown[]) => Promise<number>)(put, key, value)
      },
      committed: async (key) => (await seen.one(get, [key]))?.value as string | undefined,
    }
    const store = await reopen()
    return {
      store,
      effects,
      reopen,
      dispose: async () => {
        const { pool, client } = used.at(-1) as (typeof used)[number]
        await client.$disconnect()
        await pool.end()
        await seen.pool.query(`drop table ${table}, ${table}_effects`)
      },
    }
  })

  test('a COMMIT that fails, or whose answer is lost, is told as it is, and gives its connection back', async () => {
    const pool = new CuttablePool(wire.url, { max: 3 })
    const client = new PrismaClient({ adapter: new PrismaPg(pool) })
    const store = postgres({ client: prisma<Tx>(client), table: tableName(), busyTimeout: 2000 })
    await store.migrate()
    const reprise = createReprise({ store, principal: () => 'p', replayCacheBytes: 0 })
    const order = (key: string, then?: (tx: Tx) => PromiseLike<unknown>) =>
      told(
        reprise.run({ name: 'order', guarantee: 'transactional' }, { principal: 'p', key }, async ({ tx }) => {
          await tx.effect.create({ data: { key } })
          await then?.(tx)
          return 'made'
        }),
      )
    const expectOnce = async (key: string, before: 0 | 1): Promise<void> => {
      expect(await seen.effects(key)).toBe(before)
      expect(await order(key)).toBe(before === 1 ? 'replayed made' : 'done made')
      expect(await seen.effects(key)).toBe(1)
      await vi.waitFor(() => expect(pool.totalCount - pool.idleCount).toBe(0))
      await seen.noLocks()
    }
    for (let times = 0; times < 4; times++) {
      const key = tableName()
      const orphan = (tx: Tx) => tx.$executeRawUnsafe('insert into children values (7)')
      expect(await order(key, orphan)).toBe('threw store-unavailable')
      await expectOnce(key, 0)
    }
    for (const [fate, told, effects] of [
      ['cut-before', 'threw store-unavailable', 0],
      ['cut-after', 'done made', 1],
    ] as const) {
      const key = tableName()
      wire.trap(/^commit$/i, fate)
      expect(await order(key)).toBe(told)
      await expectOnce(key, effects)
    }
    let kept: Tx | undefined
    await order(tableName(), async (tx) => {
      kept = tx
    })
    expect(() => kept?.effect).toThrow('has ended')
    await client.$disconnect()
    await pool.end()
  })
})
