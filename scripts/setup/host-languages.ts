// The languages on the host itself: shims are also tested, and functions run without containers, as plain processes.
import { canInstallPackages, installPackages } from './debian-packages.ts'
import { detail, done, skipped, step, warn } from './progress.ts'
import { RUNTIMES_FOLDER } from './project.ts'
import { type RuntimeFolder, readRuntimeFolders } from './runtime-folder.ts'
import { findProgram } from './this-host.ts'

/** Installs what is missing where this may be done; says what stays missing. */
export async function ensureHostLanguages(): Promise<void> {
  step('Languages on this host')
  for (const runtime of readRuntimeFolders(RUNTIMES_FOLDER)) await ensureLanguage(runtime)
}

async function ensureLanguage({ name, command: [program = ''], base }: RuntimeFolder): Promise<void> {
  if (findProgram(program) !== undefined) skipped(`${program} is here`)
  else if (base.debian.length === 0 || !(await canInstallPackages())) {
    warn(`${program} is not installed, and what needs it outside of containers cannot run (runtime ${name})`)
  } else {
    await installPackages(base.debian, detail)
    done(`${program} is installed`)
  }
}
