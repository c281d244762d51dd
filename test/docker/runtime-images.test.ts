import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { packContext } from '../../src/host/build-context.ts'
import { makeEngineClient } from '../../src/host/engine-client.ts'
import { readRuntimeFolders } from '../../src/host/runtime-folder.ts'
import { buildRuntimes } from '../../src/host/runtime-images.ts'
import { dockerSocket } from '../support/docker-api.ts'
import { describeWithDocker } from '../support/docker-gate.ts'

const name = `taibai-test-runtime-${process.pid}`
const base = `taibai-test-base-${process.pid}:1`

/** Images made over the engine's API, with no docker command. The base is an image that is here: no registry is asked. */
describeWithDocker('images of runtimes', () => {
  const own = makeEngineClient(`unix://${dockerSocket}`)
  /** As with a registry that has nothing newer: without, the base would be made anew on this machine, which takes minutes. */
  const engine = { ...own, pull: async (image: string) => (await own.inspect(image)) !== undefined }
  const made = new Set<string>()
  let runtimesDir: string
  const build = (refresh = false) =>
    buildRuntimes({ engine, runtimes: readRuntimeFolders(runtimesDir), refresh, report: () => {}, lock: name })
  const write = (path: string, text: string) => writeFileSync(join(runtimesDir, path), text)

  beforeAll(async () => {
    // A tree of one file: what debootstrap makes is handed over in the same way.
    await engine.importTree(packContext([{ name: 'origin', content: 'a tree' }]), base, ['LABEL a="b"'])
  })
  afterAll(async () => {
    await engine.remove(base)
    engine.close()
  })
  beforeEach(() => {
    runtimesDir = mkdtempSync(join(tmpdir(), 'taibai-runtimes-'))
    mkdirSync(join(runtimesDir, 'lua'))
    write('lua/runtime.json', JSON.stringify({ name: 'lua', image: name, command: ['lua'], base: { image: base } }))
    write('lua/Dockerfile', 'ARG BASE\nFROM $BASE\nCOPY shim.lua /opt/\n')
    write('lua/shim.lua', 'print()')
  })
  afterEach(async () => {
    rmSync(runtimesDir, { recursive: true })
    for (const image of [...made, name, `${name}-base`]) await engine.remove(image)
    made.clear()
  })
  const built = async (refresh = false) => {
    const [only] = await build(refresh)
    made.add(String(only?.image))
    return only
  }

  test('a Dockerfile that is wrong is told with the end of what the engine printed', async () => {
    write('lua/Dockerfile', 'ARG BASE\nFROM $BASE\nCOPY nothing.lua /opt/\n')
    await expect(build()).rejects.toThrow(
      /^Building taibai-test-runtime.* failed: .*nothing\.lua(.|\n)*Step 3\/.*nothing\.lua/,
    )
  })

  test('an archive that is none is refused', async () => {
    await expect(engine.load(packContext([{ name: 'x', content: 'x' }]))).rejects.toThrow(
      /^Loading the images failed: /,
    )
  })

  test('are built once, and again when a file of theirs has changed or somebody wants it', async () => {
    const first = await built()
    expect(first).toMatchObject({ state: 'built', base: 'official' })
    expect(first?.image).toMatch(new RegExp(`^${name}:[0-9a-f]{12}$`))
    expect(await built()).toMatchObject({ state: 'unchanged', image: first?.image })
    expect(await built(true)).toMatchObject({ state: 'built', image: first?.image })
    write('lua/shim.lua', 'print(1)')
    const second = await built()
    expect(second).toMatchObject({ state: 'built' })
    expect(second?.image).not.toBe(first?.image)
    // The name without a tag is the newest.
    expect(await engine.inspect(name)).toEqual(await engine.inspect(String(second?.image)))
  })

  test('are looked for, and what is not here is not here', async () => {
    expect(await engine.inspect(base)).toMatchObject({ labels: { a: 'b' } })
    expect(await engine.inspect('taibai-test-nobody:1')).toBeUndefined()
    expect(await engine.ask()).toBe('yes')
    expect(await makeEngineClient('unix:///no/such.sock').ask()).toBe('no')
  })
})

test('the same files make the same bytes', async () => {
  const bytes = async () => {
    const pieces: Buffer[] = []
    for await (const piece of packContext(files)) pieces.push(piece)
    return Buffer.concat(pieces)
  }
  const files = [
    { name: 'Dockerfile', content: 'FROM scratch' },
    { name: 'bin/program', content: { file: import.meta.filename }, isProgram: true },
  ]
  const first = await bytes()
  expect(first.equals(await bytes())).toBe(true)
  expect(first.includes(readFileSync(import.meta.filename))).toBe(true)
})
