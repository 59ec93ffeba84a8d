// The order of WAIT and what it waits for, on a connection that does whatever a connection may do in between.
import { describe, expect, it } from 'vitest'
import type { Command } from './connection.ts'
import { ReplicatedSteps } from './replicas.ts'
import { exchange } from './scripts.ts'

type Answer = (command: Command, n: number) => unknown

function stepsOver(answer: Answer, clustered = false) {
  const flights: (readonly Command[])[] = []
  const sent: Command[] = []
  const steps = new ReplicatedSteps(
    {
      clustered,
      send: async (_key, command) => {
        sent.push(command)
        return 0
      },
    },
    async (_key, commands) => {
      flights.push(commands)
      await new Promise((resolve) => setImmediate(resolve))
      return commands.map(answer)
    },
    { count: 1, timeoutMs: 100 },
  )
  const run = (id: string, shelf = 'shelf'): Promise<unknown> => steps.run(shelf, exchange, [id, shelf], [])
  return { run, flights, sent }
}

const usual: Answer = ([name, word]) => {
  if (name === 'CLIENT') return 7
  if (name === 'WAIT') return 1
  return `done ${word === exchange.sha ? 'by name' : 'by text'}`
}

describe('steps that wait for replicas', () => {
  it('count once enough replicas have them', async () => {
    const { run, flights } = stepsOver(usual)
    expect(await run('a')).toBe('done by name')
    expect(flights[0]?.map(([name]) => name)).toEqual(['CLIENT', 'EVALSHA', 'WAIT', 'CLIENT'])
  })

  it('share one WAIT when they arrive while another is under way', async () => {
    const { run, flights } = stepsOver(usual)
    await Promise.all(Array.from({ length: 50 }, (_, n) => run(`${n}`)))
    expect(flights.map((commands) => commands.length - 3)).toEqual([1, 49])
  })

  it('of one shelf of a Cluster share one WAIT, and others do not', async () => {
    const { run, flights } = stepsOver(usual, true)
    await Promise.all(['a', 'b', 'c'].map((id) => run(id, id === 'c' ? 'another' : 'shelf')))
    expect(flights).toHaveLength(3)
  })

  it('do not count with fewer replicas', async () => {
    const { run } = stepsOver((command, n) => (command[0] === 'WAIT' ? 0 : usual(command, n)))
    await expect(run('a')).rejects.toMatchObject({ code: 'store-unavailable', message: /0 of 1 replicas/ })
  })

  it('do not count when the connection was another one before its WAIT', async () => {
    // A client that reconnects sends what is left on the new connection, which has written nothing.
    const { run } = stepsOver((command, n) => (command[0] === 'CLIENT' ? n : usual(command, n)))
    await expect(run('a')).rejects.toMatchObject({ code: 'store-unavailable', message: /connection was lost/ })
  })

  it('do not count when WAIT is refused', async () => {
    const { run } = stepsOver((command, n) => (command[0] === 'WAIT' ? new Error('NOPERM wait') : usual(command, n)))
    await expect(run('a')).rejects.toThrow('NOPERM')
  })

  it('fail alone when one of them is refused', async () => {
    const { run } = stepsOver((command, n) => (command.includes('bad') ? new Error('OOM no') : usual(command, n)))
    const ends = await Promise.allSettled([run('first'), run('bad'), run('good')])
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it('are sent as text to a server that does not know the script', async () => {
    const { run } = stepsOver((command, n) => (command[0] === 'EVALSHA' ? new Error('NOSCRIPT No') : usual(command, n)))
    expect(await run('a')).toBe('done by text')
  })

  it('follow their slot, and not for ever', async () => {
    let moves = 2
    const moving: Answer = (command, n) => {
      if (command[0] !== 'EVALSHA' || moves === 0) return usual(command, n)
      moves--
      return new Error('MOVED 1 127.0.0.1:7001')
    }
    const { run, sent } = stepsOver(moving, true)
    expect(await run('a')).toBe('done by name')
    expect(sent).toEqual([
      ['EXISTS', 'a'],
      ['EXISTS', 'a'],
    ])
    moves = 100
    await expect(run('a')).rejects.toThrow('MOVED')
  })
})
