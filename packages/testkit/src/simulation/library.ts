/** The library under test, as a value: a simulation runs whatever build it is given, also two of them side by side. */

import * as reprise from 'reprise'
import * as engine from 'reprise/engine'

/** One build of the library, by its doors. */
export interface Library {
  readonly reprise: typeof import('reprise')
  readonly engine: typeof import('reprise/engine')
}

/** The build that this package itself was installed with. */
export const installed: Library = { reprise, engine }
