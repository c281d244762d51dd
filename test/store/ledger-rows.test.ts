import { expect, test } from 'vitest'
import type { Execution } from '../../src/domain/runs/execution.ts'
import { insertRow, insertSql, insertUsualRow, insertUsualSql } from '../../src/store/ledger-rows.ts'
import { ledgerMigrations } from '../../src/store/migrations/ledger/embedded.ts'
import { migrate, openSqlite } from '../../src/store/sqlite.ts'
import { aFinishedExecution } from '../support/builders.ts'

/** Two statements store a run: one with every column, and one for what most runs are. */

const usual: Partial<Execution> = { triggerId: null, functionAlias: null, description: null, coldReason: null }
const phases = { queue: 0, acquire: 0.25, load: 0, resume: 0, run: 12.5, total: 12.75 }

test.each<[string, Partial<Execution>]>([
  ['the job that made it', { triggerId: 'job' }],
  ['an alias', { functionAlias: 'live' }],
  ['a description', { description: 'Created by somebody' }],
  ['a cold start', { coldReason: 'first' }],
  ['a worker that was woken', { phases: { ...phases, resume: 3 } }],
  ['an error', { status: 'failed', error: { type: 'Error', message: 'x', stack: null } }],
  ['terms', { terms: { key: 'again' } }],
  ['a time before which it does not run', { runAt: 1 }],
  ['a dead letter', { deadAt: 1 }],
  ['a time for its result', { deliverAt: 1 }],
  ['a request, while it waits', { status: 'running', request: { method: 'POST' } as never }],
])('a run with %s is stored with every column', (_what, more) => {
  expect(insertUsualRow(aFinishedExecution({ ...usual, ...more }))).toBeNull()
})

test.each<[string, Partial<Execution>]>([
  ['is over', {}],
  ['runs', { status: 'running', phases: null, output: null, worker: null, startKind: null }],
  ['had a request', { request: { method: 'POST' } as never }],
])('of a usual run that %s, both statements store the same', (_what, more) => {
  const execution = aFinishedExecution({ ...usual, ...more })
  const connection = openSqlite(':memory:')
  migrate(connection, ledgerMigrations)
  const stored = (sql: string, row: unknown[] | null) => {
    expect(connection.prepare(sql).run(row).changes).toBe(1)
    const found = connection.prepare('SELECT * FROM executions').get()
    connection.exec('DELETE FROM executions')
    return found
  }
  const whole = stored(insertSql, insertRow(execution))
  expect(stored(insertUsualSql, insertUsualRow(execution))).toEqual(whole)
  connection.close()
})
