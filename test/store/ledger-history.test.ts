import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { silentLog } from '../../src/domain/runs/log.ts'
import { Database } from '../../src/store/database.ts'
import { FunctionRows } from '../../src/store/functions.ts'
import { SqliteLedger } from '../../src/store/ledger.ts'
import { readHistoryFile } from '../../src/store/ledger-history.ts'
import { RuntimeRows } from '../../src/store/runtimes.ts'
import { aFinishedExecution, aFn, aRuntime } from '../support/builders.ts'
import { FakeClock } from '../support/fake-clock.ts'

const folder = mkdtempSync(join(tmpdir(), 'taibai-history-'))
afterEach(() => rmSync(folder, { recursive: true }))

test('a ledger and the catalogue beside it are read while a server has them open: calls in order, functions as they are', async () => {
  const database = new Database(join(folder, 'taibai.db'))
  const runtime = aRuntime({ minMemoryBytes: 64 })
  new RuntimeRows(database).insert(runtime)
  const fn = aFn({ runtimeId: runtime.id, memoryBytes: 32, concurrency: 4 })
  new FunctionRows(database).insert(fn)
  const path = join(folder, 'ledger.db')
  const ledger = new SqliteLedger({ path, clock: new FakeClock(), log: silentLog, onFatal: () => {}, files: {} })
  const record = (createdAt: number, more = {}) => {
    const execution = aFinishedExecution({ functionId: fn.id, createdAt, ...more })
    ledger.open({ ...execution, status: 'running' })
    ledger.close(execution)
  }
  for (let n = 0; n < 4500; n++) record(1000 + (n >> 2))
  record(1, {})
  record(5000, { isImageRun: true })
  record(6000, { phases: null })
  await ledger.flushed()

  const { calls, installation } = readHistoryFile(path, 1000)
  expect(calls.length).toBe(4500)
  expect(calls.every(({ atMs }, at) => at === 0 || atMs >= (calls[at - 1]?.atMs ?? 0))).toBe(true)
  expect(installation.functions.get(fn.id)).toEqual({
    name: fn.name,
    memoryBytes: 64,
    concurrency: 4,
    runtimeImage: runtime.image,
  })
  expect([...installation.generic]).toEqual([[runtime.image, 64]])
  await ledger.end()
  database.close()
})
