// The store on MariaDB under the whole suite, spoken to as MariaDB and as MySQL. A crash kills the connections of the first
// store and opens another on the same table.
import { type OpenStore, storeConformance } from '@reprise/testkit'
import type { Pool, PoolConnection } from 'mysql2/promise'
import mysql2 from 'mysql2/promise'
import type { Store } from 'reprise'
import { type MysqlPool, type MysqlTx, mysql } from 'reprise/mysql'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { CuttablePool, disguised, effectsIn, tableName } from '../mysql/given.ts'
import { describeWith, sharedMariadb } from '../services/services.ts'

const describeMariadb = await describeWith('mariadb')

describeMariadb('mysql', () => {
  let url: string
  let outside: Pool
  beforeAll(async () => {
    url = (await sharedMariadb()).url
    outside = mysql2.createPool({ uri: url, connectionLimit: 4 })
  })
  /** Tables that an earlier check has left, empty: making and dropping two for each check takes longer than the check. */
  const free: string[] = []
  afterAll(async () => {
    for (const table of free) await outside?.query(`drop table ${table}, ${table}_effects`)
    await outside?.end()
  })

  const opening =
    (seenAs: (pool: MysqlPool<PoolConnection>) => MysqlPool<PoolConnection>): OpenStore<MysqlTx<PoolConnection>> =>
    async ({ clock }) => {
      const left = free.pop()
      const table = left ?? tableName()
      const effects = effectsIn(`${table}_effects`, outside)
      if (left === undefined) await effects.create()
      let used: CuttablePool | undefined
      const openNext = async (): Promise<Store<MysqlTx<PoolConnection>>> => {
        await used?.cut(outside)
        used = new CuttablePool(url)
        const store = mysql({ pool: seenAs(used.pool), table, clock })
        await store.migrate()
        return store
      }
      const store = await openNext()
      return {
        store,
        effects,
        reopen: openNext,
        dispose: async () => {
          await used?.cut(outside)
          await outside.query(`delete from ${table}`)
          await outside.query(`delete from ${table}_effects`)
          free.push(table)
        },
      }
    }

  describe('as MariaDB', () => {
    storeConformance(
      test,
      opening((pool) => pool),
    )
  })

  describe('as MySQL', () => {
    storeConformance(test, opening(disguised))
  })
})
