/** Bugs planted in the transitions of a record. */

import { edit, type Mutant } from './mutant.ts'

const transitions = 'engine/transitions.js'
const holds = 'return record.attemptId === by.attemptId && record.fence === by.fence;'
const sameOwner =
  "if (record?.state !== 'running' || !holds(record, by))\n        return { kind: 'superseded', record };"
const anyOwner = "if (record?.state !== 'running')\n        return { kind: 'superseded', record };"
const freshFence = 'const fence = Math.max(stored?.fence ?? 0, fenceFloor) + 1;'

export const recordMutants: readonly Mutant[] = [
  {
    name: 'nobody asks who holds the claim',
    story: 'Neither the attempt id nor the fence is compared, so a superseded attempt writes over its successor.',
    ...edit(transitions, holds, 'return true;'),
    foundBy: 'simulation',
  },
  {
    name: 'the attempt id is not compared, and fences restart',
    story:
      'A fence alone is compared, and it begins at 1 again for a forgotten key: a zombie passes for its successor.',
    edits: [
      { file: transitions, from: holds, to: 'return record.fence === by.fence;' },
      { file: transitions, from: freshFence, to: 'const fence = 1;' },
    ],
    foundBy: 'simulation',
  },
  {
    name: 'the attempt id is not compared',
    story: 'The fence alone is compared. Fences are unique for an id, unless the store goes back to an older copy.',
    ...edit(transitions, holds, 'return record.fence === by.fence;'),
    foundBy: 'conformance',
  },
  {
    name: 'the fence is not compared',
    story:
      'The attempt id alone is compared: after an operator has resolved the outcome, its own attempt is not stale.',
    ...edit(transitions, holds, 'return record.attemptId === by.attemptId;'),
    foundBy: 'simulation',
    mode: 'http',
    guarantee: 'guarded',
  },
  {
    name: 'the fence restarts after a purge',
    story: 'A forgotten key that is used again begins at fence 1.',
    ...edit(transitions, freshFence, 'const fence = 1;'),
    foundBy: 'simulation',
  },
  {
    name: 'the fence restarts after a release',
    story: 'A released record is claimed again at fence 1.',
    ...edit(
      transitions,
      'fence: record.fence + 1,\n        attempts',
      'fence: record.state === "released" ? 1 : record.fence + 1,\n        attempts',
    ),
    foundBy: 'simulation',
  },
  {
    name: 'a takeover keeps the fence',
    story: 'Whoever takes a lapsed claim over gets the fence of the one before.',
    ...edit(transitions, 'fence: record.fence + 1,\n        attempts', 'fence: record.fence,\n        attempts'),
    foundBy: 'simulation',
  },
  {
    name: 'a takeover keeps the attempt id',
    story: 'The record goes on in the name of the attempt that lost it.',
    edits: [
      {
        file: transitions,
        from: 'attemptId: terms.attemptId,\n        attempts',
        to: 'attemptId: counted.heldBy ?? terms.attemptId,\n        attempts',
      },
      {
        file: transitions,
        from: 'fence: record.fence + 1,\n        attempts',
        to: 'heldBy: record.state === "running" ? record.attemptId : undefined,\n        fence: record.fence + 1,\n        attempts',
      },
    ],
    foundBy: 'simulation',
  },
  {
    name: 'a lost acknowledgement of a claim is refused',
    story: 'A claim that is sent again does not recognise itself: its own claim answers 409.',
    ...edit(
      transitions,
      "if (record.attemptId === terms.attemptId)\n                return { kind: 'granted', record };",
      'if (record.attemptId === "")\n                return { kind: "granted", record };',
    ),
    foundBy: 'simulation',
  },
  {
    name: 'another payload is told only once the first has completed',
    story: 'While the first runs, a request with another payload is told to come back, and takes a lapsed claim over.',
    ...edit(
      transitions,
      'if (record.fingerprint !== operation.fingerprint)',
      "if (record.fingerprint !== operation.fingerprint && record.state === 'completed')",
    ),
    foundBy: 'simulation',
  },
  {
    name: 'a release forgets its fingerprint',
    story: 'A released key may be claimed by another payload.',
    ...edit(
      transitions,
      'if (record.fingerprint !== operation.fingerprint)',
      "if (record.fingerprint !== operation.fingerprint && record.state !== 'released')",
    ),
    foundBy: 'simulation',
  },
  {
    name: 'a lapsed lease runs the handler again',
    story: 'The lease is over, so the effect did not happen: what a plain lock with a time to live does.',
    ...edit(transitions, "if (record.effect === 'not-begun' || record.guarantee === 'resumable')", 'if (true)'),
    foundBy: 'simulation',
  },
  {
    name: 'a claim that began nothing becomes unknown',
    story: 'A lease that lapses before the effect began is not taken over but held for an operator.',
    ...edit(
      transitions,
      "if (record.effect === 'not-begun' || record.guarantee === 'resumable')",
      "if (record.guarantee === 'resumable')",
    ),
    foundBy: 'simulation',
  },
  {
    name: 'a resumable operation becomes unknown',
    story: 'A begun resumable effect is not taken over, although its steps are safe to repeat.',
    ...edit(
      transitions,
      "if (record.effect === 'not-begun' || record.guarantee === 'resumable')",
      "if (record.effect === 'not-begun')",
    ),
    foundBy: 'simulation',
  },
  {
    name: 'anybody may begin the effect',
    story: '"Effect began" is written without asking who holds the claim: a zombie passes its commit point.',
    ...edit(
      transitions,
      `export function beginEffect(record, by) {\n    ${sameOwner}`,
      `export function beginEffect(record, by) {\n    ${anyOwner}`,
    ),
    foundBy: 'simulation',
    guarantee: 'guarded',
  },
  {
    name: 'anybody may renew',
    story: 'A superseded attempt keeps the lease of its successor alive.',
    ...edit(
      transitions,
      `export function renew(record, by, leaseMs, nowMs) {\n    ${sameOwner}`,
      `export function renew(record, by, leaseMs, nowMs) {\n    ${anyOwner}`,
    ),
    foundBy: 'simulation',
  },
  {
    name: 'a renewal may shorten the lease',
    story:
      'The lease becomes what the renewal asks for, also where it was longer: an early takeover, and no second effect.',
    ...edit(transitions, 'Math.max(record.leaseUntilMs, nowMs + leaseMs)', 'nowMs + leaseMs'),
    foundBy: 'conformance',
  },
  {
    name: 'anybody may settle',
    story: 'The outcome of a superseded attempt is taken for that of its successor.',
    ...edit(transitions, 'if (record === undefined || !holds(record, by))', 'if (record === undefined)'),
    foundBy: 'simulation',
  },
  {
    name: 'an unknown outcome takes anybody’s word',
    story: 'Once the outcome is unknown, an attempt that was superseded long before may settle it.',
    ...edit(
      transitions,
      'if (record === undefined || !holds(record, by))',
      "if (record === undefined || (record.state !== 'unknown' && !holds(record, by)))",
    ),
    foundBy: 'conformance',
  },
  {
    name: 'a late outcome is refused',
    story: 'The attempt that began the effect comes back with its outcome, and is turned away.',
    ...edit(
      transitions,
      "if (record.state !== 'running' && record.state !== 'unknown') {",
      "if (record.state !== 'running') {",
    ),
    foundBy: 'simulation',
    guarantee: 'guarded',
  },
  {
    name: 'unknown overwrites completed',
    story: 'A late "I do not know" replaces an outcome that callers already have.',
    ...edit(
      transitions,
      "if (record.state !== 'running' && record.state !== 'unknown') {",
      "if (record.state !== 'running' && record.state !== 'unknown' && ending.kind !== 'unknown') {",
    ),
    foundBy: 'conformance',
  },
  {
    name: 'a late settlement overwrites completed',
    story: 'A settlement of a completed record writes its bytes anew.',
    ...edit(
      transitions,
      "if (record.state !== 'running' && record.state !== 'unknown') {",
      "if (record.state !== 'running' && record.state !== 'unknown' && record.state !== 'completed') {",
    ),
    foundBy: 'conformance',
  },
  {
    name: 'a settlement does not recognise itself',
    story: 'A settlement whose acknowledgement was lost is refused when it is sent again.',
    ...edit(
      transitions,
      "return record.state === ending.kind ? { kind: 'already-written', record } : { kind: 'superseded', record };",
      "return { kind: 'superseded', record };",
    ),
    foundBy: 'conformance',
  },
  {
    name: 'a release is believed although the effect began',
    story: '"Not begun" is taken at its word where the record says the contrary.',
    ...edit(
      transitions,
      "if (ending.proof === 'not-begun' && mayHaveEffect(record))",
      'if (ending.proof === undefined)',
    ),
    foundBy: 'conformance',
  },
  {
    name: 'retention counts from arrival',
    story: 'A slow operation has used up part of its retention before it has an outcome.',
    ...edit(
      transitions,
      'const retainUntilMs = nowMs + horizons.retentionMs;',
      'const retainUntilMs = record.createdAtMs + horizons.retentionMs;',
    ),
    foundBy: 'simulation',
  },
  {
    name: 'an expired key runs again',
    story: 'A key past its retention is claimed as though it had never been used.',
    ...edit(
      transitions,
      'if (record === undefined) {\n        const fence',
      "if (record === undefined || record.state === 'expired') {\n        const fence",
    ),
    foundBy: 'simulation',
  },
  {
    name: 'the tombstone is dropped at once',
    story: 'With the outcome the key is forgotten, too.',
    ...edit(transitions, 'forgetAtMs: retainUntilMs + horizons.tombstoneMs,', 'forgetAtMs: retainUntilMs,'),
    foundBy: 'simulation',
  },
  {
    name: 'unfinished records age out',
    story: 'A record has a time to live from its claim on, whether it has an outcome or not.',
    edits: [
      {
        file: transitions,
        from: "case 'running':\n        case 'unknown':\n            return record;",
        to: "case 'running':\n        case 'unknown':\n            return nowMs < record.createdAtMs + 1000 ? record : undefined;",
      },
      {
        file: transitions,
        from: "case 'running':\n        case 'unknown':\n            return undefined;",
        to: "case 'running':\n        case 'unknown':\n            return record.createdAtMs + 1000;",
      },
    ],
    foundBy: 'simulation',
  },
  {
    name: 'a transaction commits over what it finds',
    story: 'The row of another attempt is replaced instead of rolling back.',
    ...edit(
      transitions,
      "if (claimed.kind === 'found')\n        return { kind: 'superseded', record: claimed.record };",
      "if (claimed.kind === 'found' && claimed.record.state !== 'completed')\n        return { kind: 'superseded', record: claimed.record };",
    ),
    foundBy: 'simulation',
    guarantee: 'transactional',
  },
  {
    name: 'a resolution leaves the fence',
    story: 'An operator has decided, and the attempt that was decided about still holds the record.',
    ...edit(transitions, 'record: { ...next, fence: record.fence + 1 }', 'record: next'),
    foundBy: 'simulation',
    mode: 'http',
    guarantee: 'guarded',
  },
  {
    name: 'a resolution does not look what it decides about',
    story: 'An operator’s decision about one attempt is applied to another.',
    ...edit(transitions, "record?.state !== 'unknown' || record.fence !== seenFence", "record?.state !== 'unknown'"),
    foundBy: 'conformance',
  },
  {
    name: 'a takeover forgets the steps',
    story: 'The next attempt of a resumable operation begins from nothing.',
    ...edit(transitions, 'steps: record.steps,\n    });', 'steps: [],\n    });'),
    foundBy: 'conformance',
  },
]
