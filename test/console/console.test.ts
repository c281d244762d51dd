import { existsSync } from 'node:fs'
import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildConsole, consoleIsOld } from '../../scripts/build-console.ts'
import { ServerProcess } from '../support/server-process.ts'

/** The console in a real Chromium on a real server: from the first function to rolling it back. */

const executablePath = '/usr/bin/chromium'
const hasBrowser = existsSync(executablePath)
if (!hasBrowser) console.warn('The console is not tested: there is no /usr/bin/chromium (apt-get install chromium).')

let server: ServerProcess
let browser: Browser
let page: Page
const errors: string[] = []

describe.skipIf(!hasBrowser)('The console', () => {
  beforeAll(async () => {
    if (consoleIsOld()) await buildConsole()
    server = await ServerProcess.start()
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
  })

  const open = (path: string) => page.goto(`${server.url}/console${path}`)
  const heading = (name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor()

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
    await page.getByRole('link', { name: 'details' }).click()
    await heading('Run of greet')
    await page.getByText(/It started (warm|prewarmed|cold)/).waitFor()
  })

  test('saves code that the next call runs, freezes versions, and rolls back', async () => {
    await open('/functions')
    await page.getByRole('link', { name: 'greet' }).click()
    await page.getByRole('tab', { name: 'versions' }).click()
    await page.getByRole('button', { name: 'Freeze the code as a version' }).click()
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
    await page.getByLabel('Alias for the buttons below').fill('live')
    await page.getByRole('button', { name: 'Point live' }).click()
    await page.getByRole('cell', { name: 'live', exact: true }).waitFor()
    const { json } = await server.must('POST', '/v1/executions', { json: { function_alias: 'live' } })
    expect(json.output).toEqual({ hello: 'you' })
  })

  test('schedules a function, pauses the job and removes it', async () => {
    await open('/jobs')
    await page.getByLabel('Name', { exact: true }).fill('morning')
    await page.getByRole('button', { name: 'Create the job' }).click()
    await page.getByRole('cell', { name: 'morning' }).waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('paused').waitFor()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByText('There are no jobs').waitFor()
  })

  test('sets the size of /tmp, and the folders that an image writes to', async () => {
    const code = { source: 'image', image: 'taibai/nodejs', mode: 'http', port: 8080 }
    await server.must('POST', '/v1/functions', { json: { name: 'kept', code, memory_size: 134217728 } })
    await open('/functions')
    await page.getByRole('link', { name: 'kept' }).click()
    await page.getByRole('tab', { name: 'settings' }).click()
    await page.getByLabel('Size of /tmp (MiB)').fill('16')
    await page.getByLabel('Folders that it writes to').fill('/var/cache/nginx\n/run')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    const saved = async () => (await server.must('GET', '/v1/functions/kept')).json
    const wanted = { tmp_size: 16_777_216, writable: ['/var/cache/nginx', '/run'] }
    await expect.poll(saved, { timeout: 60_000 }).toMatchObject(wanted)
    await server.must('DELETE', '/v1/functions/kept')
  })

  test('sets limits, retries and destinations, and keeps what is not touched', async () => {
    const terms = { max_rate: 7, on_failure: { url: 'https://shop.example.org/dead' } }
    await server.must('PUT', '/v1/functions/greet', { json: terms })
    await open('/functions')
    await page.getByRole('link', { name: 'greet' }).click()
    await page.getByRole('tab', { name: 'settings' }).click()
    await page.getByLabel('Most calls at once').fill('5')
    await page.getByLabel('Recorded of its executions').selectOption('summary')
    await page.getByLabel('Tries of accepted runs').fill('{"max_attempts": 2')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Tries of accepted runs are JSON').waitFor()
    await page.getByLabel('Tries of accepted runs').fill('{"max_attempts": 2, "on": ["failed"]}')
    await page.getByLabel('Results of accepted runs go to').fill('greet')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    const saved = async () => (await server.must('GET', '/v1/functions/greet')).json
    const wanted = { max_running: 5, record: 'summary', retries: { max_attempts: 2, on: ['failed'] }, ...terms }
    await expect.poll(saved, { timeout: 60_000 }).toMatchObject({ ...wanted, on_success: { function: 'greet' } })
    const none = {
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
    await page.getByText('None fits.').waitFor()
    await page.getByLabel('Status').selectOption('failed')
    await row.nth(2).waitFor()

    await row.first().getByRole('button', { name: 'Open' }).click()
    await page.getByLabel('Input').fill('{"n": 2}')
    await page.getByRole('button', { name: 'Run again with this input' }).click()
    await row.nth(2).waitFor({ state: 'detached' })
    expect(await ended(first)).toMatchObject({ status: 'success', output: 2 })

    await page.getByLabel('Choose the run of fails').first().check()
    await page.getByRole('button', { name: 'Drop 1', exact: true }).click()
    await row.nth(1).waitFor({ state: 'detached' })
    expect(await ended(second)).toMatchObject({ status: 'failed', dead_at: null })

    const mended = { code: { ...code, content: 'export const main = () => "mended"' } }
    await server.must('PUT', '/v1/functions/fails', { json: mended })
    await page.getByRole('button', { name: 'Run all that fit again' }).click()
    await page.getByText('None fits.').waitFor()
    expect(await ended(third)).toMatchObject({ status: 'success', output: 'mended' })
    await server.must('DELETE', '/v1/functions/fails')
  })

  test('makes a webhook that answers itself', async () => {
    await open('/webhooks')
    await page.getByLabel('Answer').selectOption('true')
    await page.getByRole('button', { name: 'Create the webhook' }).click()
    await page.getByRole('cell', { name: 'the function’s', exact: true }).waitFor()
    const [webhook] = (await server.must('GET', '/v1/webhooks')).json.webhooks
    expect(webhook).toMatchObject({ sync: true })
    await server.must('DELETE', `/v1/webhooks/${webhook.id}`)
  })

  test('replays the calls of the server, and draws what other ways of keeping workers would have done', async () => {
    await server.must('POST', '/v1/executions', { json: { function_id: 'greet' } })
    await open('/what-if')
    await page.getByRole('button', { name: 'Replay' }).click()
    await page.getByText(/^\d+ calls of \d+ function versions/).waitFor()
    await page.getByRole('row', { name: /^histogram 4 h/ }).waitFor()
    await page.getByRole('row', { name: /^fixed time 10 min/ }).waitFor()
    await page.getByRole('img', { name: /^Calls that start cold/ }).waitFor()
    expect(await page.locator('svg polyline').count()).toBe(12)
  })

  test('sets limits of a project, and shows what is used of them', async () => {
    await open('/projects')
    await page.getByRole('link', { name: 'default' }).click()
    await heading('Project default')
    await page.getByRole('textbox', { name: 'running' }).fill('many')
    await page.getByRole('button', { name: 'Set the limits' }).click()
    await page.getByText('running: "many" is no number.').waitFor()
    await page.getByRole('textbox', { name: 'running' }).fill('50')
    await page.getByRole('textbox', { name: 'jobs' }).fill('none')
    await page.getByRole('button', { name: 'Set the limits' }).click()
    await page.getByRole('row', { name: /^running .* 50 set here$/ }).waitFor()
    await page.getByRole('row', { name: /^jobs .* no limit set here$/ }).waitFor()
    await page.getByRole('textbox', { name: 'running' }).fill('')
    await page.getByRole('textbox', { name: 'jobs' }).fill('')
    await page.getByRole('button', { name: 'Set the limits' }).click()
    await page.getByRole('row', { name: /^running .* no limit default$/ }).waitFor()
  })

  test('shows the settings in effect, and keeps credentials of registries without showing them', async () => {
    await open('/settings')
    await page.getByLabel('Shown').selectOption('given')
    await page.getByRole('row', { name: /^TAIBAI_GENERIC_WORKERS 1 environment/ }).waitFor()
    await page.getByLabel('Filter').fill('no such thing')
    await page.getByText('The environment gives none that fits').waitFor()
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
    await page.getByText('Images are fetched as nobody').waitFor()
  })

  test('shows runs as they come, and filters them', async () => {
    await open('/executions?status=error')
    await page.getByText('Nothing ran that fits').waitFor()
    await open('/executions')
    const before = await page.locator('tbody tr').count()
    await server.must('POST', '/v1/executions', { json: { function_id: 'greet' } })
    await page.locator('tbody tr').nth(before).waitFor()
  })

  test.each([
    '/',
    '/functions',
    '/functions/new',
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
    '/secrets',
    '/tokens',
    '/settings',
    '/server',
  ])('has no barrier that axe sees on %s, in both themes', async (path) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await open(path)
      await page.locator('h1').waitFor()
      await page.evaluate(axe.source)
      const found: axe.AxeResults = await page.evaluate("axe.run(document, { runOnly: ['wcag2a', 'wcag2aa'] })")
      const violations = found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
      expect(violations, `${path} ${colorScheme}`).toEqual([])
    }
  })

  test('fits a phone: no page is wider than it', async () => {
    await page.setViewportSize({ width: 390, height: 800 })
    for (const path of ['/', '/functions', '/executions', '/jobs', '/webhooks', '/projects/default', '/settings']) {
      await open(path)
      await page.locator('h1').waitFor()
      expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(390)
    }
  })

  test('had no error of a script in all of this', () => {
    expect(errors).toEqual([])
  })
})
