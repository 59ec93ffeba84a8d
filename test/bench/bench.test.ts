// The gate only shows that the benchmarks run: figures of a busy machine say nothing.
import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { root } from '../repo.ts'
import { describeWith } from '../services/services.ts'

const run = promisify(execFile)

/** A line for each contest that was held; one with a failed request or a wrong answer ends the run instead. */
async function linesOf(...ids: string[]): Promise<string[]> {
  const { stdout } = await run(process.execPath, ['bench/dist/main.js', '--quick', ...ids], { cwd: root })
  return stdout.split('\n').filter((line) => /^\| \w\d \|.* \d+\.\d\d/.test(line))
}

beforeAll(() => {
  execFileSync('npx', ['tsc', '-b', 'bench'], { cwd: root })
}, 120_000)

// Contests are held one after the other, as they are when it counts.
describe('every contest is held, and prints its lines', () => {
  test('without servers', async () => {
    const lines = await linesOf('S1', 'S2', 'S3', 'E1')
    expect(lines.map((line) => line.slice(2, 4))).toEqual(['S1', 'S2', 'S3', 'E1', 'E1'])
  }, 120_000)
})

const describePostgres = await describeWith('postgres')
const describeRedis = await describeWith('redis')

describePostgres('every contest on PostgreSQL is held, and prints its lines', () => {
  test('throughput', async () => {
    const lines = await linesOf('P1', 'P2', 'P3', 'P4')
    expect(lines.map((line) => line.slice(2, 4))).toEqual(['P1', 'P1', 'P1', 'P2', 'P3', 'P3', 'P4'])
  }, 180_000)

  test('growth, on SQLite too', async () => {
    const lines = await linesOf('G1')
    expect(lines.map((line) => line.slice(2, 4))).toEqual(['G1', 'G1', 'G1', 'G1'])
  }, 180_000)
})

describeRedis('every contest on Redis is held, and prints its lines', () => {
  test('throughput', async () => {
    const lines = await linesOf('R1', 'R2')
    expect(lines.map((line) => line.slice(2, 4))).toEqual(['R1', 'R1', 'R2', 'R2', 'R2', 'R2', 'R2', 'R2', 'R2'])
  }, 240_000)
})
