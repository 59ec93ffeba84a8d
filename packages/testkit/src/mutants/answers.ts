/** Bugs planted in the HTTP layer: who asks, what a request means, what is stored, what is answered. */

import { edit, type Mutant } from './mutant.ts'

const route = 'http/route.js'
const replay = 'http/replay.js'
const ids = 'engine/operation-id.js'
const headers = 'http/stored-headers.js'
const fingerprint = 'http/fingerprint.js'

const bugs: readonly Omit<Mutant, 'foundBy' | 'mode'>[] = [
  {
    name: 'the principal is left out of the id',
    story: 'The key alone names the operation: one caller is answered with what was made for another.',
    ...edit(
      ids,
      'const { namespace, scope, principal, key } = parts;',
      "const { namespace, scope, key } = parts;\n    const principal = '';",
    ),
  },
  {
    name: 'ids have no length prefixes',
    story: '("a", "b0") and ("ab", "0") are one operation.',
    ...edit(
      ids,
      "return pepper === undefined ? hash('sha256', tuple, 'base64url')",
      "return pepper === undefined ? hash('sha256', namespace + scope + principal + key, 'base64url')",
    ),
  },
  {
    name: 'whoever is not authenticated is anonymous',
    story: 'A principal that was revoked is served in the name of nobody.',
    ...edit(
      'http/admission.js',
      "const principal = typeof asked === 'string' ? asked : await asked;",
      "const principal = (typeof asked === 'string' ? asked : await asked) ?? 'anonymous';",
    ),
  },
  {
    name: 'server errors are recorded',
    story: 'A 500 is replayed for a day.',
    ...edit('http/classify.js', "return 'fail';", "return 'keep';"),
  },
  {
    name: 'a refusal for now is recorded',
    story: 'A 429 is replayed for a day.',
    ...edit('http/classify.js', '428, 429]', '428]'),
  },
  {
    name: 'a refusal is released',
    story: 'A 4xx is not remembered, so a delayed duplicate may succeed after the caller was told no.',
    ...edit('http/classify.js', "'keep' : 'refuse'", "'keep' : 'release'"),
  },
  {
    name: 'every header is stored',
    story: 'Replays carry what belonged to one response.',
    ...edit(headers, 'if (names.has(lower) && sendable(line))', 'if (sendable(line))'),
  },
  {
    name: 'a replay has the headers of its moment',
    story: 'The stored header lines are not sent, only those that every response has.',
    ...edit(replay, 'const headers = replayableHeaders(record.outcome.headers);', 'const headers = [];'),
  },
  {
    name: 'a replay has its headers in another order',
    story: 'The lines went through a map.',
    ...edit(
      replay,
      'const headers = replayableHeaders(record.outcome.headers);',
      'const headers = replayableHeaders(record.outcome.headers).reverse();',
    ),
  },
  {
    name: 'a replay is always 200',
    story: 'The stored status is not sent.',
    ...edit(
      replay,
      'return { status: outcome.status, headers, body: outcome.body };',
      'return { status: 200, headers, body: outcome.body };',
    ),
  },
  {
    name: 'the fingerprint leaves the body out',
    story: 'Another amount under the same key is the same request.',
    ...edit(
      fingerprint,
      'const bodyDigest = canonical.form + digest(canonical.content);',
      "const bodyDigest = canonical.form + digest('');",
    ),
  },
  {
    name: 'the fingerprint is of the bytes as sent',
    story: 'A retry that spells the same JSON otherwise is refused as another request.',
    ...edit(
      fingerprint,
      'const bodyDigest = canonical.form + digest(canonical.content);',
      "const bodyDigest = canonical.form + digest(body.kind === 'bytes' ? body.bytes : canonical.content);",
    ),
  },
  {
    name: 'an unknown outcome is answered with the handler’s own error',
    story: 'The caller reads a plain 500 and is not told that the effect may exist.',
    ...edit(
      route,
      "case 'unknown':\n                if",
      "case 'unknown':\n                if (captured?.kind === 'response')\n                    return { kind: 'own', response: captured, added: [echo] };\n                if",
    ),
    guarantee: 'guarded',
  },
]

export const answerMutants: readonly Mutant[] = bugs.map((bug) => ({ ...bug, foundBy: 'simulation', mode: 'http' }))
