import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DataFolder } from './data-folder.ts'

/** Functions in Node.js that wait until a test tells them, however long that takes: `await untilTold()` in what follows. */
export const untilTold = `
import { existsSync } from 'node:fs'
const file = new URL('../told', import.meta.url)
async function untilTold() {
  for (let turn = 0; turn < 3000 && !existsSync(file); turn++) await new Promise((resolve) => setTimeout(resolve, 20))
}
`

/** Beside the code: that of a container is in its worker's own folder, that of a process where the package was unpacked. */
export function tellWorkers(data: DataFolder): void {
  for (const folder of ['workers', 'packages']) {
    const names = readdirSync(join(data.path, folder)).filter((name) => !name.startsWith('.'))
    for (const name of names) writeFileSync(join(data.path, folder, name, 'told'), '')
  }
}
