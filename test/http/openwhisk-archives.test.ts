import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { unzipSync } from 'fflate'
import { pack } from 'tar-stream'
import { describe, expect, test } from 'vitest'
import { onlyFileIn, zipIn } from '../../src/http/openwhisk/archives.ts'

const mib = 1024 * 1024

async function tarOf(files: Record<string, string | Buffer>, modes: Record<string, number> = {}): Promise<string> {
  const tar = pack()
  tar.entry({ name: 'folder', type: 'directory' })
  for (const [name, content] of Object.entries(files)) tar.entry({ name, mode: modes[name] ?? 0o644 }, content)
  tar.finalize()
  return gzipSync(await buffer(tar), { level: 1 }).toString('base64')
}

describe('a tar.gz of an action', () => {
  test('becomes a package with its files and their modes', async () => {
    const zip = await zipIn(
      await tarOf({ './index.js': 'one', 'bin/exec': 'two', empty: '' }, { 'bin/exec': 0o755 }),
      mib,
    )
    const files = Object.entries(unzipSync(zip)).map(([name, bytes]) => [name, Buffer.from(bytes).toString()])
    expect(files).toEqual([
      ['index.js', 'one'],
      ['bin/exec', 'two'],
      ['empty', ''],
    ])
    expect(onlyFileIn(zip)).toBeNull()
    expect(onlyFileIn(await zipIn(await tarOf({ './index.js': 'one' }), mib))).toBe('one')
  })

  test.each([
    ['is larger than it may be', async () => tarOf({ a: Buffer.alloc(2 * mib) }), /more than 1048576 bytes/],
    ['is cut off', async () => (await tarOf({ a: randomBytes(1000) })).slice(0, 400), /uncompressing/],
    ['is none', async () => gzipSync(randomBytes(2000)).toString('base64'), /uncompressing/],
    ['is not base64', async () => 'H4sI!', /base64/],
  ])('is refused when it %s', async (_how, code, message) => {
    await expect(zipIn(await code(), mib)).rejects.toThrow(message)
  })

  test('is unpacked in slices, so that other requests are served meanwhile', async () => {
    const code = await tarOf({ big: randomBytes(32 * mib) })
    let [turns, isOver] = [0, false]
    const look = () => {
      turns++
      if (!isOver) setImmediate(look)
    }
    look()
    await zipIn(code, 64 * mib)
    isOver = true
    // A piece has 16 KiB.
    expect(turns).toBeGreaterThan(500)
  })
})
