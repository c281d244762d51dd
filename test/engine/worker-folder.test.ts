import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NamedPipes } from '../../src/engine/worker/named-pipes.ts'
import { WorkerFolder } from '../../src/engine/worker/worker-folder.ts'
import { waitUntil } from '../support/wait-until.ts'

let parent = ''
const folders: WorkerFolder[] = []
const sockets: Socket[] = []

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'taibai-folder-'))
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const folder of folders.splice(0)) await folder.remove()
  expect(
    // A package with many files has a folder of links beside it, which is removed with it.
    readdirSync(parent).filter((name) => !/^package(\.linked.*)?$/.test(name)),
    'folders left',
  ).toEqual([])
  rmSync(parent, { recursive: true, maxRetries: 10 })
})

async function make(name = 'w1'): Promise<WorkerFolder> {
  const folder = await WorkerFolder.make(parent, name)
  folders.push(folder)
  return folder
}

function dial(folder: WorkerFolder): Socket {
  const socket = connect(join(folder.path, 'worker.sock')).on('error', () => {})
  sockets.push(socket)
  return socket
}

/** Also when it is reset. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) resolve()
    socket.once('close', () => resolve())
  })

const modeOf = (path: string) => (lstatSync(path).mode & 0o777).toString(8)

/** A package as the store keeps it. */
function aPackage(): string {
  const path = join(parent, 'package')
  mkdirSync(join(path, 'lib', 'deep'), { recursive: true })
  writeFileSync(join(path, 'main.mjs'), 'export const main = 1')
  writeFileSync(join(path, 'run.sh'), '#!/bin/sh', { mode: 0o755 })
  writeFileSync(join(path, 'lib', 'deep', 'data.bin'), Buffer.from([0, 1, 2]))
  mkdirSync(join(path, 'empty'))
  symlinkSync('../main.mjs', join(path, 'lib', 'link.mjs'))
  symlinkSync('nowhere', join(path, 'dangling'))
  return path
}

describe('a folder that cannot be made', () => {
  test('because its path is too long for a socket leaves nothing behind', async () => {
    await expect(WorkerFolder.make(parent, 'x'.repeat(120))).rejects.toThrow()
    expect(readdirSync(parent)).toEqual([])
  })

  test('because nothing may be written there says so', async () => {
    writeFileSync(join(parent, 'file'), '')
    await expect(WorkerFolder.make(join(parent, 'file'), 'w1')).rejects.toThrow(/ENOTDIR/)
    rmSync(join(parent, 'file'))
  })
})

describe('a worker’s folder', () => {
  test('lets in every user, under any umask: who is not to come in does not reach its parent', async () => {
    const before = process.umask(0o077)
    try {
      const { path } = await make()
      expect(modeOf(path)).toBe('755')
      for (const name of ['worker.sock', 'stdout', 'stderr']) expect(modeOf(join(path, name))).toBe('666')
    } finally {
      process.umask(before)
    }
  })

  test('goes with all that is in it', async () => {
    const folder = await make()
    await folder.putCode(aPackage())
    await folder.remove()
    expect(existsSync(folder.path)).toBe(false)
  })

  test('goes although something writes into it meanwhile', async () => {
    const folder = await make()
    for (let n = 0; n < 2000; n++) writeFileSync(join(folder.path, String(n)), '')
    const removed = folder.remove()
    while (readdirSync(folder.path).length > 2000) await nextTurn()
    writeFileSync(join(folder.path, 'late'), '')
    await removed
    expect(existsSync(folder.path)).toBe(false)
  })

  test('can be removed twice', async () => {
    const folder = await make()
    await folder.remove()
    await folder.remove()
  })
})

describe('its connection', () => {
  test('is the first', async () => {
    const folder = await make()
    const socket = dial(folder)
    const connection = await folder.connection()
    socket.write('hello')
    expect(String((await once(connection, 'data'))[0])).toBe('hello')
    connection.destroy()
  })

  test('is the only one: others are refused or closed', async () => {
    const folder = await make()
    const all = Array.from({ length: 5 }, () => dial(folder))
    const connection = await folder.connection()
    await Promise.all(all.slice(1).map(closed))
    expect(all.map((socket) => socket.destroyed)).toEqual([false, true, true, true, true])
    await closed(dial(folder))
    connection.destroy()
  })

  test('is closed when it comes so late that the folder is gone', async () => {
    const folder = await make()
    const socket = dial(folder)
    await once(socket, 'connect')
    socket.resume()
    await folder.remove()
    await Promise.race([
      closed(socket),
      sleep(30_000, undefined, { ref: false }).then(() => expect.fail('it stays open')),
    ])
  })
})

