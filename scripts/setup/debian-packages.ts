// Installs Debian packages on the host, when this may be done, and tells how the host reaches its mirrors.
import { run } from './command.ts'
import { SetupProblem } from './problem.ts'
import type { Report } from './progress.ts'

const INSTALL_LIMIT_MS = 10 * 60_000

/** Packages can be installed here without asking anybody. */
export async function canInstallPackages(): Promise<boolean> {
  return process.getuid?.() === 0 && (await run('apt-get', ['--version'])).code === 0
}

/** Installs packages, and refreshes the lists only when they turn out to be missing or too old. */
export async function installPackages(names: string[], report: Report): Promise<void> {
  report(`installing ${names.join(', ')} (apt-get)`)
  if ((await aptGet(['install', '-y', '--no-install-recommends', ...names])).code === 0) return
  report('refreshing the package lists (apt-get update)')
  // A third-party source that fails must not stop us: the install below decides.
  await aptGet(['update'])
  const result = await aptGet(['install', '-y', '--no-install-recommends', ...names])
  if (result.code !== 0)
    throw new SetupProblem(`apt-get could not install ${names.join(', ')}:\n${result.output.slice(-2000)}`)
}

/** Whether the package lists know this package. */
export async function isKnownPackage(name: string): Promise<boolean> {
  const result = await run('apt-cache', ['policy', name])
  return /Candidate: (?!\(none\))/.test(result.stdout)
}

function aptGet(args: string[]) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l' }
  return run('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], { env, timeoutMs: INSTALL_LIMIT_MS })
}
