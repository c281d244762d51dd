import { expect, test } from 'vitest'
import { FaasError } from '../../src/domain/errors.ts'
import { storageFailure } from '../../src/store/storage-full.ts'

const otherwise = new FaasError('internal', 'Something failed.')

test.each([
  ['SqliteError: database or disk is full', 'storage_full'],
  ['SqliteError: attempt to write a readonly database', 'storage_full'],
  ['SqliteError: disk I/O error', 'storage_full'],
  [Object.assign(new Error('no'), { code: 'SQLITE_FULL' }), 'storage_full'],
  [Object.assign(new Error('no'), { code: 'SQLITE_IOERR_WRITE' }), 'storage_full'],
  [Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }), 'storage_full'],
  [Object.assign(new Error('EROFS'), { code: 'EROFS' }), 'storage_full'],
  [Object.assign(new Error('no'), { code: 'SQLITE_CORRUPT' }), 'internal'],
  [new Error('full of words'), 'internal'],
  [undefined, 'internal'],
])('%s is %s', (cause, code) => {
  expect(storageFailure(cause, otherwise).code).toBe(code)
})
