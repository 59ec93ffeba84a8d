// The gate only shows that the benchmarks run: figures of a busy machine say nothing.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

beforeAll(() => {
  execFileSync('npx', ['tsc', '-b', 'bench'], { cwd: root })
}, 120_000)

test('every contest is held, without a failed request, and prints its line', () => {
  const printed = execFileSync(process.execPath, ['bench/dist/main.js', '--quick'], { cwd: root, encoding: 'utf8' })
  for (const id of ['S1', 'S2', 'S3', 'E1']) expect(printed).toMatch(new RegExp(`^\\| ${id} \\|.*\\d\\.\\d\\d`, 'm'))
}, 120_000)
