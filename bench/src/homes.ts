/** Where the data of each contender live: fresh for each contest, on servers that all of them share. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { createClient } from 'redis'
import type { Home } from './contenders.ts'
import type { Services } from './services.ts'

/** When Redis syncs: before each reply, or once a second. */
export type RedisSync = 'always' | 'everysec'

export interface Homes {
  /** A fresh one, as a path or a URL. */
  open(home: Home): Promise<string>
  /** Removes them all. */
  close(): Promise<void>
}

export function homesOn(services: Services, redisSync: RedisSync = 'always'): Homes {
  let folder: string | undefined
  const databases: string[] = []
  let files = 0
  let redisDatabases = 0

  const removeFiles = (): void => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }

  function file(): string {
    if (folder === undefined) {
      folder = mkdtempSync(join(tmpdir(), 'reprise-bench-'))
      // Where the run is interrupted, nobody closes.
      process.once('exit', removeFiles)
    }
    return join(folder, `${++files}.db`)
  }

  async function postgres(): Promise<string> {
    const url = await services.urlOf('postgres')
    const name = `bench_${databases.length + 1}`
    await askPostgres(url, `create database ${name}`)
    databases.push(name)
    return Object.assign(new URL(url), { pathname: `/${name}` }).href
  }

  async function redis(): Promise<string> {
    const url = await services.urlOf('redis')
    if (redisDatabases === 0) await prepareRedis(url, redisSync)
    return Object.assign(new URL(url), { pathname: `/${redisDatabases++}` }).href
  }

  return {
    async open(home) {
      switch (home) {
        case 'nowhere':
          return ''
        case 'file':
          return file()
        case 'postgres':
          return postgres()
        case 'redis':
          return redis()
      }
    },

    async close() {
      removeFiles()
      process.off('exit', removeFiles)
      for (const name of databases) {
        await askPostgres(await services.urlOf('postgres'), `drop database ${name} with (force)`)
      }
    },
  }
}

async function askPostgres(url: string, text: string): Promise<void> {
  const client = new Client(url)
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}

/**
 * Empties the server and its file, and keeps it from rewriting the file in the middle of a round: that would hit whoever
 * has its turn just then.
 */
async function prepareRedis(url: string, sync: RedisSync): Promise<void> {
  const client = await createClient({ url }).connect()
  try {
    await client.configSet({ appendfsync: sync, 'auto-aof-rewrite-percentage': '0' })
    await client.flushAll()
    await client.sendCommand(['BGREWRITEAOF'])
    while ((await client.info('persistence')).includes('aof_rewrite_in_progress:1')) await client.time()
  } finally {
    await client.close()
  }
}
