import { describe, expect, it } from 'vitest'
import { refuseControl } from './control.ts'

const allowed = [
  'select 1',
  '  SELECT 1 for update',
  '(select 1) union (select 2)',
  'insert into orders values (?)',
  'update orders set note = "begin; commit"',
  "update orders set note = 'it''s; commit'",
  "update orders set note = 'a\\'; commit; '",
  'delete from `a;commit`',
  'replace into orders values (1)',
  'with recent as (select 1) select * from recent',
  'values (1), (2)',
  'call settle(1)',
  'do sleep(1)',
  'show warnings',
  'explain select 1',
  'load data local infile "x" into table t',
  '-- a comment; commit\nselect 1',
  '# a comment; commit\nselect 1',
  '/* begin */ select 1 /* commit */',
  'select 1;',
  'select 1; insert into orders values (1) ;',
  'set @total = 1',
  'set statement max_statement_time = 1 for select 1',
  '/*! select */ 1',
]
const refused = [
  ['begin', 'BEGIN'],
  [' Begin not atomic select 1; end', 'BEGIN'],
  ['start transaction', 'START'],
  ['commit', 'COMMIT'],
  ['COMMIT AND CHAIN', 'COMMIT'],
  ['rollback', 'ROLLBACK'],
  ['rollback to savepoint reprise', 'ROLLBACK'],
  ['savepoint a', 'SAVEPOINT'],
  ['release savepoint reprise', 'RELEASE'],
  ['xa start "x"', 'XA'],
  ['create table t (id int)', 'CREATE'],
  ['alter table t add x int', 'ALTER'],
  ['drop table t', 'DROP'],
  ['truncate t', 'TRUNCATE'],
  ['rename table a to b', 'RENAME'],
  ['lock tables t write', 'LOCK'],
  ['unlock tables', 'UNLOCK'],
  ['grant all on *.* to x', 'GRANT'],
  ['analyze table t', 'ANALYZE'],
  ['optimize table t', 'OPTIMIZE'],
  ['flush tables', 'FLUSH'],
  ['load index into cache t', 'LOAD'],
  ['set autocommit = 1', 'SET'],
  ['set @a = 1, autocommit = 1', 'SET'],
  ['set transaction isolation level serializable', 'SET'],
  ['set session tx_isolation = "SERIALIZABLE"', 'SET'],
  ['set @@session.autocommit = 1', 'SET'],
  ['set names latin1', 'SET'],
  ['set statement max_statement_time = 1 for commit', 'COMMIT'],
  ['use other', 'USE'],
  ['prepare s from "commit"', 'PREPARE'],
  ["execute immediate 'commit'", 'EXECUTE'],
  ['if 1 then commit; end if', 'IF'],
  ['select 1; commit', 'COMMIT'],
  ["select ';'; commit", 'COMMIT'],
  ['/* a */ commit', 'COMMIT'],
  ['-- a\ncommit', 'COMMIT'],
  ['#\ncommit', 'COMMIT'],
  ['/*! commit */', 'COMMIT'],
  ['/*!50000 commit */', 'COMMIT'],
  ['/*M!100100 commit */', 'COMMIT'],
  ['select 1; /*! commit */', 'COMMIT'],
] as const

describe('on the connection of an attempt', () => {
  it.each(allowed)('may be said: %s', (sql) => {
    expect(() => refuseControl(sql)).not.toThrow()
  })

  it.each(refused)('may not be said: %s', (sql, word) => {
    expect(() => refuseControl(sql)).toThrow(expect.objectContaining({ code: 'transaction-broken' }))
    expect(() => refuseControl(sql)).toThrow(`may not say ${word}`)
  })

  // Were it to look back over what it has read, these would take hours.
  it('comes to an end, whatever it is given', () => {
    let read = 0
    for (const piece of ["'", '"', '`', '/*', '--', "\\'", ';', '(', "'a\\'", 'x']) {
      try {
        refuseControl(`select 1; select '${piece.repeat(200_000)}`)
        refuseControl(`select 1; ${piece.repeat(200_000)}`)
      } catch {
        // Most of them are no statements.
      }
      read++
    }
    expect(read).toBe(10)
  })
})
