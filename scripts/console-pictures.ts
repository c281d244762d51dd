// Pictures of every page of the console, at two widths and in both themes, of a server that runs: dist/pictures. Needs Debian's chromium.
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { readCliSettings } from '../src/cli-settings.ts'
import { readConfig } from '../src/config.ts'

const pages = [
  '/',
  '/functions',
  '/functions/new',
  '/builds',
  '/executions',
  '/dead-letters',
  '/jobs',
  '/webhooks',
  '/secrets',
  '/workers',
  '/what-if',
  '/runtimes',
  '/images',
  '/projects',
  '/projects/default',
  '/usage',
  '/tokens',
  '/settings',
  '/server',
]
const widths = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 800 } }
const target = join(import.meta.dirname, '../dist/pictures')

const { url, localUrl, localDataDir, token } = readCliSettings(readConfig())
const server = url ?? localUrl
const ownToken = token ?? readFileSync(join(localDataDir, 'admin.token'), 'utf8').trim()
mkdirSync(target, { recursive: true })
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
try {
  for (const theme of ['light', 'dark'] as const) {
    for (const [name, viewport] of Object.entries(widths)) await picture(theme, name, viewport)
  }
} finally {
  await browser.close()
}

async function picture(
  theme: 'light' | 'dark',
  width: string,
  viewport: { width: number; height: number },
): Promise<void> {
  const page = await browser.newPage({ colorScheme: theme, viewport })
  await page.addInitScript((value) => sessionStorage.setItem('taibai-token', value), ownToken)
  const [fn, run, build] = await firstOf(page)
  for (const path of [
    ...pages,
    ...(fn
      ? ['', '?tab=code', '?tab=builds', '?tab=settings', '?tab=versions', '?tab=executions', '?tab=numbers'].map(
          (tab) => `/functions/${fn}${tab}`,
        )
      : []),
    ...(run ? [`/executions/${run}`] : []),
    ...(build ? [`/builds/${build}`] : []),
  ]) {
    await page.goto(`${server}/console${path}`)
    await page.waitForSelector('h1')
    await page.waitForTimeout(600)
    if (path === '/what-if') await replay(page)
    const name =
      path
        .replace(/[0-9a-f-]{36}/, 'one')
        .replace(/\W+/g, '-')
        .replace(/^-|-$/g, '') || 'overview'
    await page.screenshot({ path: join(target, `${name}.${width}.${theme}.png`), fullPage: true })
  }
  await page.close()
}

/** Curves, when there are calls to be replayed. */
async function replay(page: import('playwright-core').Page): Promise<void> {
  await page.getByRole('button', { name: 'Replay' }).click()
  const curves = page.getByRole('row', { name: /^histogram 4 h/ })
  await curves.or(page.getByText('No call has ended')).first().waitFor()
}

/** Ids of a function, a run and a build, when there are any. */
async function firstOf(page: import('playwright-core').Page): Promise<(string | undefined)[]> {
  const headers = { 'X-Auth-Token': ownToken }
  const functions = await (await page.request.get(`${server}/v1/functions`, { headers })).json()
  const runs = await (await page.request.get(`${server}/v1/executions?order=newest&limit=1`, { headers })).json()
  const builds = await (await page.request.get(`${server}/v1/builds?limit=1`, { headers })).json()
  return [functions.functions[0]?.id, runs.executions[0]?.id, builds.builds[0]?.id]
}
