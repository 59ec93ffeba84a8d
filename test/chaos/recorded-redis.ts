/**
 * A private Redis below which every write and every sync of its append-only file is written down, so that its power can be
 * cut: what it had written and not synced is gone.
 *
 * The recorder of test/power-cut counts a sync from the moment it is asked for, and does not wait for the machine's disk. With
 * `always` no reply leaves before that moment; with `everysec` a real disk is later by the duration of a sync, and loses
 * that much more.
 */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { realpath, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { accountOf } from '../../scripts/services/account.ts'
import { obtain } from '../../scripts/services/binaries.ts'
import { freePort } from '../../scripts/services/ports.ts'
import { askRedis } from '../../scripts/services/redis-ask.ts'
import { makeHome, type Server, startServer } from '../../scripts/services/server.ts'
import { readJournal } from '../power-cut/disk.ts'

export const compiler: string | undefined = ['cc', 'gcc', 'clang'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
)

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export interface RecordedRedis extends Server {
  /** Kills it, and takes away what was not synced: the worst that a disk may do. */
  cutPower(): Promise<PowerCut>
}

export interface PowerCut {
  readonly writtenBytes: number
  readonly lostBytes: number
}

/** The only file that Redis writes in these runs: the others are written and synced before it takes connections. */
const LOG = 'appendonly.aof.1.incr.aof'

export async function startRecordedRedis(appendfsync: 'always' | 'everysec'): Promise<RecordedRedis> {
  if (compiler === undefined) throw new Error('no C compiler was found')
  const programs = await obtain('redis')
  const account = accountOf('redis')
  const port = await freePort()
  const home = await makeHome('redis', account)
  // The recorder knows files by the paths that the kernel gives them.
  const path = await realpath(home.path)
  const recorder = join(path, 'recorder.so')
  const flags = ['-shared', '-fPIC', '-O1', '-o', recorder]
  await promisify(execFile)(compiler, [...flags, here('../power-cut/recorder.c'), '-ldl', '-lpthread'])
  const folder = join(path, 'appendonlydir')
  const journal = join(path, 'journal')
  const settings: Record<string, string> = {
    bind: '127.0.0.1',
    port: String(port),
    dir: path,
    appendonly: 'yes',
    appendfsync,
    save: '',
    'maxmemory-policy': 'noeviction',
    // A rewrite would begin another file.
    'auto-aof-rewrite-percentage': '0',
  }
  const server = await startServer({
    name: 'redis',
    url: `redis://127.0.0.1:${port}`,
    port,
    home,
    account,
    program: 'env',
    args: [
      `LD_PRELOAD=${recorder}`,
      `RECORDER_FOLDER=${folder}`,
      `RECORDER_JOURNAL=${journal}`,
      join(programs, 'redis-server'),
      ...Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]),
    ],
    haltSignal: 'SIGTERM',
    stopSignal: 'SIGKILL',
    ready: async () => (await askRedis(port, 'PING')) === 'PONG',
  })

  const log = join(folder, LOG)
  /** Its length when this life of the server began. */
  let startBytes = 0
  return Object.create(server, {
    cutPower: {
      value: async (): Promise<PowerCut> => {
        await server.kill()
        let synced = startBytes
        let written = startBytes
        for (const entry of readJournal(journal)) {
          if (entry.name !== LOG) continue
          if (entry.kind === 'write') written += entry.bytes.length
          if (entry.kind === 'sync') synced = written
        }
        const { size } = await stat(log)
        // The kill may have fallen between the entry of a write and the write.
        const kept = Math.min(size, synced)
        assert.ok(written > startBytes, 'the recorder saw no write')
        await truncate(log, kept)
        await rm(journal)
        startBytes = kept
        return { writtenBytes: written, lostBytes: written - kept }
      },
    },
  }) as RecordedRedis
}
