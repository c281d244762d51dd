import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildConsole, consoleIsOld, firstLoadBytes } from '../../scripts/build-console.ts'
import { functionTemplates } from '../../src/console/pages/function-templates.ts'
import { BuildRows } from '../../src/store/builds.ts'
import { Database } from '../../src/store/database.ts'
import { aBuild } from '../support/builders.ts'
import { DataFolder } from '../support/data-folder.ts'
import { oneGenericWorker, ServerProcess } from '../support/server-process.ts'

/** The console in a real Chromium on a real server: from the first function to rolling it back. */

const executablePath = '/usr/bin/chromium'
const hasBrowser = existsSync(executablePath)
if (!hasBrowser) console.warn('The console is not tested: there is no /usr/bin/chromium (apt-get install chromium).')

let data: DataFolder
let server: ServerProcess
let browser: Browser
let page: Page
const errors: string[] = []
const build = aBuild({ functionName: `long-name-${'of-a-function-'.repeat(4)}` })

describe.skipIf(!hasBrowser)('The console', () => {
  beforeAll(async () => {
    if (consoleIsOld()) await buildConsole()
    data = new DataFolder()
    keepBuild()
    server = await ServerProcess.start({ data, settings: oneGenericWorker })
    browser = await chromium.launch({
      executablePath,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
    page = await browser.newPage()
    page.setDefaultTimeout(90_000)
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('dialog', (dialog) => void dialog.accept())
  })
  afterAll(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
    await data?.[Symbol.asyncDispose]()
  })

  /** The engine of this server builds nothing: one of an earlier run is there. */
  function keepBuild(): void {
    const database = new Database(join(data.path, 'taibai.db'))
    const builds = new BuildRows(database)
    builds.insert(build)
    const error = 'it ended with code 1.'
    builds.end(
      { ...build, status: 'failed', error, endedAt: build.createdAt + 2500 },
      'npm error 404 no such package\n',
    )
    database.close()
  }

  /** Chromium gives up what it loads when a network of the machine comes or goes, as those of containers do. */
  const open = async (path: string): Promise<void> => {
    for (;;) {
      const problem = await page.goto(`${server.url}/console${path}`).then(
        () => null,
        (error: Error) => error,
      )
      if (problem === null) return
      if (!/ERR_NETWORK_CHANGED|interrupted by another navigation/.test(problem.message)) throw problem
    }
  }
  const heading = (name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor()

  /** By axe; in the other theme only colours differ. `press`: a button that opens more. */
  async function expectNoBarrier(path: string, press?: string): Promise<void> {
    const rules = { light: ['wcag2a', 'wcag2aa'], dark: { type: 'rule', values: ['color-contrast'] } }
    await open(path)
    await page.locator('h1').waitFor()
    if (press !== undefined) await page.getByRole('button', { name: press, exact: true }).first().click()
    await page.evaluate(axe.source)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      const found: axe.AxeResults = await page.evaluate(
        `axe.run(document, { runOnly: ${JSON.stringify(rules[colorScheme])}, resultTypes: ['violations'] })`,
      )
      const violations = found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
      expect(violations, `${path} ${colorScheme}`).toEqual([])
    }
  }

  test('asks for a token, refuses a wrong one, and keeps a right one for the tab alone', async () => {
    await open('/')
    await page.getByLabel('Token').fill('tb_wrong')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByText('does not accept this token').waitFor()
    await page.getByLabel('Token').fill(server.data.adminToken)
    await page.getByRole('button', { name: 'Log in' }).click()
    await heading('Overview')
    await page.getByText('live', { exact: true }).waitFor()
    expect(page.url()).not.toContain(server.data.adminToken)
    expect(await page.evaluate(() => Object.values(localStorage))).toEqual([])
  })

  test('makes a function in the editor, runs it, and shows the start and the log', async () => {
    await open('/functions/new')
    await page.getByLabel('Name').fill('greet')
    await page.locator('.cm-content').first().waitFor()
    await page.getByRole('button', { name: 'Create' }).click()
    await heading('greet')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByText('"hello": "Li Bai"').waitFor()
    await page.getByText('called').first().waitFor()
    await page.getByRole('link', { name: 'Details' }).click()
    await heading('Run of greet')
    await page.getByText(/It started (warm|prewarmed|cold)/).waitFor()
  })

  test('saves code that the next call runs, publishes versions, and rolls back', async () => {
    await open('/functions')
    await page.getByRole('link', { name: 'greet' }).click()
    await page.getByRole('tab', { name: 'versions' }).click()
    await page.getByRole('button', { name: 'Publish version' }).click()
    await page.getByRole('row', { name: /^1 / }).waitFor()
    await page.getByRole('tab', { name: 'code' }).click()
    await page.locator('.cm-content').click()
    await page.keyboard.press('Control+A')
    await page.keyboard.type('export const main = () => "second"')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('button', { name: 'Saved' }).waitFor()
    await page.getByRole('tab', { name: 'run' }).click()
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByText('"second"').waitFor()
    await page.getByRole('tab', { name: 'versions' }).click()
    await page.getByLabel('Alias to point or roll back').fill('live')
    await page.getByRole('button', { name: 'Point live' }).click()
    await page.getByRole('row', { name: /^live 1 / }).waitFor()
    const { json } = await server.must('POST', '/v1/executions', { json: { function_alias: 'live' } })
    expect(json.output).toEqual({ hello: 'you' })
    await page.getByRole('button', { name: 'Roll back' }).click()
    const current = async () =>
      (await server.must('POST', '/v1/executions', { json: { function_id: 'greet' } })).json.output
    await expect.poll(current, { timeout: 60_000 }).toEqual({ hello: 'you' })
  })

  test('makes a function of a folder that is chosen, and offers templates that run as they are', async () => {
    const folder = join(server.data.path, 'chosen')
    mkdirSync(join(folder, 'lib'), { recursive: true })
    writeFileSync(join(folder, 'main.mjs'), "export { main } from './lib/prices.mjs'")
    writeFileSync(join(folder, 'lib/prices.mjs'), 'export const main = () => 42')
    await open('/functions/new')
    await page.getByLabel('Name').fill('priced')
    await page.getByLabel('Files, folder or ZIP').check()
    await page.getByLabel('Folder', { exact: true }).setInputFiles(folder)
    await page.getByText('2 files').waitFor()
    await page.getByRole('button', { name: 'Create' }).click()
    await heading('priced')
    const { json } = await server.must('POST', '/v1/executions', { json: { function_id: 'priced' } })
    expect(json.output).toBe(42)
    await server.must('DELETE', '/v1/functions/priced')
    for (const [at, { language, file, signature, text }] of functionTemplates.entries()) {
      const code = { source: 'inline', filename: file, content: text }
      const runtime = { javascript: 'nodejs', python: 'python3', shell: 'executable', ruby: 'ruby' }[language]
      if (runtime === 'ruby') continue // its image is made for those who ask for it
      await server.must('POST', '/v1/functions', { json: { name: `of-${at}`, runtime, signature, code } })
      expect((await server.ask('POST', `/fn/of-${at}`, { json: {} })).status, text).toBe(200)
      await server.must('DELETE', `/v1/functions/of-${at}`)
    }
  })

  test('makes a function, with its job, of an example', async () => {
    await open('/functions/new')
    await page.getByLabel('Name').fill('tidy')
    await page.getByLabel('Runtime').selectOption({ label: 'python3 (Python 3.13)' })
    await page.getByLabel('Template').selectOption({ label: 'A job that removes what is too old, every night' })
    await page.getByRole('button', { name: 'Create' }).click()
    await heading('tidy')
    expect((await server.must('GET', '/v1/functions/tidy')).json).toMatchObject({
      timeout: 60,
      env: { KEEP_DAYS: '30' },
    })
    const { jobs } = (await server.must('GET', '/v1/jobs')).json
    expect(jobs).toMatchObject([{ name: 'nightly', timezone: 'Europe/Berlin', missed: 'once', overlap: 'skip' }])
    await server.must('DELETE', '/v1/functions/tidy?cascade=true')
  })

  test('shows a build with its output and why it failed, and says why it is not built again', async () => {
    await open('/builds')
    await page
      .getByRole('row', { name: /^failed long-name/ })
      .getByRole('link')
      .click()
    await heading(`Build of ${build.functionName}`)
    await page.getByText('npm error 404 no such package').waitFor()
    await page.getByText('it ended with code 1.').waitFor()
    await page.getByRole('button', { name: 'Rebuild' }).click()
    await page.getByText('was not created, or is deleted').waitFor()
  })

  test('follows what a build prints, and its end', async () => {
    const shown = { id: 'one', function_id: 'f', function_name: 'web', list: 'package.json', error: null, size: null }
    const json = { ...shown, cached: false, created_at: new Date().toISOString(), ended_at: null, runtime: 'nodejs' }
    let status = 'running'
    await page.route('**/v1/builds/one', (route) => route.fulfill({ json: { ...json, status } }))
    await page.route('**/v1/builds/one/log*', async (route) => {
      status = 'success'
      await route.fulfill({ contentType: 'text/plain', body: 'added 6 packages\n' })
    })
    await open('/builds/one')
    await page.getByRole('log').getByText('added 6 packages').waitFor()
    await page.getByText('success', { exact: true }).waitFor()
    await page.unrouteAll()
  })

  test('gives a share of the calls of an alias to another version, and takes it back', async () => {
    await open('/functions')
    await page.getByRole('link', { name: 'greet' }).click()
    await page.getByRole('tab', { name: 'versions' }).click()
    await page.getByLabel('Share (%)').fill('25')
    await page.getByRole('button', { name: 'Set share' }).click()
    await page.getByText('current code: 25 %').waitFor()
    expect((await server.must('GET', '/v1/aliases/live')).json.weights).toEqual({ 0: 0.25 })
    await page.getByRole('button', { name: 'Remove the share' }).click()
    await page.getByText('current code: 25 %').waitFor({ state: 'detached' })
    expect((await server.must('GET', '/v1/aliases/live')).json.weights).toBeUndefined()
  })

  test('schedules a function, pauses the job and removes it', async () => {
    await open('/jobs')
    await page.getByLabel('Name', { exact: true }).fill('morning')
    await page.getByLabel('Pattern').fill('0 25 * * *')
    await page.getByText(/its hour is '25'/).waitFor()
    await page.getByLabel('Pattern').fill('30 6 * * *')
    await page.getByText(/^It runs at 06:30: next /).waitFor()
    await page.getByRole('button', { name: 'Create job' }).click()
    await page.getByRole('cell', { name: 'morning' }).waitFor()
    await page.getByRole('img', { name: /^morning: 1 runs, the next at / }).waitFor()
    await page.getByLabel('Name', { exact: true }).fill('also')
    await page.getByRole('button', { name: 'Create job' }).click()
    await page.getByText(/^Collisions: .* morning, also/).waitFor()
    const { jobs } = (await server.must('GET', '/v1/jobs')).json
    await server.must('DELETE', `/v1/jobs/${jobs.find(({ name }: { name: string }) => name === 'also').id}`)
    await open('/jobs')
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByRole('dialog').getByLabel('Overlapping runs').selectOption('skip')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect((await server.must('GET', '/v1/jobs')).json.jobs).toMatchObject([{ name: 'morning', overlap: 'skip' }])
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('paused').waitFor()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByText('There are no jobs').waitFor()
  })

  test('makes a job of an alias that runs once, moves it, and empties its input', async () => {
    const only = async () => (await server.must('GET', '/v1/jobs')).json.jobs[0]
    await open('/jobs')
    await page.getByLabel(/^Function/).selectOption({ label: 'alias live (greet:1)' })
    await page.getByLabel(/^Runs/).selectOption('once')
    await page.getByLabel('Name', { exact: true }).fill('new year')
    await page.getByLabel('Input').fill('{"name": "Du Fu"}')
    await page.getByRole('button', { name: 'Create job' }).click()
    await page.getByText('Choose the time of the run').waitFor()
    await page.getByLabel(/^Time/).fill('2040-01-01T00:00')
    await page.getByRole('button', { name: 'Create job' }).click()
    await page.getByRole('row', { name: /^new year alias live once running/ }).waitFor()
    const at = (time: string) => page.evaluate(`new Date('${time}').toISOString().slice(0, 19) + 'Z'`)
    const first = { function_alias: 'live', pattern: null, next_execution_time: await at('2040-01-01T00:00') }
    expect(await only()).toMatchObject({ ...first, function_input: '{"name": "Du Fu"}' })
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByRole('dialog').getByLabel(/^Time/).fill('2041-01-01T00:00')
    await page.getByRole('dialog').getByLabel('Input').fill('')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const job = await only()
    expect(job).toMatchObject({ function_input: '', next_execution_time: await at('2041-01-01T00:00') })
    await server.must('DELETE', `/v1/jobs/${job.id}`)
  })

  test('keeps the place of the keyboard in dialogs, tabs and the menu', async () => {
    const { json: job } = await server.must('POST', '/v1/jobs', {
      json: { name: 'keys', pattern: '30 6 * * *', function_id: 'greet' },
    })
    const focused = (): Promise<string> => page.evaluate('document.activeElement.textContent')
    await open('/jobs')
    await page.getByRole('button', { name: 'Edit' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    for (let n = 0; n < 20; n++) {
      await page.keyboard.press('Tab')
      const isOutside = await page.evaluate(
        "document.activeElement !== document.body && document.activeElement.closest('dialog') === null",
      )
      expect(isOutside).toBe(false)
    }
    await page.keyboard.press('Escape')
    await expect.poll(focused, { timeout: 60_000 }).toBe('Edit')
    await server.must('DELETE', `/v1/jobs/${job.id}`)
    await open('/functions/greet')
    await page.getByRole('tab', { name: 'run' }).focus()
    for (const [key, tab] of Object.entries({ End: 'numbers', ArrowRight: 'run', ArrowLeft: 'numbers', Home: 'run' })) {
      await page.keyboard.press(key)
      await expect.poll(focused, { timeout: 60_000 }).toBe(tab)
    }
    const size = page.viewportSize()
    await page.setViewportSize({ width: 390, height: 800 })
    const menu = page.getByRole('button', { name: 'Menu' })
    await menu.press('Enter')
    await page.getByRole('link', { name: 'Overview' }).focus()
    await page.keyboard.press('Escape')
    await expect.poll(focused, { timeout: 60_000 }).toBe('Menu')
    expect(await menu.getAttribute('aria-expanded')).toBe('false')
    if (size !== null) await page.setViewportSize(size)
  })

  test('sets the size of /tmp, and the folders that an image writes to', async () => {
    const code = { source: 'image', image: 'taibai/nodejs', mode: 'http', port: 8080 }
    await server.must('POST', '/v1/functions', { json: { name: 'kept', code, memory_size: 134217728 } })
    await open('/functions')
    await page.getByRole('link', { name: 'kept' }).click()
    await page.getByRole('tab', { name: 'settings' }).click()
    await page.getByLabel('Size of /tmp (MiB)').fill('16')
    await page.getByLabel('Writable folders').fill('/var/cache/nginx\n/run')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    const saved = async () => (await server.must('GET', '/v1/functions/kept')).json
    const wanted = { tmp_size: 16_777_216, writable: ['/var/cache/nginx', '/run'] }
    await expect.poll(saved, { timeout: 60_000 }).toMatchObject(wanted)
    await server.must('DELETE', '/v1/functions/kept')
  })

  test('uploads the package of a Fission environment beside its image, and replaces it', async () => {
    const file = (text: string) => ({ name: 'user.js', mimeType: 'text/javascript', buffer: Buffer.from(text) })
    const code = async () => (await server.must('GET', '/v1/functions/fission')).json.code
    await open('/functions/new')
    await page.getByLabel('Name').fill('fission')
    await page.getByLabel('Container image').check()
    await page.getByLabel('Image', { exact: true }).fill('me/node-env')
    await page.getByLabel('Mode').selectOption('fission')
    await page.getByLabel('Entry').fill('user.main')
    await page.getByLabel('Files or a ZIP').setInputFiles(file('module.exports = () => 1'))
    await page.getByRole('button', { name: 'Create' }).click()
    await heading('fission')
    const first = await code()
    expect(first).toMatchObject({ image: 'me/node-env', mode: 'fission', init: { main: 'user.main' } })
    await page.getByRole('tab', { name: 'code' }).click()
    await page.getByLabel('Files or a ZIP').setInputFiles(file('module.exports = () => 2'))
    await page.getByRole('button', { name: 'Upload' }).click()
    await expect.poll(async () => (await code()).md5sum, { timeout: 60_000 }).not.toBe(first.md5sum)
    await server.must('DELETE', '/v1/functions/fission')
  })

  test('sets limits, retries and destinations, and keeps what is not touched', async () => {
    const terms = { max_rate: 7, on_failure: { url: 'https://shop.example.org/dead' } }
    await server.must('PUT', '/v1/functions/greet', { json: terms })
    await open('/functions')
    await page.getByRole('link', { name: 'greet' }).click()
    await page.getByRole('tab', { name: 'settings' }).click()
    await page.getByLabel('Concurrent calls').fill('5')
    await page.getByLabel('Access').selectOption('public')
    await page.getByLabel('CORS origins').fill('https://shop.example.org')
    await page.getByLabel('Execution records').selectOption('summary')
    await page.getByLabel('Retries').fill('{"max_attempts": 2')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('"Retries" must be JSON').waitFor()
    await page.getByLabel('Retries').fill('{"max_attempts": 2, "on": ["failed"]}')
    await page.getByLabel('Destination of results').fill('greet')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    const saved = async () => (await server.must('GET', '/v1/functions/greet')).json
    const reached = { access: 'public', cors: { origins: ['https://shop.example.org'] } }
    const retries = { max_attempts: 2, on: ['failed'] }
    const wanted = { max_running: 5, record: 'summary', retries, ...reached, ...terms }
    await expect.poll(saved, { timeout: 60_000 }).toMatchObject({ ...wanted, on_success: { function: 'greet' } })
    const none = {
      access: 'token',
      cors: null,
      max_running: null,
      max_rate: null,
      record: 'full',
      retries: null,
      on_success: null,
      on_failure: null,
    }
    await server.must('PUT', '/v1/functions/greet', { json: none })
  })

  test('runs dead letters again, also with another input and many at once, and drops them', async () => {
    const content = 'export const main = ({ n }) => { if (n === 1) throw new Error("no ones"); return n }'
    const code = { source: 'inline', filename: 'main.mjs', content }
    await server.must('POST', '/v1/functions', { json: { name: 'fails', runtime: 'nodejs', code } })
    const accept = async () => {
      const json = { function_id: 'fails', sync: false, input: '{"n": 1}' }
      const { id } = (await server.must('POST', '/v1/executions', { json })).json
      await server.must('GET', `/v1/executions/${id}?wait=60`)
      return id
    }
    const ended = async (id: string) => (await server.must('GET', `/v1/executions/${id}?wait=60`)).json
    const row = page.getByRole('row', { name: /fails failed 1 Error: no ones/ })
    const [first, second, third] = [await accept(), await accept(), await accept()]
    await open('/dead-letters?status=error')
    await page.getByText('No dead letter matches.').waitFor()
    await page.getByLabel('Status').selectOption('failed')
    await row.nth(2).waitFor()

    await row.first().getByRole('button', { name: 'Open' }).click()
    await page.getByLabel('Input').fill('{"n": 2}')
    await page.getByRole('button', { name: 'Redrive with this input' }).click()
    await row.nth(2).waitFor({ state: 'detached' })
    expect(await ended(first)).toMatchObject({ status: 'success', output: 2 })

    await page.getByLabel('Select the run of fails').first().check()
    await page.getByRole('button', { name: 'Drop 1', exact: true }).click()
    await row.nth(1).waitFor({ state: 'detached' })
    expect(await ended(second)).toMatchObject({ status: 'failed', dead_at: null })

    const mended = { code: { ...code, content: 'export const main = () => "mended"' } }
    await server.must('PUT', '/v1/functions/fails', { json: mended })
    await page.getByRole('button', { name: 'Redrive all matching' }).click()
    await page.getByText('No dead letter matches.').waitFor()
    expect(await ended(third)).toMatchObject({ status: 'success', output: 'mended' })
    await server.must('DELETE', '/v1/functions/fails')
  })

  test('makes a webhook that answers itself', async () => {
    await open('/webhooks')
    await page.getByLabel('Response').selectOption('true')
    await page.getByRole('button', { name: 'Create webhook' }).click()
    await page.getByRole('cell', { name: 'the function’s', exact: true }).waitFor()
    const [webhook] = (await server.must('GET', '/v1/webhooks')).json.webhooks
    expect(webhook).toMatchObject({ sync: true })
    await server.must('DELETE', `/v1/webhooks/${webhook.id}`)
  })

  test('makes a webhook of an alias, and says of a source that this server has no OpenStack', async () => {
    await open('/webhooks')
    const form = (button: string) => page.locator('form').filter({ has: page.getByRole('button', { name: button }) })
    await form('Create webhook')
      .getByLabel(/^Function/)
      .selectOption('alias:live')
    await form('Create webhook').getByRole('button', { name: 'Create webhook' }).click()
    await page.getByRole('cell', { name: 'alias live', exact: true }).waitFor()
    const [webhook] = (await server.must('GET', '/v1/webhooks')).json.webhooks
    expect(webhook).toMatchObject({ function_id: null, function_alias: 'live' })
    await server.must('DELETE', `/v1/webhooks/${webhook.id}`)
    const source = form('Create source')
    await source.getByLabel('Container').fill('uploads')
    await source.getByLabel('deleted').check()
    const sent = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/v1/sources'))
    await source.getByRole('button', { name: 'Create source' }).click()
    expect((await sent).postDataJSON()).toMatchObject({
      ...{ type: 'swift', container: 'uploads', events: ['created', 'changed', 'deleted'] },
    })
    await source
      .getByRole('alert')
      .getByText(/OpenStack|Keystone/)
      .waitFor()
  })

  test('makes a webhook with a signature, tries it, and delivers a call again', async () => {
    await server.must('POST', '/v1/secrets', { json: { name: 'HOOK', value: 'shared' } })
    await open('/webhooks')
    await page.getByLabel('Signature').selectOption('gitlab')
    await page.getByLabel('Signature secret').selectOption('HOOK')
    await page.getByRole('button', { name: 'Create webhook' }).click()
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByText(/^401 /).waitFor()
    await page.getByRole('row', { name: /refused/ }).waitFor()
    const [webhook] = (await server.must('GET', '/v1/webhooks')).json.webhooks
    const headers = { 'X-Gitlab-Token': 'shared' }
    const path = new URL(webhook.webhook_url).pathname
    expect((await server.ask('POST', path, { json: { a: 1 }, headers, token: null })).status).toBe(202)
    await page.getByRole('button', { name: 'Redeliver' }).click()
    const runs = async () =>
      (await server.must('GET', `/v1/executions?trigger_id=${webhook.id}`)).json.executions.length
    await expect.poll(runs, { timeout: 60_000 }).toBe(2)
    await server.must('DELETE', `/v1/webhooks/${webhook.id}`)
    await server.must('DELETE', '/v1/secrets/HOOK')
  })

  test('replays the calls of the server, and draws what other ways of keeping workers would have done', async () => {
    await server.must('POST', '/v1/executions', { json: { function_id: 'greet' } })
    await open('/what-if')
    await page.getByRole('button', { name: 'Replay' }).click()
    await page.getByText(/^\d+ calls of \d+ function versions/).waitFor()
    await page.getByRole('row', { name: /^histogram 4 h/ }).waitFor()
    await page.getByRole('row', { name: /^fixed time 10 min/ }).waitFor()
    await page.getByRole('img', { name: /^Cold starts/ }).waitFor()
    expect(await page.locator('svg polyline').count()).toBe(12)
  })

  test('sets limits of a project, and shows what is used of them', async () => {
    await open('/projects')
    await page.getByRole('link', { name: 'default' }).click()
    await heading('Project default')
    await page.getByRole('textbox', { name: 'running' }).fill('many')
    await page.getByRole('button', { name: 'Save limits' }).click()
    await page.getByText('running: "many" is not a number.').waitFor()
    await page.getByRole('textbox', { name: 'running' }).fill('50')
    await page.getByRole('textbox', { name: 'jobs' }).fill('none')
    await page.getByRole('button', { name: 'Save limits' }).click()
    await page.getByRole('row', { name: /^running .* 50 this project$/ }).waitFor()
    await page.getByRole('row', { name: /^jobs .* no limit this project$/ }).waitFor()
    await page.getByRole('textbox', { name: 'running' }).fill('')
    await page.getByRole('textbox', { name: 'jobs' }).fill('')
    await page.getByRole('button', { name: 'Save limits' }).click()
    await page.getByRole('row', { name: /^running .* no limit default$/ }).waitFor()
  })

  test('shows the settings in effect, and keeps credentials of registries without showing them', async () => {
    await open('/settings')
    await page.getByLabel('Show').selectOption('given')
    await page.getByRole('row', { name: /^TAIBAI_GENERIC_WORKERS 1 environment/ }).waitFor()
    await page.getByLabel('Filter').fill('no such thing')
    await page.getByText('No matching setting is set in the environment').waitFor()
    await open('/images')
    await page.getByText(/plain processes/).waitFor()
    await page.getByLabel('Registry').fill('registry.invalid')
    await page.getByLabel('User name').fill('me')
    await page.getByLabel('Password or token').fill('very-secret')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('row', { name: /^registry.invalid me/ }).waitFor()
    expect(await page.content()).not.toContain('very-secret')
    await page
      .getByRole('row', { name: /^registry.invalid/ })
      .getByRole('button', { name: 'Log out' })
      .click()
    await page.getByText('No registry credentials are stored').waitFor()
  })

  test('shows runs as they come, and filters them', async () => {
    await open('/executions?status=error')
    await page.getByText('No execution matches').waitFor()
    await open('/executions')
    const before = await page.locator('tbody tr').count()
    await server.must('POST', '/v1/executions', { json: { function_id: 'greet' } })
    await page.locator('tbody tr').nth(before).waitFor()
  })

  test('scrolls through runs page by page, with few rows in the page at a time', async () => {
    for (let n = 0; n < 25; n++) {
      const asked = Array.from({ length: 10 }, () =>
        server.must('POST', '/v1/executions', { json: { function_id: 'greet' } }),
      )
      await Promise.all(asked)
    }
    await open('/executions?trigger=api')
    await page.locator('tbody tr').nth(30).waitFor()
    await expect
      .poll(
        async () => {
          await page.mouse.wheel(0, 5000)
          return page.getByText(/there are no older ones/).count()
        },
        { timeout: 60_000 },
      )
      .toBe(1)
    expect(await page.locator('tbody tr').count()).toBeLessThan(150)
    const runs = Number(
      /^(\d+) executions/.exec((await page.getByText(/there are no older ones/).textContent()) ?? '')?.[1],
    )
    expect(runs).toBeGreaterThanOrEqual(250)
  })

  test.each([
    '/',
    '/functions',
    '/functions/new',
    '/builds',
    `/builds/${build.id}`,
    '/executions',
    '/dead-letters',
    '/jobs',
    '/webhooks',
    '/workers',
    '/what-if',
    '/runtimes',
    '/images',
    '/projects',
    '/projects/default',
    '/usage',
    '/secrets',
    '/tokens',
    '/settings',
    '/server',
  ])('has no barrier that axe sees on %s, in both themes', async (path) => {
    await expectNoBarrier(path)
  })

  test.each(['run', 'code', 'builds', 'settings', 'versions', 'executions', 'numbers'])(
    'has no barrier in the part %s of a function, in both themes',
    async (tab) => {
      await expectNoBarrier(`/functions/greet?tab=${tab}`)
    },
  )

  test('has no barrier in a run, and in dead letters that are there', async () => {
    const content = 'export const main = () => { throw new Error("no") }'
    const code = { source: 'inline', filename: 'main.mjs', content }
    await server.must('POST', '/v1/functions', { json: { name: 'fails', runtime: 'nodejs', code } })
    const { id } = (await server.must('POST', '/v1/executions', { json: { function_id: 'fails', sync: false } })).json
    await server.must('GET', `/v1/executions/${id}?wait=60`)
    await expectNoBarrier(`/executions/${id}`)
    await expectNoBarrier('/dead-letters', 'Open')
    await server.must('POST', '/v1/dead-letters/drop?function_id=fails')
    await server.must('DELETE', '/v1/functions/fails')
  })

  test('has no barrier in a webhook and a job that are there', async () => {
    const { id } = (await server.must('GET', '/v1/functions/greet')).json
    const webhook = (await server.must('POST', '/v1/webhooks', { json: { function_id: id } })).json
    await expectNoBarrier('/webhooks', 'Open')
    await server.must('DELETE', `/v1/webhooks/${webhook.id}`)
    const fields = { function_id: id, name: 'noon', pattern: '0 12 * * *' }
    const job = (await server.must('POST', '/v1/jobs', { json: fields })).json
    await expectNoBarrier('/jobs', 'Edit')
    await server.must('DELETE', `/v1/jobs/${job.id}`)
  })

  test('closes a dialog with Escape, and is used with the keyboard alone', async () => {
    const { id: greet } = (await server.must('GET', '/v1/functions/greet')).json
    const webhook = (await server.must('POST', '/v1/webhooks', { json: { function_id: greet } })).json
    await open('/webhooks')
    await page.getByRole('button', { name: 'Open' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await server.must('DELETE', `/v1/webhooks/${webhook.id}`)
    await open('/functions/greet')
    await page.getByRole('tab', { name: 'run' }).focus()
    await page.keyboard.press('ArrowRight')
    await page.locator('.cm-content').first().waitFor()
    expect(await page.evaluate('document.activeElement.textContent')).toBe('code')
  })

  test('offers to a member what members may see', async () => {
    const made = await server.must('POST', '/v1/tokens', {
      json: { name: 'me', project_id: 'shop', roles: ['member'] },
    })
    const others = await browser.newPage()
    await others.addInitScript((token) => sessionStorage.setItem('taibai-token', token), made.json.token)
    await others.goto(`${server.url}/console/projects`)
    await others.getByRole('link', { name: 'shop', exact: true }).waitFor()
    await others.getByRole('link', { name: 'Settings' }).waitFor({ state: 'detached' })
    expect(await others.getByRole('link', { name: 'default', exact: true }).count()).toBe(0)
    await others.getByRole('link', { name: 'shop', exact: true }).click()
    await others.getByRole('row', { name: /^running / }).waitFor()
    expect(await others.getByRole('button', { name: 'Save limits' }).count()).toBe(0)
    await others.goto(`${server.url}/console/settings`)
    await others.getByText('Operation not allowed').waitFor()
    await others.close()
    await server.must('DELETE', `/v1/tokens/${made.json.id}`)
  })

  test('shows every column of its tables on a wide screen', async () => {
    const fields = { function_id: 'greet', name: 'a job with a name that is longer than most', pattern: '0 12 * * *' }
    const job = (await server.must('POST', '/v1/jobs', { json: { ...fields, timezone: 'America/Chicago' } })).json
    const webhook = (await server.must('POST', '/v1/webhooks', { json: { function_id: 'greet' } })).json
    for (const path of ['/', '/functions', '/executions', '/jobs', '/webhooks', '/workers', '/runtimes', '/server']) {
      await open(path)
      await page.locator('.table, .empty').first().waitFor()
      const sideways = `[...document.querySelectorAll('.table')]
        .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1).map(({ ariaLabel }) => ariaLabel)`
      expect(await page.evaluate(sideways), path).toEqual([])
    }
    await server.must('DELETE', `/v1/jobs/${job.id}`)
    await server.must('DELETE', `/v1/webhooks/${webhook.id}`)
  })

  test('lists functions with their workers and traffic, and says what waits', async () => {
    const content = 'export const main = () => { throw new Error("no") }'
    const code = { source: 'inline', filename: 'main.mjs', content }
    await server.must('POST', '/v1/functions', { json: { name: 'fails', runtime: 'nodejs', code } })
    await server.must('POST', '/v1/executions', { json: { function_id: 'fails', sync: true } })
    const later = { function_id: 'fails', sync: false, delay: 3600 }
    const { id } = (await server.must('POST', '/v1/executions', { json: later })).json
    await open('/functions')
    await page.getByRole('row', { name: /^fails nodejs 32 MiB 0 \d idle 2 100 % / }).waitFor()
    await open('/')
    const waiting = page.getByRole('region', { name: 'Waiting runs' })
    await waiting.getByRole('row', { name: / fails async 0 .*:/ }).waitFor()
    await server.must('POST', `/v1/executions/${id}/cancel`)
    await page.getByText('No accepted run waits.').waitFor()
    await server.must('POST', '/v1/dead-letters/drop?function_id=fails')
    await server.must('DELETE', '/v1/functions/fails')
  })

  test('fits a phone: no page is wider than it', async () => {
    await page.setViewportSize({ width: 390, height: 800 })
    for (const path of [
      '/',
      '/functions',
      '/functions/new',
      '/executions',
      '/jobs',
      '/webhooks',
      '/projects/default',
      '/settings',
    ]) {
      await open(path)
      await page.locator('h1').waitFor()
      expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(390)
    }
  })

  test('goes on with its live stream when the server was restarted', async () => {
    await page.setViewportSize({ width: 1280, height: 800 })
    await open('/executions?trigger=api')
    await page.getByText('live', { exact: true }).waitFor()
    await server.stop()
    await page.getByText('not connected', { exact: true }).waitFor()
    server = await ServerProcess.start({ data, settings: { TAIBAI_PORT: new URL(server.url).port } })
    await page.getByText('live', { exact: true }).waitFor()
    const { json } = await server.must('POST', '/v1/executions', { json: { function_id: 'greet' } })
    await page.locator(`a[href="/console/executions/${json.id}"]`).waitFor()
  })

  test('is small: what is loaded at first, without the editor, is at most 150 kB', () => {
    expect(firstLoadBytes()).toBeLessThanOrEqual(150_000)
  })

  test('had no error of a script in all of this', () => {
    expect(errors).toEqual([])
  })
})
