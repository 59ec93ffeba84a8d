/** Random lives: whatever happens in whatever order, a store leaves the records that the model leaves. */

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type MemoryStore, type MemoryTx, memory } from 'reprise/memory'
import type { Subject, Theme } from '../subject.ts'
import { type Command, cast, command, World } from './commands.ts'
import { assertAlike } from './model.ts'

const runs = 30
const commandsPerRun = 30

/** The same commands on the store under test and on the model, which have to end alike after each. */
async function liveAlike(subject: Subject, model: MemoryStore, commands: readonly Command[]): Promise<void> {
  const actors = cast()
  const ours = new World(actors, { set: (tx, key, value) => subject.effects.set(tx, key, value) })
  const modelled = new World(actors, { set: (tx, key, value) => (tx as MemoryTx).set(key, value) })
  for (const [n, next] of commands.entries()) {
    const when = `after command ${n + 1}, ${JSON.stringify(next)}`
    if (next.do === 'wait') await subject.clock.advance(next.ms)
    else if (next.do === 'crash') await subject.crash()
    else {
      const result = await ours.apply(next, subject.store)
      assert.deepEqual(result, await modelled.apply(next, model), when)
    }
    for (const { id } of actors.operations) {
      await assertAlike(subject.store, model, id, when)
      if (!subject.abilities.has('transactional')) continue
      assert.equal(await subject.effects.committed(id), model.data.get(id), when)
    }
  }
}

export const lives: Theme = {
  name: 'lives',
  needs: ['virtual time'],
  checks: {
    [`${runs} random lives leave the records that the model leaves`]: async (subject) => {
      // One store and one model for all of them: the operations of each life are new.
      const model = memory({ clock: subject.clock })
      const commands = fc.array(command(subject.abilities), { maxLength: commandsPerRun, size: 'max' })
      const property = fc.asyncProperty(commands, (life) => liveAlike(subject, model, life))
      // A failure names its seed, path and shortest life; `seed` of the suite's options repeats it.
      await fc.assert(property, { numRuns: runs, ...(subject.seed === undefined ? {} : { seed: subject.seed }) })
    },
  },
}
