/** The functions under test: the library's own, passed in so that the checker can be shown what broken ones look like. */

import type * as engine from 'reprise/engine'

export type Rules = Pick<
  typeof engine,
  'asOf' | 'beginEffect' | 'claim' | 'decide' | 'settle' | 'settleAtOnce' | 'dueAtMs'
>
