// Transactions that fail for every reason that PostgreSQL has. Each has an ending that docs/postgres.md names, nothing of it
// stands, and the same key runs again.
import type { RunEffect, RunEnd } from 'reprise'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith, sharedPostgres } from '../services/services.ts'
import { type Outside, outside, ownDatabase, tableName } from './given.ts'
import { libraries, open, type Process, told } from './libraries.ts'

const describePostgres = await describeWith('postgres')

describePostgres('a transaction that fails', () => {
  let url = ''
  let seen: Outside
  beforeAll(async () => {
    url = await ownDatabase((await sharedPostgres()).url, { deadlock_timeout: '50ms' })
    seen = await outside(url)
    await seen.pool.query(`
      create table accounts (id int primary key, balance int not null);
      insert into accounts values (1, 100), (2, 100);
      create table parents (id int primary key);
      create table children (parent int references parents deferrable initially deferred);
      create function refuses() returns int language plpgsql as $$ begin raise exception 'no such thing'; end $$;
    `)
  })
  afterAll(() => seen?.end())

  for (const library of libraries) {
    describePostgres(`over ${library}`, () => {
      const processes: Process[] = []
      const given = async (settings: Parameters<typeof open>[2] = {}): Promise<Process> => {
        const process = await open(library, url, { table: tableName(), ...settings })
        processes.push(process)
        return process
      }
      afterAll(async () => {
        for (const process of processes) {
          await process.idle()
          await process.close()
        }
        await seen.noLocks()
      })

      type Handler = (exec: (text: string, values?: readonly unknown[]) => Promise<unknown>) => Promise<unknown>
      const run = (
        { reprise, exec }: Process,
        key: string,
        handler: Handler,
        lease = 60_000,
      ): Promise<RunEnd<unknown>> => {
        const effect: RunEffect<unknown, unknown> = async ({ tx }) => {
          await exec(tx, 'insert into effects values ($1)', [key])
          return (await handler((text, values) => exec(tx, text, values))) ?? 'made'
        }
        return reprise.run({ name: 'order', guarantee: 'transactional', lease }, { principal: 'p', key }, effect)
      }
      /** Nothing of it stands; the same key runs, once. */
      const expectFree = async (process: Process, key: string): Promise<void> => {
        expect(await seen.effects(key)).toBe(0)
        expect(await told(run(process, key, async () => undefined))).toBe('done made')
        expect(await told(run(process, key, async () => undefined))).toBe('replayed made')
        expect(await seen.effects(key)).toBe(1)
      }
      const states = async ({ store }: Process): Promise<string[]> =>
        (await store.list({})).items.map(({ state }) => state)

      test.each([
        ['a function that raises', 'select refuses()', 'P0001'],
        ['a statement that times out', "set local statement_timeout = '20ms'; select pg_sleep(1)", '57014'],
        ['a constraint', 'insert into accounts values (1, 0)', '23505'],
        ['a table that is not there', 'select * from nowhere', '42P01'],
      ])('%s: the handler throws it, and the operation is released', async (_, text, code) => {
        const process = await given()
        const key = tableName()
        expect(await told(run(process, key, (exec) => exec(text)))).toBe(`threw ${code}`)
        expect(await states(process)).toEqual(['released'])
        await expectFree(process, key)
      })

      test('a lock that is not to be had: the handler throws it, and the operation is released', async () => {
        const process = await given()
        const key = tableName()
        const holder = await seen.pool.connect()
        await holder.query('begin; select * from accounts where id = 1 for update')
        const waits = "set local lock_timeout = '20ms'; update accounts set balance = 0 where id = 1"
        expect(await told(run(process, key, (exec) => exec(waits)))).toBe('threw 55P03')
        await holder.query('rollback')
        holder.release()
        await expectFree(process, key)
      })

      test('a deadlock: one of the two goes through, and the other runs again', async () => {
        const process = await given()
        const keys = [tableName(), tableName()] as const
        let locked = 0
        let both: () => void = () => undefined
        const together = new Promise<void>((resolve) => {
          both = resolve
        })
        const lock = 'update accounts set balance = balance where id = $1'
        const ends = await Promise.all(
          keys.map((key, n) =>
            told(
              run(process, key, async (exec) => {
                await exec(lock, [1 + n])
                if (++locked === 2) both()
                await together
                await exec(lock, [2 - n])
              }),
            ),
          ),
        )
        expect(ends.toSorted()).toEqual(['done made', 'threw 40P01'])
        await expectFree(process, keys[ends.indexOf('threw 40P01')] as string)
      })

      test('an update of what another has updated meanwhile, in repeatable read', async () => {
        const process = await given({ isolation: 'repeatable read' })
        const key = tableName()
        const overtaken: Handler = async (exec) => {
          await exec('select balance from accounts where id = 2')
          await seen.pool.query('update accounts set balance = balance + 1 where id = 2')
          await exec('update accounts set balance = balance + 1 where id = 2')
        }
        expect(await told(run(process, key, overtaken))).toBe('threw 40001')
        await expectFree(process, key)
      })

      test('two that may not both have happened, in serializable: the second is told so at its COMMIT', async () => {
        const process = await given({ isolation: 'serializable' })
        const notes = tableName()
        await seen.pool.query(`create table ${notes} (n int)`)
        const keys = [tableName(), tableName()] as const
        let read = 0
        let bothRead: () => void = () => undefined
        const together = new Promise<void>((resolve) => {
          bothRead = resolve
        })
        // Each counts the notes and adds one: in no order could both have counted none.
        const ends = await Promise.all(
          keys.map((key) =>
            told(
              run(process, key, async (exec) => {
                await exec(`select count(*) from ${notes}`)
                await exec(`insert into ${notes} values (1)`)
                if (++read === 2) bothRead()
                await together
              }),
            ),
          ),
        )
        expect(ends.toSorted()).toEqual(['done made', 'threw transaction-conflict'])
        await expectFree(process, keys[ends.indexOf('threw transaction-conflict')] as string)
      })

      test('a failure that the handler has swallowed: COMMIT has nothing to commit', async () => {
        const process = await given()
        const key = tableName()
        const swallows: Handler = (exec) => exec('select refuses()').catch(() => 'made')
        const said = {
          code: 'store-unavailable',
          message: expect.stringContaining('a statement in it had failed') as string,
        }
        await expect(run(process, key, swallows)).rejects.toMatchObject(said)
        expect(await states(process)).toEqual([])
        await expectFree(process, key)
      })

      test('a failure that the handler has undone by a savepoint is nobody else’s', async () => {
        const process = await given()
        const key = tableName()
        const recovers: Handler = async (exec) => {
          await exec('savepoint before')
          await exec('select refuses()').catch(() => undefined)
          await exec('rollback to savepoint before')
        }
        expect(await told(run(process, key, recovers))).toBe('done made')
        expect(await seen.effects(key)).toBe(1)
      })

      test('a deferred constraint: COMMIT fails, nothing is remembered', async () => {
        const process = await given()
        const key = tableName()
        const orphan: Handler = (exec) => exec('insert into children values (7)')
        const said = { code: 'store-unavailable', message: expect.stringContaining('children_parent_fkey') as string }
        await expect(run(process, key, orphan)).rejects.toMatchObject(said)
        expect(await states(process)).toEqual([])
        await expectFree(process, key)
      })

      test('a session that idles for longer than the handler allowed', async () => {
        const process = await given()
        const key = tableName()
        const idles: Handler = async (exec) => {
          await exec("set local idle_in_transaction_session_timeout = '50ms'")
          await new Promise((resolve) => setTimeout(resolve, 200))
        }
        expect(await told(run(process, key, idles))).toBe('threw store-unavailable')
        await expectFree(process, key)
      })

      test('a handler that takes longer than its lease', async () => {
        const process = await given()
        const key = tableName()
        const slow: Handler = () => new Promise((resolve) => setTimeout(resolve, 300))
        expect(await told(run(process, key, slow, 100))).toBe('threw attempt-overdue')
        await expectFree(process, key)
      })

      test.each(['commit', 'select 1; COMMIT', '/* so what */ rollback', 'end', 'begin', 'prepare transaction $$x$$'])(
        'a handler that says %s is refused',
        async (text) => {
          const process = await given()
          const key = tableName()
          expect(await told(run(process, key, (exec) => exec(text)))).toBe('threw transaction-broken')
          await expectFree(process, key)
        },
      )

      test('what only looks like COMMIT is the handler’s own affair', async () => {
        const process = await given()
        const key = tableName()
        const harmless: Handler = async (exec) => {
          await exec("select 'a;commit', 'it''s;rollback', e'\\';end' -- ;commit")
          await exec('do $body$ begin perform 1; end $body$')
          await exec('select 1 as "x;commit" /* ;commit */')
        }
        expect(await told(run(process, key, harmless))).toBe('done made')
      })

      test('a text that hides COMMIT behind a backslash is refused', async () => {
        const process = await given()
        const key = tableName()
        expect(await told(run(process, key, (exec) => exec("select 'a\\'; commit; --'")))).toBe(
          'threw transaction-broken',
        )
        await expectFree(process, key)
      })

      test('a procedure that commits is refused by the server', async () => {
        const process = await given()
        const key = tableName()
        const commits = 'do $$ begin commit; end $$'
        expect(await told(run(process, key, (exec) => exec(commits)))).toBe('threw 2D000')
        await expectFree(process, key)
      })

      test('what a handler keeps past its end is of no use any more', async () => {
        const { reprise, exec } = await given()
        const key = tableName()
        let kept: unknown
        await reprise.run({ name: 'order', guarantee: 'transactional' }, { principal: 'p', key }, ({ tx }) => {
          kept = tx
        })
        await expect((async () => exec(kept, 'insert into effects values ($1)', [key]))()).rejects.toMatchObject({
          code: 'transaction-ended',
        })
        expect(await seen.effects(key)).toBe(0)
      })
    })
  }
})
