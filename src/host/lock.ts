import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A lock across processes: two terminals of one user that prepare the same machine wait for each other. */

const pollMs = 300

/** Runs `work` while holding the user's lock `name` on this machine; a lock of a dead process is taken over. */
export async function withLock<T>(
  name: string,
  onWait: (ownerPid: number) => void,
  work: () => Promise<T>,
): Promise<T> {
  const path = join(tmpdir(), `taibai-${name}-${process.getuid?.()}.lock`)
  let told = false
  while (!take(path)) {
    const owner = ownerOf(path)
    if (owner === undefined || !isAlive(owner)) rmSync(path, { force: true })
    else {
      if (!told) onWait(owner)
      told = true
      await sleep(pollMs)
    }
  }
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

/** A link appears atomically with its content, so nobody ever reads a lock without an owner. */
function take(path: string): boolean {
  const own = `${path}.${process.pid}`
  writeFileSync(own, String(process.pid))
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(own, { force: true })
  }
}

function ownerOf(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8')) || undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
