/** Breadth first through every world, so that the first violation found has the shortest trace. */

import { brokenLaw } from './laws.ts'
import { moves } from './moves.ts'
import type { Rules } from './rules.ts'
import { initial, keyOf, type Setting, type World } from './world.ts'

export interface Explored {
  readonly states: number
  readonly transitions: number
  /** The longest way from the start. */
  readonly depth: number
  readonly violation: { readonly law: string; readonly trace: readonly string[] } | undefined
}

/** Throws where the worlds outnumber `limit`: a setting that is not explored to its end proves nothing. */
export function explore(setting: Setting, rules: Rules, limit: number = 12_000_000): Explored {
  const first = initial(setting)
  const seen = new Map<string, number>([[keyOf(first), 0]])
  const parents: number[] = [-1]
  const labels: string[] = ['start']
  let frontier: { world: World; index: number }[] = [{ world: first, index: 0 }]
  let transitions = 0
  let depth = 0
  let violation: Explored['violation']

  while (frontier.length > 0 && violation === undefined) {
    const next: typeof frontier = []
    for (const { world, index } of frontier) {
      moves(world, setting, rules, (reached, label) => {
        transitions++
        const key = keyOf(reached)
        if (seen.has(key) || violation !== undefined) return
        if (seen.size >= limit) throw new RangeError(`More than ${limit} states.`)
        const at = parents.push(index) - 1
        labels.push(label)
        seen.set(key, at)
        const law = brokenLaw(reached, setting, rules)
        if (law === undefined) next.push({ world: reached, index: at })
        else violation = { law, trace: traceTo(at, parents, labels) }
      })
      if (violation !== undefined) break
    }
    frontier = next
    if (next.length > 0) depth++
  }
  return { states: seen.size, transitions, depth, violation }
}

function traceTo(at: number, parents: readonly number[], labels: readonly string[]): string[] {
  const trace: string[] = []
  for (let i = at; i > 0; i = parents[i] as number) trace.unshift(labels[i] as string)
  return trace
}
