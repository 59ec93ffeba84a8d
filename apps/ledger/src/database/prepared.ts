/**
 * Queries that are built once. Kysely takes longer to build and compile a query than SQLite takes to run it, and a
 * transfer is nothing but queries.
 */
import type { Compilable, CompiledQuery, Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/** Stands in the built query for a value that only each run knows. */
class Argument {
  readonly name: PropertyKey

  constructor(name: PropertyKey) {
    this.name = name
  }
}

/** Hands out an argument for every name that `build` asks for, under the type of the value that will take its place. */
const standIns = new Proxy({}, { get: (_, name) => new Argument(name) })

/**
 * @param build must treat its arguments as opaque: it runs once for each dialect, and what it sees are not the values.
 * @example
 * const close = prepared((db, { id }: { id: string }) => db.deleteFrom('accounts').where('id', '=', id).returning('id'))
 * const rows = await close(transaction, { id: 'savings' })
 */
export function prepared<Arguments extends object, Row>(
  build: (db: Kysely<Tables>, values: Arguments) => Compilable<Row>,
): (db: Kysely<Tables>, values: Arguments) => Promise<Row[]> {
  const compiled = new Map<unknown, CompiledQuery<Row>>()
  return async (db, values) => {
    const dialect = db.getExecutor().adapter.constructor
    let query = compiled.get(dialect)
    if (query === undefined) {
      query = build(db, standIns as Arguments).compile()
      compiled.set(dialect, query)
    }
    const parameters = query.parameters.map((parameter) =>
      parameter instanceof Argument ? values[parameter.name as keyof Arguments] : parameter,
    )
    const { rows } = await db.executeQuery<Row>({ ...query, parameters })
    return rows
  }
}
