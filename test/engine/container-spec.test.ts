/** The whole container options of a sandbox: a lost line weakens the isolation, an added one needs a reason. */
import { describe, expect, test } from 'vitest'
import { instanceLabel } from '../../src/engine/sandbox/container/container-paths.ts'
import { type ContainerDefaults, containerOptions, resources } from '../../src/engine/sandbox/docker/container-spec.ts'
import type { SandboxSpec } from '../../src/engine/sandbox/sandbox.ts'

const mib = 1024 * 1024

const defaults: ContainerDefaults = {
  instance: 'abc123',
  egressNetwork: 'taibai-egress',
  pidsLimit: 128,
  openFilesLimit: 1024,
  tmpSizeMb: 64,
  etcFolder: '/data/etc',
  hasInit: true,
  seccomp: '{}',
  untrustedOciRuntime: undefined,
}

const spec: SandboxSpec = {
  name: 'w1',
  image: 'taibai/nodejs',
  command: ['node', '/opt/taibai/shim.mjs'],
  env: { TAIBAI_SOCKET: '/taibai/worker.sock' },
  network: 'egress',
  trusted: true,
  folder: '/data/workers/w1',
  memoryBytes: 128 * mib,
  cpuMillicpu: 100,
  cpuMaxMillicpu: null,
}

const user = { uid: 64_003, gid: 64_000 }

const tmp = 'rw,exec,nosuid,nodev,size=64m,mode=1777'

const worker = {
  name: 'taibai-abc123-w1',
  Image: 'taibai/nodejs',
  Cmd: ['node', '/opt/taibai/shim.mjs'],
  User: '64003:64000',
  Env: [
    ...['HOME=/tmp', 'TMPDIR=/tmp', 'LANG=C.UTF-8', 'USER=function', 'LOGNAME=function'],
    'TAIBAI_SOCKET=/taibai/worker.sock',
  ],
  Labels: { 'io.taibai.instance': 'abc123', 'io.taibai.worker': 'w1' },
  HostConfig: {
    AutoRemove: true,
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges', 'seccomp={}'],
    NetworkMode: 'taibai-egress',
    PidsLimit: 128,
    Ulimits: [
      { Name: 'nofile', Soft: 1024, Hard: 1024 },
      { Name: 'core', Soft: 0, Hard: 0 },
    ],
    Tmpfs: { '/tmp': tmp, '/run/secrets': 'rw,noexec,nosuid,nodev,size=8m,mode=0700,uid=64003,gid=64000' },
    LogConfig: { Type: 'none', Config: {} },
    Memory: 128 * mib,
    MemorySwap: 128 * mib,
    CpuShares: 102,
    Init: true,
    Mounts: [
      { Type: 'bind', Source: '/data/workers/w1', Target: '/taibai', ReadOnly: true },
      { Type: 'bind', Source: '/data/etc/passwd-64003', Target: '/etc/passwd', ReadOnly: true },
      { Type: 'bind', Source: '/data/etc/group', Target: '/etc/group', ReadOnly: true },
    ],
  },
}
const { Cmd, ...ownCommand } = worker
const { Mounts, Init: _, Tmpfs: _ofWorkers, ...others } = worker.HostConfig
const noFolder = { ...others, Tmpfs: { '/tmp': tmp } }
const hosts = { Type: 'bind', Source: '/data/etc/hosts', Target: '/etc/hosts', ReadOnly: true }

