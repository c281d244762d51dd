import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand, runOrThrow } from './command.ts'
import { canInstallPackages, installPackages } from './debian-packages.ts'
import type { EngineClient } from './engine-client.ts'
import { hostDebianTargets, hostProxyEnvironment, sourcesList } from './host-apt.ts'
import { isRoot } from './host-facts.ts'
import { SetupProblem } from './problem.ts'
import type { Report } from './progress.ts'

/** Builds a Debian base image on this machine when no registry answers. It is built once and shared by all runtimes. */

/** Default Debian release. */
export const newestSuite = 'trixie'
export const debianBaseName = (suite: string): string => `taibai/debian:${suite}`
/** Change it together with the recipe below: machines with an older base then build a new one. */
const recipe = '1'
const sourceLabel = 'io.taibai.source'

/** Functions do not read documentation; without it the image is a third smaller. */
const unwanted = ['doc', 'man', 'info', 'locale', 'lintian'].map((name) => `/usr/share/${name}`)

export const debianBaseIdentity = (suite: string): string => `debian ${suite} ${recipe}`

/** Ensures that the base exists and returns its name. */
export async function ensureDebianBase(
  engine: EngineClient,
  report: Report,
  { suite = newestSuite, refresh = false }: { suite?: string; refresh?: boolean } = {},
): Promise<string> {
  const baseName = debianBaseName(suite)
  const present = await engine.inspect(baseName)
  if (!refresh && present?.labels[sourceLabel] === debianBaseIdentity(suite)) return baseName
  await ensureDebootstrap(report)
  // /tmp is not used: it is often mounted nodev and nosuid.
  const work = mkdtempSync('/var/tmp/taibai-debian-')
  try {
    await makeTree(suite, join(work, 'tree'), report)
    await importTree(engine, suite, work, report)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return baseName
}

async function ensureDebootstrap(report: Report): Promise<void> {
  if (!isRoot()) {
    throw new SetupProblem(
      'No image registry answers, and making a base image here (debootstrap) needs root. Run this once as root, or bring the images in an archive: --images FILE.',
    )
  }
  if ((await runCommand('debootstrap', ['--version'])).code === 0) return
  if (!(await canInstallPackages())) {
    throw new SetupProblem(
      'No image registry answers, and debootstrap is not installed. Install debootstrap with the package manager of this system, or bring the images in an archive: --images FILE.',
    )
  }
  await installPackages(['debootstrap', 'debian-archive-keyring'], report)
}

async function makeTree(suite: string, tree: string, report: Report): Promise<void> {
  report(`making a Debian ${suite} base (debootstrap, about 40 s)`)
  const targets = await hostDebianTargets(suite)
  const mirror = targets.find((target) => target.suite === suite)?.uri
  const env = { ...(await hostProxyEnvironment()), DEBIAN_FRONTEND: 'noninteractive' }
  await runOrThrow(
    'Making the Debian base',
    'debootstrap',
    ['--variant=minbase', suite, tree, ...(mirror ? [mirror] : [])],
    {
      env,
    },
  )
  if (targets.length > 0) await upgrade(tree, sourcesList(targets), env, report)
  await slim(tree)
}

/** debootstrap installs the release itself; security updates come from the host's other Debian sources. */
async function upgrade(tree: string, sources: string, env: NodeJS.ProcessEnv, report: Report): Promise<void> {
  report('applying security updates to it')
  writeFileSync(join(tree, 'etc/apt/sources.list'), sources)
  for (const args of [['update'], ['dist-upgrade', '-y', '--no-install-recommends'], ['clean']]) {
    const result = await runCommand('chroot', [tree, 'apt-get', '-q', ...args], { env })
    if (result.code !== 0)
      return report(`apt-get ${args[0]} did not work inside the base; it stays at the release's own packages`)
  }
}

async function slim(tree: string): Promise<void> {
  const keepOut = unwanted.map((path) => `path-exclude=${path}/*\n`).join('')
  writeFileSync(join(tree, 'etc/dpkg/dpkg.cfg.d/taibai'), `${keepOut}path-include=/usr/share/doc/*/copyright\n`)
  // Licences stay, as the packages' terms require.
  const docs = join(tree, 'usr/share/doc')
  await runOrThrow('Slimming the base', 'find', [docs, '-type', 'f', '!', '-name', 'copyright', '-delete'])
  const emptied = [...unwanted.slice(1), '/var/lib/apt/lists', '/var/cache/apt', '/var/cache/debconf', '/var/log']
  const leftovers = ['/etc/resolv.conf', '/etc/hostname']
  for (const path of [...emptied, ...leftovers]) rmSync(join(tree, path), { recursive: true, force: true })
  const wanted = ['/var/lib/apt/lists/partial', '/var/cache/apt/archives/partial', '/var/cache/debconf', '/var/log/apt']
  await runOrThrow('Slimming the base', 'mkdir', ['-p', ...wanted.map((path) => join(tree, path))])
}

async function importTree(engine: EngineClient, suite: string, work: string, report: Report): Promise<void> {
  report('handing it to the engine')
  const archive = join(work, 'base.tar')
  await runOrThrow('Packing the base', 'tar', ['--numeric-owner', '-C', join(work, 'tree'), '-cf', archive, '.'])
  const changes = [`LABEL ${sourceLabel}="${debianBaseIdentity(suite)}"`, 'ENV LANG=C.UTF-8', 'CMD ["bash"]']
  await engine.importTree(createReadStream(archive), debianBaseName(suite), changes)
}
