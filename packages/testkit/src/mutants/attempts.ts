/** Bugs planted in how an attempt runs: its claim, its commit point, its handler, its settlement, its COMMIT. */

import { edit, type Mutant } from './mutant.ts'

const claimed = 'engine/claimed.js'
const transactional = 'engine/transactional.js'
const settling = 'result = await persist(clock, () => store.settle(claim, ending));'
const sent =
  "{ kind: 'executed', record: { id: claim.id, state: 'completed', name: '', fingerprint: '', outcome: ending.outcome, retainUntilMs: clock.now(), forgetAtMs: 0 } }"

export const attemptMutants: readonly Mutant[] = [
  {
    name: 'the answer is sent before it is settled',
    story: 'The caller has its outcome at once, and the record follows when it can.',
    ...edit(
      claimed,
      settling,
      `const written = persist(clock, () => store.settle(claim, ending));
        written.catch(() => undefined);
        if (ending.kind === 'completed')
            return ${sent};
        result = await written;`,
    ),
    foundBy: 'simulation',
  },
  {
    name: 'an outcome that could not be settled is sent all the same',
    story: 'The effect happened, so why not say so?',
    ...edit(
      claimed,
      "return { kind: 'unavailable', effect: unrecorded(ending, end, policy), error };",
      `if (ending.kind === 'completed')
            return ${sent};
        return { kind: 'unavailable', effect: unrecorded(ending, end, policy), error };`,
    ),
    foundBy: 'simulation',
  },
  {
    name: 'a superseded outcome is sent all the same',
    story: 'The attempt lost its claim while it ran, and answers with its own outcome.',
    ...edit(
      claimed,
      "if (result.kind === 'superseded') {\n        if (result.record",
      `if (result.kind === 'superseded' && ending.kind === 'completed')
        return ${sent};
    if (result.kind === 'superseded') {\n        if (result.record`,
    ),
    foundBy: 'simulation',
    guarantee: 'resumable',
  },
  {
    name: 'a failure after the commit point is released',
    story: 'The handler threw, so nothing happened.',
    ...edit(
      claimed,
      "return { kind: 'unknown', reason: 'handler-failed' };",
      "return { kind: 'released', proof: 'not-applied', ...horizons };",
    ),
    foundBy: 'simulation',
    guarantee: 'guarded',
  },
  {
    name: 'the commit point is not written',
    story: 'The handler goes on to its effect, and no record says that there may be one.',
    ...edit(
      claimed,
      'const result = await persist(clock, () => store.beginEffect(claim));',
      "const result = { kind: 'written' };",
    ),
    foundBy: 'simulation',
    guarantee: 'guarded',
  },
  {
    name: 'the commit point does not wait for its write',
    story: 'The write is under way, and so is the effect.',
    ...edit(
      claimed,
      'const result = await persist(clock, () => store.beginEffect(claim));',
      "void persist(clock, () => store.beginEffect(claim)).catch(() => undefined);\n            const result = { kind: 'written' };",
    ),
    foundBy: 'simulation',
    guarantee: 'guarded',
  },
  {
    name: 'a superseded attempt passes its commit point',
    story: 'The store says that another has taken over, and nobody listens.',
    ...edit(claimed, "if (result.kind === 'superseded')\n                throw superseded(policy);", ''),
    foundBy: 'simulation',
    guarantee: 'guarded',
  },
  {
    name: 'the lease is judged by the clock of the node',
    story: 'As long as the lease holds by the wall clock of this machine, there is no need to ask the store.',
    ...edit(
      claimed,
      'begin: async () => {',
      'begin: async () => {\n            if (clock.now() < record.leaseUntilMs)\n                return;',
    ),
    foundBy: 'simulation',
    guarantee: 'guarded',
  },
  {
    name: 'a claim is sent again in another name',
    story: 'The second claim has an attempt id of its own, and is refused because of the first.',
    ...edit(
      claimed,
      'catch {\n        return store.claim(operation, terms);',
      "catch {\n        return store.claim(operation, { ...terms, attemptId: attemptId + '-again' });",
    ),
    foundBy: 'simulation',
  },
  {
    name: 'an abandoned claim releases whoever holds the record',
    story: 'Both acknowledgements were lost; what is running must be mine.',
    edits: [
      {
        file: claimed,
        from: "if (record?.state !== 'running' || record.attemptId !== attemptId)",
        to: "if (record?.state !== 'running')",
      },
      {
        file: claimed,
        from: 'await store.settle({ id, attemptId, fence: record.fence }, ending);',
        to: 'await store.settle({ id, attemptId: record.attemptId, fence: record.fence }, ending);',
      },
    ],
    foundBy: 'simulation',
    guarantee: 'guarded',
  },
  {
    name: 'a resumable failure that could not be recorded is said to be nothing',
    story: 'The handler had acted downstream and then failed; the caller is told that nothing happened.',
    ...edit(
      claimed,
      "return end.kind === 'fail' && policy.guarantee === 'resumable' ? 'unknown' : 'none';",
      "return 'none';",
    ),
    foundBy: 'simulation',
    guarantee: 'resumable',
  },
  {
    name: 'a claim is never renewed',
    story: 'A handler that takes longer than its lease is taken over while it runs.',
    ...edit(
      'engine/lease.js',
      'let cancel = clock.after(leaseMs / 3, tick',
      'let cancel = clock.after(leaseMs * 1e6, tick',
    ),
    foundBy: 'simulation',
  },
  {
    name: 'every attempt has its own key downstream',
    story: 'The derived key holds the fence, so the system downstream can’t tell that it is the same operation.',
    ...edit(
      'engine/attempt.js',
      'return downstreamKey(this.#id, name);',
      'return downstreamKey(this.#id, name + this.fence);',
    ),
    foundBy: 'simulation',
    guarantee: 'resumable',
  },
  {
    name: 'NotApplied is a failure like any other',
    story: 'The handler says that nothing happened, and the outcome is unknown.',
    ...edit('engine/handler.js', 'if (isNotApplied(error))', 'if (false)'),
    foundBy: 'simulation',
  },
  {
    name: 'doNotStore is not heard',
    story: 'An answer that was not to be remembered becomes the outcome, and its effect stays.',
    ...edit(
      'engine/handler.js',
      "if (!attempt.stored || verdict.kind === 'release')",
      "if (verdict.kind === 'release')",
    ),
    foundBy: 'simulation',
  },
  {
    name: 'an error from COMMIT is an abort',
    story: 'The connection broke while the transaction was being committed, so it was rolled back.',
    ...edit(
      transactional,
      'return afterLostCommit(ports.store, arrival, attemptId, ending, error);',
      "return rolledBack({ why: 'failed', error }, policy);",
    ),
    foundBy: 'simulation',
    guarantee: 'transactional',
  },
  {
    name: 'after a lost COMMIT any outcome is one’s own',
    story: 'There is a completed record, so the commit must have worked: the answer is sent that the handler made.',
    ...edit(
      transactional,
      "if (record?.state === 'completed' && record.attemptId === attemptId)",
      "if (record?.state === 'completed')",
    ),
    foundBy: 'simulation',
    mode: 'http',
    guarantee: 'transactional',
  },
  {
    name: 'a refusal keeps its effect',
    story: 'The handler refuses after it has written, and what it wrote is committed with the refusal.',
    ...edit(transactional, "effect: 'undone'", "effect: 'kept'"),
    foundBy: 'simulation',
    guarantee: 'transactional',
  },
  {
    name: 'a superseded transaction answers with its own outcome',
    story: 'Another transaction has committed; this one was rolled back and tells of its effect.',
    ...edit(
      transactional,
      "return { kind: 'found', record: committed.record };",
      "return ending.kind === 'completed' ? { kind: 'executed', record: { ...committed.record, outcome: ending.outcome } } : { kind: 'found', record: committed.record };",
    ),
    foundBy: 'simulation',
    guarantee: 'transactional',
  },
]
