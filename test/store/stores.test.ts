import { afterEach } from 'vitest'
import { Database } from '../../src/store/database.ts'
import { FunctionRows } from '../../src/store/functions.ts'
import { JobRows } from '../../src/store/jobs.ts'
import { functionStoreContract } from '../support/contracts/function-store.ts'

let database: Database | undefined
const open = (): Database => {
  database = new Database(':memory:')
  return database
}
afterEach(() => database?.close())

functionStoreContract(() => {
  const opened = open()
  return { functions: new FunctionRows(opened), jobs: new JobRows(opened) }
})
