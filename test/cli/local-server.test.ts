import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { rememberLocalServer, withLocalServer } from '../../src/cli/servers/local-server.ts'
import { readCliSettings } from '../../src/cli-settings.ts'

/** Which server of this machine commands mean when nobody names one. */

let folder: string
let configDir: string
let last: { host: string; port: number; dataDir: string }

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taibai-local-'))
  configDir = join(folder, 'config')
  last = { host: '0.0.0.0', port: 7171, dataDir: join(folder, 'elsewhere/data') }
  mkdirSync(last.dataDir, { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true }))

/** The settings in a folder whose data folder would be `here/data`. */
function settingsHere(environment: Record<string, string> = {}) {
  const server = { host: '127.0.0.1', port: 7070, dataDir: join(folder, 'here/data'), runtimesDir: '' }
  return withLocalServer(readCliSettings(server, { TAIBAI_CONFIG_DIR: configDir, ...environment }))
}

const usual = () => ({ localUrl: 'http://127.0.0.1:7070', localDataDir: join(folder, 'here/data'), localVariables: {} })

describe('the server of this machine is', () => {
  test('the one that was started last, from another folder', () => {
    rememberLocalServer(configDir, last)
    expect(settingsHere()).toMatchObject({
      localUrl: 'http://127.0.0.1:7171',
      localDataDir: last.dataDir,
      localVariables: { TAIBAI_HOST: '0.0.0.0', TAIBAI_PORT: '7171', TAIBAI_DATA_DIR: last.dataDir },
    })
    expect(statSync(join(configDir, 'local.json')).mode & 0o077).toBe(0)
  })

  test('that of the current folder, where there is one', () => {
    rememberLocalServer(configDir, last)
    mkdirSync(join(folder, 'here/data'), { recursive: true })
    writeFileSync(join(folder, 'here/data/taibai.db'), '')
    expect(settingsHere()).toMatchObject(usual())
  })

  test('the one that was started last, in a folder whose data are of something else', () => {
    rememberLocalServer(configDir, last)
    mkdirSync(join(folder, 'here/data/program'), { recursive: true })
    expect(settingsHere()).toMatchObject({ localDataDir: last.dataDir })
  })

  test.each(['TAIBAI_DATA_DIR', 'TAIBAI_HOST', 'TAIBAI_PORT'])('that of the environment, when it has %s', (name) => {
    rememberLocalServer(configDir, last)
    expect(settingsHere({ [name]: 'given' })).toMatchObject(usual())
  })

  test('the usual one when none was started, the last one is gone, or its record is damaged', () => {
    expect(settingsHere()).toMatchObject(usual())
    rememberLocalServer(configDir, last)
    rmSync(last.dataDir, { recursive: true })
    expect(settingsHere()).toMatchObject(usual())
    writeFileSync(join(configDir, 'local.json'), '{')
    expect(settingsHere()).toMatchObject(usual())
  })
})

test('where the folder of the contexts cannot be written, a start does not fail', () => {
  writeFileSync(configDir, 'a file')
  expect(() => rememberLocalServer(configDir, last)).not.toThrow()
})
