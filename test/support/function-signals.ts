import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DataFolder } from './data-folder.ts'

/** Functions in Node.js that wait until a test tells them, however long that takes: `await untilTold()` in what follows. */
export const untilSignalled = `
import { existsSync } from 'node:fs'
const file = new URL('../told', import.meta.url)
async function untilSignalled() {
  for (let turn = 0; turn < 3000 && !existsSync(file); turn++) await new Promise((resolve) => setTimeout(resolve, 20))
}
`

/** Tells them again and again until what is waited for has come: one that has its worker may not have its code yet. */
export async function signalUntil<T>(data: DataFolder, awaited: Promise<T>): Promise<T> {
  const telling = setInterval(() => signalWorkers(data), 100)
  try {
    return await awaited
  } finally {
    clearInterval(telling)
  }
}

/**
 * Beside the code: that of a container is in its worker's own folder, that of a process where the package was unpacked. Workers
 * without code are told nothing: their folders may be going.
 */
export function signalWorkers(data: DataFolder): void {
  for (const path of [...foldersIn(data, 'packages'), ...foldersIn(data, 'workers').filter(hasCode)]) {
    try {
      writeFileSync(join(path, 'told'), '')
    } catch {
      // It is going just now.
    }
  }
}

const foldersIn = (data: DataFolder, folder: string): string[] =>
  readdirSync(join(data.path, folder))
    .filter((name) => !name.startsWith('.'))
    .map((name) => join(data.path, folder, name))

const hasCode = (path: string): boolean => existsSync(join(path, 'code'))
