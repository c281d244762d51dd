import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findServer, serverFiles } from '../../src/host/server-process.ts'

let dataDir: string

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'taibai-data-'))
})
afterEach(() => rmSync(dataDir, { recursive: true }))

describe('The pid file of the server', () => {
  it.each([
    ['is absent', undefined],
    ['is empty', ''],
    ['names a process that is gone', '4194304\n'],
    ['names a process that is not our server', `${process.pid}\n`],
  ])('finds no server when it %s', (_title, content) => {
    if (content !== undefined) writeFileSync(serverFiles(dataDir).pid, content)
    expect(findServer(dataDir)).toBeUndefined()
  })
})
