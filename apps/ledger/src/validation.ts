/** From what zod found to what the caller is told: where each fault is, and what belongs there. */
import type { z } from 'zod'
import { type Problem, problem } from './problems.ts'

export type Checked<T> =
  | { readonly kind: 'valid'; readonly value: T }
  | { readonly kind: 'invalid'; readonly problem: Problem }

/** More faults than this help nobody, and a body of unknown members could ask for thousands. */
const FAULTS_MAX = 20

/** A body; each fault comes with the JSON pointer (RFC 6901) of the member that it is about. */
export function checkBody<T>(schema: z.ZodType<T>, body: unknown): Checked<T> {
  const result = schema.safeParse(body)
  if (result.success) return { kind: 'valid', value: result.data }
  const errors = faultsOf(result.error).map(({ path, detail }) => ({ pointer: pointerTo(path), detail }))
  return {
    kind: 'invalid',
    problem: problem('validation-failed', 'Correct the members listed in "errors".', { errors }),
  }
}

/** A query; each fault comes with the name of its parameter. */
export function checkQuery<T>(schema: z.ZodType<T>, query: unknown): Checked<T> {
  const result = schema.safeParse(query)
  if (result.success) return { kind: 'valid', value: result.data }
  const errors = faultsOf(result.error).map(({ path, detail }) => ({ parameter: path.join('.'), detail }))
  return { kind: 'invalid', problem: queryInvalid(errors) }
}

export function queryInvalid(errors: readonly { readonly parameter: string; readonly detail: string }[]): Problem {
  return problem('query-invalid', 'Correct the parameters listed in "errors".', { errors })
}

interface Fault {
  readonly path: readonly PropertyKey[]
  readonly detail: string
}

function faultsOf(error: z.ZodError): Fault[] {
  return error.issues
    .flatMap((issue): Fault[] =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({ path: [...issue.path, key], detail: 'This member is not known.' }))
        : [{ path: issue.path, detail: `${issue.message}.` }],
    )
    .slice(0, FAULTS_MAX)
}

/** RFC 6901 §3: "~" is written "~0" and "/" is written "~1". */
function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
