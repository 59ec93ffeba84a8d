/** The database was not there: nothing of what was asked has happened, and asking again later is the thing to do. */
export class DatabaseAbsent extends Error {
  override readonly name = 'DatabaseAbsent'
  readonly code = 'database-absent'

  constructor(cause: unknown) {
    super('The database does not answer.', { cause })
  }
}
