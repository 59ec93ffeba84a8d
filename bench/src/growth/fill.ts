/**
 * `node dist/growth/fill.js <sqlite|postgres> <place> <records>`: a process of its own, since one that has filled a SQLite
 * file keeps it locked for as long as its driver likes.
 */

import { fillPostgres } from './postgres.ts'
import { fillSqlite } from './sqlite.ts'

const [store, place = '', records] = process.argv.slice(2)
if (store === 'sqlite') fillSqlite(place, Number(records))
else await fillPostgres(place, Number(records))
