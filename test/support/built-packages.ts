import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import type { ServerProcess } from './server-process.ts'

/** Deploys packages that need a build, as users do it. */

export const zipOfFiles = (files: Record<string, string>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, [Buffer.from(text), { level: 6 }]]))),
  )

/** The files of a folder of test/fixtures/builds. */
export function fixtureFiles(name: string): Record<string, string> {
  const folder = join(import.meta.dirname, '../fixtures/builds', name)
  return Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')]))
}

/** The lines of the answer, and what the build printed. */
export async function deployInLines(
  server: ServerProcess,
  name: string,
  runtime: string,
  files: Record<string, string>,
  more: Record<string, string> = {},
) {
  const query = new URLSearchParams({ name, runtime, memory_size: String(512 * 1024 * 1024), timeout: '60', ...more })
  const { status, text } = await server.ask('POST', `/v1/functions?${query}`, {
    body: zipOfFiles(files),
    headers: { 'content-type': 'application/zip', accept: 'application/x-ndjson' },
  })
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const output = lines.map((line) => line.output ?? '').join('')
  return { status, output, end: lines.at(-1) }
}
