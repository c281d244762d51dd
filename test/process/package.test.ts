import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DataFolder } from '../support/data-folder.ts'
import { projectFolder } from '../support/server-process.ts'

/** What `npm pack` makes, installed into an empty folder: `npx taibai` is the whole program. */

const { version } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8'))
const execute = promisify(execFile)
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'taibai-package-'))
  const packed = await execute('npm', ['pack', '--json', '--pack-destination', folder], { cwd: projectFolder })
  const [{ filename }] = JSON.parse(packed.stdout)
  writeFileSync(join(folder, 'package.json'), '{"private": true}')
  const quiet = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
  await execute('npm', ['install', ...quiet, join(folder, filename)], { cwd: folder })
}, 300_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** In a shell of somebody who has nothing but the system's Node.js. */
function run(program: string[], argv: string[], settings: Record<string, string> = {}): ReturnType<typeof execute> {
  const path = (process.env.PATH ?? '').split(':').filter((place) => !place.includes('node_modules'))
  const env = { PATH: path.join(':'), HOME: process.env.HOME, ...settings }
  const [file = '', ...args] = [...program, ...argv]
  return execute(file, args, { cwd: folder, env, timeout: 200_000 })
}

const npx = ['npx', '--no-install', 'taibai']
/** What npx starts, without the second that npx takes. */
const installed = ['node_modules/.bin/taibai']

describe('the package', () => {
  test('says its version on whatever Node.js there is', async () => {
    expect((await run(npx, ['--version'])).stdout).toBe(`${version}\n`)
    const own = join(folder, 'node_modules/taibai/dist/package/taibai.cjs')
    const system = ['/usr/bin/node', '/usr/local/bin/node'].find(existsSync)
    if (system !== undefined)
      expect(spawnSync(system, [own, '--version'], { encoding: 'utf8' }).stdout).toBe(`${version}\n`)
  })

  test('goes from nothing to functions that run, and stops', async () => {
    await using data = new DataFolder()
    const port = String(20_000 + Math.floor(Math.random() * 12_000))
    const config = { TAIBAI_CONFIG_DIR: join(data.path, 'config') }
    const place = { TAIBAI_DATA_DIR: join(data.path, 'data'), TAIBAI_PORT: port }
    const settings = { ...config, ...place, TAIBAI_GENERIC_WORKERS: '0' }
    try {
      const { stdout } = await run(npx, ['up', '--engine', 'process'], settings)
      expect(stdout).toMatch(/cold[\s\S]*warm/)
      expect(stdout).toContain(`Taibai is running at http://127.0.0.1:${port}`)
      // The server is found without its settings from now on.
      expect(JSON.parse(String((await run(installed, ['list', '--json'], config)).stdout)).length).toBeGreaterThan(0)
      const { findings } = JSON.parse(String((await run(installed, ['doctor', '--json'], config)).stdout))
      expect(findings).toContainEqual(expect.objectContaining({ area: 'databases', state: 'ok' }))
    } finally {
      await run(installed, ['down'], config)
    }
  }, 300_000)

  test('brings the console, the documentation and no sources', async () => {
    const own = join(folder, 'node_modules/taibai')
    for (const file of ['dist/package/dist/console/index.html', 'dist/package/docs/cli.md', 'LICENSE', 'README.md'])
      expect(existsSync(join(own, file)), file).toBe(true)
    for (const file of ['src', 'test', 'scripts']) expect(existsSync(join(own, file)), file).toBe(false)
  })
})
