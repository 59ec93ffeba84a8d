/** The errors that adapters have to make, or to know when a framework has caught them. */

import { RepriseError } from '../engine/errors.ts'

export { isNotApplied } from '../engine/errors.ts'

/** Without the bytes, or what a parser made of them, nobody can tell whether a retry is the same request. */
export function bodyConsumed(): RepriseError {
  return new RepriseError('body-consumed', 'The request body has been read before Reprise could see it.')
}
