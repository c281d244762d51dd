import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import { SqliteLedger } from '../../src/store/ledger.ts'
import { ledgerContract } from '../support/contracts/ledger-store.ts'
import { FakeLedger } from '../support/fake-ledger.ts'

describe('the ledger of SQLite', () => {
  let folder: string
  let ledger: SqliteLedger
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ledger-'))
  })
  afterEach(async () => {
    await ledger.end()
    rmSync(folder, { recursive: true, force: true })
  })

  ledgerContract(() => {
    const onFatal = (error: Error) => {
      throw error
    }
    ledger = new SqliteLedger({ path: join(folder, 'ledger.db'), clock: systemClock, log: silentLog, onFatal })
    return ledger
  })
})

describe('the ledger of the tests', () => ledgerContract(() => new FakeLedger()))
