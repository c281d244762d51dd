import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { extract } from 'tar-stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type BuilderLimits, builderOptions, packageTar } from '../../src/engine/sandbox/docker/builder-spec.ts'
import { type ContainerDefaults, containerOptions } from '../../src/engine/sandbox/docker/container-spec.ts'

/** What Docker is asked for a build: the sandbox of a function, and what is different, line by line. */

const defaults: ContainerDefaults = {
  instance: 'abc123',
  egressNetwork: 'taibai-egress',
  pidsLimit: 128,
  openFilesLimit: 1024,
  tmpSizeMb: 64,
  etcFolder: '/data/etc',
  hasInit: true,
  seccomp: '{}',
}
const limits: BuilderLimits = {
  buildNetwork: 'egress',
  buildTimeoutSeconds: 600,
  buildMemoryMb: 2048,
  buildMaxMb: 1024,
  buildEnv: { HTTPS_PROXY: 'http://proxy:3128', PIP_CERT: '/own.crt' },
  buildCertificates: undefined,
}
const user = { uid: 64_003, gid: 64_000 }
const run = { id: 'b1', env: { DEPENDENCY_LIST: 'package.json' } }
const optionsOf = (change: Partial<BuilderLimits> = {}) =>
  builderOptions(run, 'taibai/nodejs-builder:1', defaults, { ...limits, ...change }, user)

test('A build has the sandbox of a function, but a volume, more processes, and no command but that of its image', () => {
  const { HostConfig, ...options } = optionsOf()
  const spec = {
    name: 'build-b1',
    image: 'taibai/nodejs-builder:1',
    command: null,
    env: {},
    network: 'egress' as const,
  }
  const sizes = { memoryBytes: 2048 * 1024 * 1024, cpuMillicpu: 250, cpuMaxMillicpu: null }
  const ofFunction = containerOptions({ ...spec, ...sizes, trusted: true, folder: null }, defaults, user)
  expect(options).toEqual({
    ...ofFunction,
    Env: options.Env,
    HostConfig: undefined,
    AttachStdout: true,
    AttachStderr: true,
  })
  expect(HostConfig).toEqual({
    ...ofFunction.HostConfig,
    AutoRemove: false,
    Init: true,
    PidsLimit: 512,
    Ulimits: [
      { Name: 'nofile', Soft: 4096, Hard: 4096 },
      { Name: 'core', Soft: 0, Hard: 0 },
    ],
    Mounts: [{ Type: 'volume', Target: '/build' }],
  })
  expect(HostConfig).toMatchObject({
    ...{ ReadonlyRootfs: true, CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges', 'seccomp={}'] },
    ...{ Memory: 2 ** 31, MemorySwap: 2 ** 31, NetworkMode: 'taibai-egress' },
  })
})

test('Its network is the one that the operator names', () => {
  for (const network of ['host', 'none', 'mirror']) {
    expect(optionsOf({ buildNetwork: network }).HostConfig.NetworkMode).toBe(network)
  }
})

test('Its environment says whom to trust and where to write; what the operator sets comes last', () => {
  const env = Object.fromEntries((optionsOf().Env ?? []).map((line) => line.split(/=(.*)/s)))
  expect(env).toMatchObject({
    ...{ HOME: '/build/home', TMPDIR: '/build/tmp', NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt' },
    ...{ HTTPS_PROXY: 'http://proxy:3128', PIP_CERT: '/own.crt', DEPENDENCY_LIST: 'package.json' },
  })
  const own = optionsOf({ buildCertificates: '-----BEGIN CERTIFICATE-----' }).Env ?? []
  expect(own).toContain('NPM_CONFIG_CAFILE=/build/in/ca.crt')
})

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taibai-package-'))
  mkdirSync(join(folder, 'own'))
  writeFileSync(join(folder, 'own/run.sh'), 'echo', { mode: 0o755 })
  writeFileSync(join(folder, 'package.json'), '{}')
  writeFileSync(join(folder, 'main.mjs'), 'code')
  symlinkSync('main.mjs', join(folder, 'link.mjs'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function entriesOf(files: string[] | null) {
  const found: Record<string, { text: string; uid?: number; mode?: number; linkname?: string | null }> = {}
  const entries = extract()
  packageTar({ folder, files, secrets: { NPM_TOKEN: 'hidden' } }, user, limits).pipe(entries)
  for await (const entry of entries) {
    const pieces: Buffer[] = []
    for await (const piece of entry) pieces.push(piece as Buffer)
    const { name, uid, mode, linkname } = entry.header
    found[name] = { text: Buffer.concat(pieces).toString(), uid, mode, linkname }
  }
  return found
}

test('It is given the lists and nothing else of the package, and its secrets in a file of its own', async () => {
  const entries = await entriesOf(['package.json'])
  expect(Object.keys(entries).filter((name) => name.startsWith('package'))).toEqual(['package', 'package/package.json'])
  expect(entries['in/secrets.json']).toMatchObject({ text: '{"NPM_TOKEN":"hidden"}', uid: user.uid, mode: 0o600 })
  expect(Object.values(entries).every(({ uid }) => uid === 64_003)).toBe(true)
})

test('It is given all of the package where that is wanted, with links and programs', async () => {
  const entries = await entriesOf(null)
  expect(entries['package/own/run.sh']).toMatchObject({ text: 'echo', mode: 0o755 })
  expect(entries['package/link.mjs']).toMatchObject({ linkname: 'main.mjs' })
  expect(entries['package/main.mjs']).toMatchObject({ text: 'code', mode: 0o644 })
})