describe('its pipes', () => {
  test.each(['stdout', 'stderr'] as const)(
    '%s gives what any process has written to it, one after the other',
    async (name) => {
      const folder = await make()
      let read = ''
      folder[name].on('data', (chunk) => {
        read += chunk
      })
      for (const text of ['first ', 'second']) {
        writeFileSync(join(folder.path, name), text)
        await waitUntil('it is read', async () => read.endsWith(text))
      }
      expect(read).toBe('first second')
    },
  )

  test('come from a stock that is made ahead, and never twice', async () => {
    const stock = new NamedPipes(join(parent, 'package', 'pipes'))
    mkdirSync(join(parent, 'package'))
    const made = await Promise.all(Array.from({ length: 40 }, (_, n) => WorkerFolder.make(parent, `w${n}`, stock)))
    folders.push(...made)
    const inodes = made.flatMap(({ path }) => ['stdout', 'stderr'].map((name) => statSync(join(path, name)).ino))
    expect(new Set(inodes).size).toBe(80)
  })
})

describe('the code in it', () => {
  test('is the stored files themselves, not copies', async () => {
    const folder = await make()
    const stored = aPackage()
    await folder.putCode(stored)
    for (const file of ['main.mjs', 'lib/deep/data.bin']) {
      expect(statSync(join(folder.path, 'code', file)).ino).toBe(statSync(join(stored, file)).ino)
    }
  })

  test('is the whole tree, with its modes', async () => {
    const folder = await make()
    await folder.putCode(aPackage())
    const code = join(folder.path, 'code')
    expect(readdirSync(code, { recursive: true }).sort()).toEqual(
      ['dangling', 'empty', 'lib', 'lib/deep', 'lib/deep/data.bin', 'lib/link.mjs', 'main.mjs', 'run.sh'].sort(),
    )
    expect([modeOf(join(code, 'run.sh')), modeOf(join(code, 'main.mjs'))]).toEqual(['755', '644'])
    expect(readFileSync(join(code, 'lib', 'link.mjs'), 'utf8')).toBe('export const main = 1')
  })

  test('has the links inside a package as links, not what they lead to', async () => {
    const folder = await make()
    await folder.putCode(aPackage())
    expect(readlinkSync(join(folder.path, 'code', 'lib', 'link.mjs'))).toBe('../main.mjs')
    expect(readlinkSync(join(folder.path, 'code', 'dangling'))).toBe('nowhere')
  })

  test('can be read by the worker’s user under any umask', async () => {
    const before = process.umask(0o077)
    try {
      const folder = await make()
      await folder.putCode(aPackage())
      for (const path of ['code', 'code/lib', 'code/lib/deep']) expect(modeOf(join(folder.path, path))).toBe('755')
      // What was stored under such a umask is opened, too.
      expect(modeOf(join(folder.path, 'code/main.mjs'))).toBe('644')
    } finally {
      process.umask(before)
    }
  })

  test('goes without touching what is stored', async () => {
    const folder = await make()
    const stored = aPackage()
    await folder.putCode(stored)
    await folder.remove()
    expect(readFileSync(join(stored, 'main.mjs'), 'utf8')).toBe('export const main = 1')
  })

  test('that is not stored any more is an error', async () => {
    const folder = await make()
    await expect(folder.putCode(join(parent, 'nowhere'))).rejects.toThrow(/ENOENT/)
  })

  test('is complete when it has a thousand files', async () => {
    const folder = await make()
    const stored = join(parent, 'package')
    mkdirSync(stored)
    for (let n = 0; n < 1000; n++) writeFileSync(join(stored, `f${n}`), String(n))
    chmodSync(stored, 0o755)
    await folder.putCode(stored)
    expect(readdirSync(join(folder.path, 'code'))).toHaveLength(1000)
  })
})
