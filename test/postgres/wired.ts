// A database of their own for the tests of a block, and one way to it that can be cut.
import { afterAll, beforeAll } from 'vitest'
import { sharedPostgres } from '../services/services.ts'
import { type Outside, outside, ownDatabase } from './given.ts'
import { startProxy, type Wire } from './proxy.ts'

export interface Database {
  /** The way that is not watched. */
  readonly url: string
  readonly seen: Outside
}

/** There from before the first test of the block to after its last. */
export function database(): Database {
  const its: { url?: string; seen?: Outside } = {}
  beforeAll(async () => {
    its.url = await ownDatabase((await sharedPostgres()).url)
    its.seen = await outside(its.url)
  })
  afterAll(() => its.seen?.end())
  return its as Database
}

/** The same behind a proxy; to be called inside the block. */
export function wiredDatabase(): Database & { readonly wire: Wire } {
  const its = database() as Database & { wire?: Wire }
  beforeAll(async () => {
    its.wire = await startProxy(its.url)
  })
  afterAll(() => its.wire?.close())
  return its as Database & { wire: Wire }
}
