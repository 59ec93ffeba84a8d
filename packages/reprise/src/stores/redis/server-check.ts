/** Whether the servers keep what they acknowledge, as far as they say: asked once, before the first step. */

import { RepriseError } from '../../engine/errors.ts'
import type { Connection, Master } from './connection.ts'
import { codeOf } from './faults.ts'

/** What may be lost, as the user has accepted it. */
export type AcceptedLoss = 'nothing' | 'last-seconds' | 'everything'

export interface Demands {
  readonly acceptedLoss: AcceptedLoss
  /** The user vouches for what can't be read. */
  readonly trusted: boolean
}

/** Settings of a server; `undefined` where it does not say. */
export interface Settings {
  readonly version: string | undefined
  readonly policy: string | undefined
  readonly appendOnly: string | undefined
  readonly appendSync: string | undefined
  readonly syncPausedByRewrite: string | undefined
}

/** Throws `server-unfit` for the first thing that is not as it has to be. */
export async function checkServers(connection: Connection, demands: Demands): Promise<void> {
  for (const master of await connection.masters()) {
    const objection = objectionTo(await settingsOf(master), demands)
    if (objection !== undefined) throw new RepriseError('server-unfit', `Redis at ${master.name}: ${objection}`)
  }
}

export async function settingsOf(master: Master): Promise<Settings> {
  const info = infoOf(await permitted(master.ask(['INFO'])))
  const config = configOf(await permitted(master.ask(['CONFIG', 'GET', '*append*'])))
  const aof = info.get('aof_enabled')
  return {
    version: info.get('redis_version'),
    policy: info.get('maxmemory_policy'),
    appendOnly: config.get('appendonly') ?? (aof === undefined ? undefined : aof === '1' ? 'yes' : 'no'),
    appendSync: config.get('appendfsync'),
    syncPausedByRewrite: config.get('no-appendfsync-on-rewrite'),
  }
}

/** What is wrong with these settings, what it would lead to, and what to do. */
export function objectionTo(settings: Settings, demands: Demands): string | undefined {
  return versionObjection(settings) ?? evictionObjection(settings, demands) ?? persistenceObjection(settings, demands)
}

function versionObjection({ version }: Settings): string | undefined {
  if (version === undefined) return undefined
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 6 || (major === 6 && minor >= 2)) return undefined
  return `it is version ${version}, and the store needs 6.2 or later.`
}

function evictionObjection({ policy }: Settings, { trusted }: Demands): string | undefined {
  if (policy === 'noeviction') return undefined
  if (policy !== undefined) {
    return (
      `\`maxmemory-policy\` is ${policy}, so that it drops records when its memory is full, and their operations would ` +
      'run again. Set `maxmemory-policy noeviction`.'
    )
  }
  if (trusted) return undefined
  return 'it does not say its `maxmemory-policy`, which has to be noeviction. Let the account use INFO, or see that it is so and say `trustSettings: true`.'
}

function persistenceObjection(settings: Settings, { acceptedLoss, trusted }: Demands): string | undefined {
  if (acceptedLoss === 'everything' || trusted) return undefined
  const { appendOnly, appendSync, syncPausedByRewrite } = settings
  if (appendOnly !== 'yes') {
    return (
      `\`appendonly\` is ${appendOnly ?? 'not told'}, so that a crash of Redis loses every record since its last snapshot. ` +
      "Set `appendonly yes` and `appendfsync always`, or accept that with `acceptLoss: 'everything'`."
    )
  }
  if (appendSync === undefined) {
    return (
      'it does not say its `appendfsync`. Let the account use CONFIG GET; or see that it is always, or that the service keeps ' +
      'what it acknowledges by other means, and say `trustSettings: true`.'
    )
  }
  if (acceptedLoss === 'last-seconds' && appendSync !== 'no') return undefined
  if (appendSync !== 'always') {
    const loses =
      appendSync === 'everysec'
        ? 'a power cut loses the last second or two'
        : 'a power cut loses what the system had not written'
    const accept = appendSync === 'everysec' ? 'last-seconds' : 'everything'
    return (
      `\`appendfsync\` is ${appendSync}, so that ${loses} of what was acknowledged. Set \`appendfsync always\`, or accept ` +
      `that with \`acceptLoss: '${accept}'\`.`
    )
  }
  if (syncPausedByRewrite === 'yes') {
    return (
      '`no-appendfsync-on-rewrite` is yes, so that nothing is synced while the file is rewritten. Set it to no, or accept ' +
      "that with `acceptLoss: 'everything'`."
    )
  }
  return undefined
}

/** `undefined` for what the account may not ask, or the server does not know. */
async function permitted(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer
  } catch (error) {
    if (codeOf(error) === 'NOPERM' || (error instanceof Error && /unknown (?:sub)?command/i.test(error.message))) {
      return undefined
    }
    throw error
  }
}

function infoOf(reply: unknown): ReadonlyMap<string, string> {
  const lines = typeof reply === 'string' ? reply.split('\r\n') : []
  return new Map(
    lines.flatMap((line) => {
      const colon = line.indexOf(':')
      return colon === -1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const]
    }),
  )
}

/** Clients give a map of RESP as an array, an object or a map. */
function configOf(reply: unknown): ReadonlyMap<string, string> {
  if (typeof reply !== 'object' || reply === null) return new Map()
  if (Array.isArray(reply)) {
    const half = Math.floor(reply.length / 2)
    return new Map(Array.from({ length: half }, (_, n) => [`${reply[2 * n]}`, `${reply[2 * n + 1]}`]))
  }
  const entries = reply instanceof Map ? reply.entries() : Object.entries(reply)
  return new Map([...entries].map(([name, value]) => [`${name}`, `${value}`]))
}
