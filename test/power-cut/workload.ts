// A scripted life of the store, in a process of its own: attempts that commit together, refusals, releases, guarded claims
// and settlements, a sweep. What has been acknowledged is written to the file `acks`, through the same recorder.
import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createReprise, NotApplied } from 'reprise'
import { sqlite } from 'reprise/sqlite'

const [folder = '', rounds = '3'] = process.argv.slice(2)
const acks = openSync(join(folder, 'acks'), 'a')
const acknowledge = (line: string): void => {
  writeSync(acks, `${line}\n`)
}

const store = sqlite({ file: join(folder, 'app.db') })
await store.migrate()
const reprise = createReprise({ store, principal: () => 'p', retention: '1h', lease: '30s' })
const transactional = { name: 'order', guarantee: 'transactional' } as const
const guarded = { name: 'charge', guarantee: 'guarded' } as const

await reprise.run(transactional, { principal: 'p', key: 'table' }, ({ tx }) => {
  tx.exec('create table if not exists effects (key text not null)')
  return true
})
acknowledge('done table true')

for (let round = 0; round < Number(rounds); round++) {
  const keys = Array.from({ length: 4 }, (_, i) => `r${round}-${i}`)
  await Promise.all(
    keys.map(async (key) => {
      // Bodies of many sizes, so that frames of the log end anywhere within a sector.
      const value = `${key} ${'x'.repeat((round * 997 + key.length * 131) % 5000)}`
      const end = await reprise.run(transactional, { principal: 'p', key, input: key }, ({ tx }) => {
        tx.prepare('insert into effects (key) values (?)').run(key)
        return value
      })
      if (end.kind === 'done') acknowledge(`done ${key} ${JSON.stringify(end.value)}`)
    }),
  )
  await reprise
    .run(transactional, { principal: 'p', key: `throw-${round}` }, ({ tx }) => {
      tx.prepare('insert into effects (key) values (?)').run(`throw-${round}`)
      throw new NotApplied('nothing happened')
    })
    .catch(() => acknowledge(`released throw-${round}`))
  const charge = await reprise.run(guarded, { principal: 'p', key: `g${round}` }, () => `charged ${round}`)
  if (charge.kind === 'done') acknowledge(`done g${round} ${JSON.stringify(charge.value)}`)
}
await reprise.sweep()
await store.close()