describe('the container of', () => {
  const rows: [string, Partial<SandboxSpec>, Partial<ContainerDefaults>, object][] = [
    ['a worker', {}, {}, worker],
    [
      'a worker without network',
      { network: 'none' },
      {},
      {
        ...worker,
        NetworkDisabled: true,
        HostConfig: { ...worker.HostConfig, NetworkMode: 'none', Mounts: [...Mounts, hosts] },
      },
    ],
    [
      'a worker with a cap on its processors',
      { cpuMillicpu: 500, cpuMaxMillicpu: 1500 },
      {},
      { ...worker, HostConfig: { ...worker.HostConfig, CpuShares: 512, CpuPeriod: 100_000, CpuQuota: 150_000 } },
    ],
    [
      'an image with its own command and no folder',
      { command: null, folder: null, env: {} },
      {},
      { ...ownCommand, Env: ['HOME=/tmp', 'TMPDIR=/tmp'], HostConfig: noFolder },
    ],
    [
      'an image with folders that can be written to',
      { command: null, folder: null, env: {}, writable: ['/var/cache/nginx'] },
      {},
      {
        ...ownCommand,
        Env: ['HOME=/tmp', 'TMPDIR=/tmp'],
        HostConfig: {
          ...noFolder,
          Tmpfs: {
            ...noFolder.Tmpfs,
            '/var/cache/nginx': 'rw,exec,nosuid,nodev,size=64m,mode=1777,uid=64003,gid=64000',
          },
        },
      },
    ],
    [
      'an image with a /tmp of its own size, which is that of its other folders, too',
      { command: null, folder: null, env: {}, writable: ['/run'], tmpSizeBytes: 5_000_000 },
      {},
      {
        ...ownCommand,
        Env: ['HOME=/tmp', 'TMPDIR=/tmp'],
        HostConfig: {
          ...noFolder,
          Tmpfs: {
            '/tmp': 'rw,exec,nosuid,nodev,size=5000000,mode=1777',
            '/run': 'rw,exec,nosuid,nodev,size=5000000,mode=1777,uid=64003,gid=64000',
          },
        },
      },
    ],
    [
      'what is not trusted, where an OCI runtime is configured for it',
      { trusted: false },
      { untrustedOciRuntime: 'runsc' },
      { ...worker, HostConfig: { ...worker.HostConfig, Runtime: 'runsc' } },
    ],
    [
      'a function that asks for an OCI runtime',
      { sandbox: 'runsc' },
      {},
      { ...worker, HostConfig: { ...worker.HostConfig, Runtime: 'runsc' } },
    ],
    [
      'what is not trusted and asks for another OCI runtime than the operator’s for it',
      { trusted: false, sandbox: 'runc' },
      { untrustedOciRuntime: 'runsc' },
      { ...worker, HostConfig: { ...worker.HostConfig, Runtime: 'runsc' } },
    ],
    [
      'a worker below a control group of the operator',
      {},
      { cgroupParent: '/taibai-workers' },
      { ...worker, HostConfig: { ...worker.HostConfig, CgroupParent: '/taibai-workers' } },
    ],
    [
      'a worker on an engine without a first process',
      {},
      { hasInit: false },
      { ...worker, HostConfig: { ...others, Mounts, Tmpfs: worker.HostConfig.Tmpfs } },
    ],
    [
      'a worker beside a server in a container, every folder by the name that the engine has for it',
      { network: 'none' },
      { hostPath: (path) => `/volumes/taibai${path}` },
      {
        ...worker,
        NetworkDisabled: true,
        HostConfig: {
          ...worker.HostConfig,
          NetworkMode: 'none',
          Mounts: [...Mounts, hosts].map((mount) => ({ ...mount, Source: `/volumes/taibai${mount.Source}` })),
        },
      },
    ],
    ['what is not trusted, where none is configured', { trusted: false }, {}, worker],
    ['what is trusted, where one is configured for what is not', {}, { untrustedOciRuntime: 'runsc' }, worker],
    [
      'an image whose function sets its own home',
      { env: { HOME: '/home/me', A: 'b=c' } },
      {},
      {
        ...worker,
        Env: ['HOME=/home/me', 'TMPDIR=/tmp', 'LANG=C.UTF-8', 'USER=function', 'LOGNAME=function', 'A=b=c'],
      },
    ],
    [
      'a worker under other limits of the operator',
      {},
      { pidsLimit: 16, openFilesLimit: 64, tmpSizeMb: 8, egressNetwork: 'other', instance: 'x' },
      {
        ...worker,
        name: 'taibai-x-w1',
        Labels: { 'io.taibai.instance': 'x', 'io.taibai.worker': 'w1' },
        HostConfig: {
          ...worker.HostConfig,
          NetworkMode: 'other',
          PidsLimit: 16,
          Ulimits: [
            { Name: 'nofile', Soft: 64, Hard: 64 },
            { Name: 'core', Soft: 0, Hard: 0 },
          ],
          Tmpfs: {
            '/tmp': 'rw,exec,nosuid,nodev,size=8m,mode=1777',
            '/run/secrets': 'rw,noexec,nosuid,nodev,size=8m,mode=0700,uid=64003,gid=64000',
          },
        },
      },
    ],
  ]
  test.each(rows)('%s', (_what, ofSpec, ofDefaults, expected) => {
    expect(containerOptions({ ...spec, ...ofSpec }, { ...defaults, ...ofDefaults }, user)).toEqual(expected)
  })
})

test('one beside another has the network of that one, and no names of its own', () => {
  const image = { ...spec, name: 'w2', beside: 'w1', folder: null, network: 'none' as const, entryPoint: ['/boot'] }
  const options = containerOptions(
    { ...image, workingDirectory: '/var/task', reachesApi: true },
    { ...defaults, api: { network: 'api', address: '10.0.0.1' } },
    user,
  )
  expect(options).toMatchObject({ Entrypoint: ['/boot'], WorkingDir: '/var/task' })
  expect(options.HostConfig).toMatchObject({ NetworkMode: 'container:taibai-abc123-w1' })
  expect([options.NetworkDisabled, options.HostConfig.ExtraHosts]).toEqual([undefined, undefined])
})

describe('limits', () => {
  const limits = { memoryBytes: 256 * mib, cpuMillicpu: 1000, cpuMaxMillicpu: null }

  test('swap is not more than memory: there is none', () => {
    const { Memory, MemorySwap } = resources(limits)
    expect([Memory, MemorySwap]).toEqual([256 * mib, 256 * mib])
  })

  test.each([
    [1000, 1024],
    [100, 102],
    [1, 2],
    [0, 2],
    [4000, 4096],
  ])('%i millicpu are %i shares', (cpuMillicpu, shares) => {
    expect(resources({ ...limits, cpuMillicpu }).CpuShares).toBe(shares)
  })

  test('without a cap no quota is named', () => {
    expect(resources(limits)).toEqual({ Memory: 256 * mib, MemorySwap: 256 * mib, CpuShares: 1024 })
  })
})

test('containers are found again by the label of their instance', () => {
  const label = instanceLabel('abc123')
  const labels = Object.entries(containerOptions(spec, defaults, user).Labels ?? {}).map(
    ([key, value]) => `${key}=${value}`,
  )
  expect(labels).toContain(label)
})

test('an engine that gives folders in memory no owner is asked for folders of everybody', () => {
  const engine = { ...defaults, hasOwnerlessMemory: true, seccomp: null }
  const { Tmpfs, SecurityOpt } = containerOptions(spec, engine, user).HostConfig
  expect(Object.values(Tmpfs).join()).not.toContain('uid=')
  expect(Tmpfs['/run/secrets']).toMatch(/,size=8m,mode=1777$/)
  expect(SecurityOpt).toEqual(['no-new-privileges'])
})
