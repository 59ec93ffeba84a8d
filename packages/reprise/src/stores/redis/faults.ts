/** What Redis and its clients say when they can't, in words that say what to do. */

import { isRepriseError, RepriseError } from '../../engine/errors.ts'

const meanings: Readonly<Record<string, string>> = {
  READONLY:
    'The server that was asked is a replica: a failover is under way, or the client is connected to the wrong one.',
  OOM: 'Redis is at its `maxmemory` and refuses to write: raise it, shorten retention, or sweep more often.',
  MISCONF: 'Redis can’t write to its disk, and so refuses to write at all.',
  NOREPLICAS: 'Redis has fewer replicas than `min-replicas-to-write` asks for, and refuses to write.',
  CLUSTERDOWN: 'The Cluster is down, or has no master for this record.',
  MOVED: 'The slot of the record is moving to another master.',
  ASK: 'The slot of the record is moving to another master.',
  TRYAGAIN: 'The slot of the record is moving to another master.',
  LOADING: 'Redis is still loading its data.',
  BUSY: 'Redis is busy with a script that somebody else runs.',
  MASTERDOWN: 'The server that was asked is a replica whose master is down.',
  NOAUTH: 'The client has not authenticated itself.',
  NOPERM: 'The account of the client may not do what the store needs; docs/redis.md lists it.',
  WRONGTYPE: 'A key of the store holds something else: somebody else writes under its prefix.',
}

// Older servers put what a script's command said behind the place where it was said: `… @user_script:7: -OOM …`.
const codes = new RegExp(`(?:^|: -)(${Object.keys(meanings).join('|')})\\b`)

/** The code with which Redis refused, where it is one that matters here. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? codes.exec(error.message)?.[1] : undefined
}

/** `store-unavailable`, whatever went wrong; errors of our own stay as they are. */
export function unavailable(error: unknown): RepriseError {
  if (isRepriseError(error)) return error
  const code = codeOf(error)
  const meaning = code === undefined ? undefined : meanings[code]
  return new RepriseError('store-unavailable', meaning ?? otherwise(error), { cause: withoutCommand(error) })
}

function otherwise(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  if (/client is closed|connection is closed/i.test(text)) {
    return 'The client is not connected; connect it before the first request, and close the store before the client.'
  }
  return 'Redis could not do its work.'
}

/** Clients attach the command that failed, and with it the answer that was to be kept: nothing for a log. */
function withoutCommand(error: unknown): unknown {
  if (!(error instanceof Error && 'command' in error)) return error
  const told = new Error(error.message)
  told.name = error.name
  return told
}
