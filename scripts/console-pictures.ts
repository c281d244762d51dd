// Pictures of every page of the console, at two widths and in both themes: dist/pictures. Needs Debian's chromium.
// The server is this machine's, or one that is started for it: `--own` has failures, long names and what waits,
// `--empty` nothing. `--only TEXT`: pages whose address has the text.
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium, type Page } from 'playwright-core'
import { readCliSettings } from '../src/cli-settings.ts'
import { type Client, makeClient } from '../src/client/client.ts'
import { readConfig } from '../src/config.ts'
import { fillServer } from './setup/console-content.ts'
import { newDataDir, startOwnServer, stopAll } from './setup/own-server.ts'

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
/** What a button opens, on a page where something has it. */
const dialogs: [path: string, button: string][] = [
  ['/dead-letters', 'Open'],
  ['/jobs', 'Edit'],
  ['/webhooks', 'Open'],
]
const tabs = ['', '?tab=code', '?tab=builds', '?tab=settings', '?tab=versions', '?tab=executions', '?tab=numbers']
const widths = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 800 } }
/** A machine may be busy with others. */
const longestMs = 180_000
const target = join(import.meta.dirname, '../dist/pictures')

const { values: asked } = parseArgs({
  options: { own: { type: 'boolean' }, empty: { type: 'boolean' }, only: { type: 'string', default: '' } },
})

async function main(): Promise<void> {
  const client = asked.own || asked.empty ? await startedServer() : ofThisMachine()
  const paths = (await pathsOf(client)).filter((path) => path.includes(asked.only))
  mkdirSync(target, { recursive: true })
  const executablePath = '/usr/bin/chromium'
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    for (const colorScheme of ['light', 'dark'] as const)
      for (const [width, viewport] of Object.entries(widths)) {
        const page = await browser.newPage({ colorScheme, viewport })
        await page.addInitScript(
          (token) => sessionStorage.setItem('taibai-token', token),
          client.connection.token ?? '',
        )
        const kind = `${width}.${colorScheme}`
        for (const path of paths) await picture(page, client.url, path, kind)
        for (const [path, button] of dialogs)
          if (path.includes(asked.only)) await dialogPicture(page, client.url, path, button, kind)
        await page.close()
      }
  } finally {
    await browser.close()
  }
}

function ofThisMachine(): Client {
  const { url, localUrl, localDataDir, token } = readCliSettings(readConfig())
  const readToken = () => token ?? readFileSync(join(localDataDir, 'admin.token'), 'utf8').trim()
  return makeClient({ url: url ?? localUrl, token: readToken })
}

async function startedServer(): Promise<Client> {
  const { client } = await startOwnServer(newDataDir('taibai-pictures-'), { TAIBAI_LOG_LEVEL: 'warn' })
  if (asked.own) await fillServer(client.connection)
  return client
}

/** Those of a function, of runs and of a build too, when there are any. */
async function pathsOf({ connection }: Client): Promise<string[]> {
  const rows = async (noun: string, query: string) =>
    (await connection.requestOk('GET', `/v1/${noun}?${query}`)).json[noun]
  const [fn] = await rows('functions', '')
  const runs = [
    ...(await rows('executions', 'order=newest&limit=1&status=success')),
    ...(await rows('executions', 'order=newest&limit=1&status=failed')),
  ]
  const builds = await rows('builds', 'limit=1')
  return [
    ...pages,
    ...(fn === undefined ? [] : tabs.map((tab) => `/functions/${fn.id}${tab}`)),
    ...runs.map(({ id }) => `/executions/${id}`),
    ...builds.map(({ id }: { id: string }) => `/builds/${id}`),
  ]
}

const names = new Map<string, string>()

/** An id is a number in the name of the file. */
const nameOf = (path: string): string =>
  path
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, (id) => {
      names.set(id, names.get(id) ?? String(names.size + 1))
      return names.get(id) as string
    })
    .replace(/\W+/g, '-')
    .replace(/^-|-$/g, '') || 'overview'

async function picture(page: Page, server: string, path: string, kind: string): Promise<void> {
  await page.goto(`${server}/console${path}`)
  await page.waitForSelector('h1', { timeout: longestMs })
  await page.waitForLoadState('load')
  await page.waitForTimeout(600)
  await page.getByText('Loading the images').waitFor({ state: 'hidden', timeout: longestMs })
  if (path === '/what-if') await replay(page)
  await saySideways(page, `${path} ${kind}`)
  await page.screenshot({ path: join(target, `${nameOf(path)}.${kind}.png`), fullPage: true })
}

async function dialogPicture(page: Page, server: string, path: string, button: string, kind: string): Promise<void> {
  await page.goto(`${server}/console${path}`)
  const opener = page.getByRole('button', { name: button, exact: true }).first()
  await page.waitForTimeout(2000)
  if ((await opener.count()) === 0) return
  await opener.click()
  await page.getByRole('dialog').waitFor({ timeout: longestMs })
  await page.waitForTimeout(600)
  await page.screenshot({ path: join(target, `${nameOf(path)}-${button}.${kind}.png`) })
}

/** Says which tables scroll sideways: columns are out of sight. */
async function saySideways(page: Page, where: string): Promise<void> {
  const tables: string[] = await page.evaluate(
    `[...document.querySelectorAll('.table')]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1)
      .map(({ scrollWidth, clientWidth, ariaLabel }) => ariaLabel + ' (' + scrollWidth + ' px in ' + clientWidth + ')')`,
  )
  if (tables.length > 0) console.warn(`${where}: ${tables.join(', ')}`)
}

/** Shows the curves, if there are calls to replay. */
async function replay(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Replay' }).click()
  // On a phone the titles of the columns are between.
  const curves = page.getByRole('row', { name: /histogram .*4 h/ })
  await curves.or(page.getByText('No call ended')).first().waitFor({ timeout: longestMs })
}

try {
  await main()
} finally {
  await stopAll()
}
