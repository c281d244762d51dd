import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { projectFolder, ServerProcess } from '../support/server-process.ts'

/**
 * The shell examples of the documentation, as a reader types them: all `sh` blocks of a page, one after the other, in one
 * shell, in a folder that has `data/admin.token`. Blocks marked `console` are for machines that tests do not have.
 */

const docs = readdirSync(join(projectFolder, 'docs'))
  .filter((file) => file.endsWith('.md'))
  .map((file) => `docs/${file}`)
const pages = ['README.md', ...docs]
  .map((path) => ({ path, blocks: shellBlocks(readFileSync(join(projectFolder, path), 'utf8')) }))
  .filter(({ blocks }) => blocks.length > 0)

let server: ServerProcess
beforeAll(async () => {
  server = await ServerProcess.start()
})
afterAll(() => server[Symbol.asyncDispose]())

test('there are pages with examples', () => {
  expect(pages.map(({ path }) => path)).toEqual(['README.md', 'docs/api.md', 'docs/functions.md'])
})

test.each(pages)('the examples of $path run', async ({ blocks }) => {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-examples-'))
  try {
    mkdirSync(join(folder, 'data'))
    writeFileSync(join(folder, 'data/admin.token'), server.token)
    const script = blocks.join('\n').replaceAll('http://127.0.0.1:7070', server.url)
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { cwd: folder })
    expect(stdout).not.toContain('faultstring')
    expect(stdout).not.toMatch(/"status": *"(failed|error)"/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

const run = promisify(execFile)

function shellBlocks(markdown: string): string[] {
  return [...markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block as string)
}
