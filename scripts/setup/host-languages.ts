// Languages on the host: shims are also tested, and functions run without containers, as plain processes.

import { runtimesFolder } from '../../src/assets.ts'
import { canInstallPackages, installPackages } from '../../src/host/debian-packages.ts'
import { findProgram } from '../../src/host/host-facts.ts'
import { type RuntimeFolder, readLanguages } from '../../src/host/runtime-folder.ts'
import { progress } from './terminal.ts'

/** Installs missing languages where permitted; reports those that stay missing. */
export async function ensureHostLanguages(): Promise<void> {
  progress.step('Languages on this host')
  for (const runtime of readLanguages(runtimesFolder(''))) await ensureLanguage(runtime)
}

async function ensureLanguage({ name, command: [program = ''], base }: RuntimeFolder): Promise<void> {
  if (findProgram(program) !== undefined) progress.skipped(`${program} is here`)
  else if (base.debian.length === 0 || !(await canInstallPackages())) {
    progress.warn(`${program} is not installed, and what needs it outside of containers cannot run (runtime ${name})`)
  } else {
    await installPackages(base.debian, progress.detail)
    progress.done(`${program} is installed`)
  }
}
