/** A view of a transaction that can be taken back: whoever keeps it past the end of its attempt is told so. */

import { refuseControl } from './control.ts'

/** Members that would end the transaction, or give its connection away. */
const ending = new Set<PropertyKey>(['commit', 'rollback', 'release', 'reserve', 'end', 'close', 'destroy'])

export interface Revocable<Tx> {
  readonly view: Tx
  readonly revoke: (error: () => Error) => void
}

export interface Touches {
  /** Shown what calls return, and how to ask whether the view is revoked by now: some queries are sent long after. */
  readonly made?: (made: unknown, refused: () => Error | undefined) => void
  /** Members that take the place of the transaction's own. */
  readonly own?: Readonly<Record<string, unknown>>
}

/**
 * A view of `tx` in which everything is as it was until it is revoked; then every use throws. Members that would end the
 * transaction are refused from the start, as is text that says COMMIT where a call begins with it.
 */
export function revocable<Tx extends object>(tx: Tx, { made, own = {} }: Touches = {}): Revocable<Tx> {
  let refusal: (() => Error) | undefined
  const refused = (): Error | undefined => refusal?.()
  const assertLive = (): void => {
    if (refusal !== undefined) throw refusal()
  }
  const touched = (result: unknown): unknown => {
    made?.(result, refused)
    return result
  }
  const view = new Proxy(tx, {
    get: (target, member) => {
      // Promises are recognised by this member: to ask for it is no use of the transaction.
      if (member === 'then') return undefined
      assertLive()
      if (Object.hasOwn(own, member)) return own[member as string]
      // Bound to the object behind: the libraries' own private members are not on this view.
      const value = Reflect.get(target, member, target) as unknown
      if (typeof value !== 'function') return value
      return new Proxy(value, {
        apply: (method, _this, parameters) => {
          assertLive()
          if (ending.has(member)) refuseControl(member === 'rollback' ? 'rollback' : 'commit')
          refuseControl(parameters[0])
          return touched(Reflect.apply(method, target, parameters))
        },
      })
    },
    apply: (target, _this, parameters) => {
      assertLive()
      const [first] = parameters
      // A template of SQL comes as an array of its parts.
      refuseControl(Array.isArray(first) ? first.join('?') : first)
      return touched(Reflect.apply(target as unknown as (...given: unknown[]) => unknown, undefined, parameters))
    },
  })
  return {
    view,
    revoke: (error) => {
      refusal ??= error
    },
  }
}
