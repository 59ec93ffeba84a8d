/** What a handler's status says about its effect, unless the route says otherwise. */

/**
 * `keep`: the effect stands and this is its outcome. `refuse`: no effect, and the refusal is the outcome, so that a
 * delayed duplicate can't succeed after the client was told no. `release`: no effect and nothing to remember.
 * `fail`: only the commit point tells.
 */
export type StatusMeaning = 'keep' | 'refuse' | 'release' | 'fail'

/** Statuses that a route reads differently. */
export type StatusMeanings = Readonly<Record<number, StatusMeaning>>

/**
 * Refusals that pass: who asks, how fresh it is, or how much is going on may differ at the next attempt, so they are
 * never an outcome. 307 and 308 ask for the request to be sent elsewhere: nothing was done here.
 */
const passing = new Set([307, 308, 401, 403, 407, 408, 421, 423, 425, 428, 429])

/** The meaning of a final status. */
export function classify(status: number, meanings: StatusMeanings | undefined): StatusMeaning {
  const own = meanings?.[status]
  if (own !== undefined) return own
  if (status >= 500) return 'fail'
  if (passing.has(status)) return 'release'
  // 301 and 302 after a POST are the browser's "done, now look here", so they keep like 303.
  return status < 400 ? 'keep' : 'refuse'
}
