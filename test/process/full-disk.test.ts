import { execFileSync } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DataFolder } from '../support/data-folder.ts'
import { atWork, ended } from '../support/executions-of.ts'
import { fixtureActions } from '../support/fixture-functions.ts'
import { ServerProcess } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/** A server whose data lies on a small disk of its own, which fills. */

const mib = 1024 * 1024
const settings = { TAIBAI_DISK_RESERVE_MB: '8' }

/** A data folder that is a file system of its own. Mounting is for root alone. */
class SmallDisk implements AsyncDisposable {
  readonly data = new DataFolder()

  constructor(sizeMb: number) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m,mode=700`, 'taibai-test', this.data.path])
  }

  static isPossible(): boolean {
    return process.platform === 'linux' && process.getuid?.() === 0 && canMount()
  }

  /** Takes all but so much. */
  fill(leftBytes: number): void {
    this.empty()
    const { bavail, bsize } = statfsSync(this.data.path)
    const bytes = bavail * bsize - leftBytes
    try {
      writeFileSync(this.#ballast, Buffer.alloc(Math.max(0, bytes)))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }

  empty(): void {
    rmSync(this.#ballast, { force: true })
  }

  get #ballast(): string {
    return join(this.data.path, 'ballast')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    execFileSync('umount', ['-l', this.data.path])
    await this.data[Symbol.asyncDispose]()
  }
}

function canMount(): boolean {
  const folder = new DataFolder().path
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'taibai-test', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder])
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const sleep = (ms: number) => JSON.stringify({ do: 'sleep', ms })
const accept = (server: ServerProcess, input = sleep(0)) =>
  server.ask('POST', '/v1/executions', { json: { function_id: 'deeds', input, sync: false } })
const metric = async (server: ServerProcess, name: string): Promise<number> => {
  const { text } = await server.must('GET', '/metrics')
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1])
}
const finding = async (server: ServerProcess, area: string) =>
  (await server.must('GET', '/v1/health')).json.findings.find((one: { area: string }) => one.area === area)

describe.skipIf(!SmallDisk.isPossible())('A server on a disk that fills (root may mount one)', () => {
  test('keeps its reserve for what it has promised, says what is lost, and goes on when there is space', async () => {
    await using disk = new SmallDisk(64)
    await using server = await ServerProcess.start({ data: disk.data, settings })
    await server.deploy('deeds', fixtureActions.nodejs)
    await server.deploy('old', 'export const main = () => 1')
    const full = {
      status: 503,
      json: { code: 'storage_full', faultstring: expect.stringContaining('TAIBAI_DATA_DIR') },
    }

    // Into the reserve: nothing new, but all else.
    const promised = (await accept(server, sleep(3000))).json.id
    await atWork(server)
    disk.fill(6 * mib)
    const refused = await waitUntil('it is refused', async () => {
      const answer = await accept(server)
      return answer.status === 503 && answer
    })
    expect(refused).toMatchObject(full)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await server.ask('POST', '/v1/functions', { json: inline('new') })).toMatchObject(full)
    const zip = { headers: { 'content-type': 'application/zip' }, body: Buffer.from('PK') }
    expect(await server.ask('POST', '/v1/functions?name=zipped&runtime=nodejs', zip)).toMatchObject(full)
    expect((await server.ask('DELETE', '/v1/functions/old')).status).toBe(204)
    const called = await server.must('POST', '/fn/deeds', { json: { do: 'echo', value: 5 } })
    expect(called.json).toBe(5)
    expect(await ended(server, called.headers.get('x-execution-id') as string)).toMatchObject({ status: 'success' })
    expect(await ended(server, promised)).toMatchObject({ status: 'success', output: 'slept' })
    expect(await finding(server, 'disk')).toMatchObject({ state: 'problem' })
    expect(await metric(server, 'taibai_data_reserve_bytes')).toBe(8 * mib)

    // To the brim: calls are answered, what is lost is counted, what must be written waits.
    disk.empty()
    await waitUntil('it accepts again', async () => (await accept(server)).status === 201)
    const waiting = (await accept(server, sleep(3000))).json.id
    await atWork(server)
    disk.fill(0)
    expect(await server.ask('POST', '/fn/deeds', { json: { do: 'echo', value: 6 } })).toMatchObject({ json: 6 })
    await waitUntil('a call is not recorded', async () => {
      await server.must('POST', '/fn/deeds', { json: { do: 'echo', value: 7 } })
      return (await metric(server, 'taibai_ledger_lost_total')) > 0
    })
    await waitUntil(
      'the end of the accepted run waits',
      async () => (await metric(server, 'taibai_ledger_failing')) === 1,
    )
    expect(await finding(server, 'records')).toMatchObject({ state: 'problem', remedy: expect.any(String) })
    expect(await server.ask('POST', '/v1/functions', { json: inline('new') })).toMatchObject(full)

    // Space again: all goes on, and nothing that was promised is lost.
    disk.empty()
    await waitUntil('it writes again', async () => (await metric(server, 'taibai_ledger_failing')) === 0)
    expect(await ended(server, waiting)).toMatchObject({ status: 'success', attempt: 1 })
    expect(await finding(server, 'records')).toMatchObject({
      state: 'warning',
      says: expect.stringMatching(/could not/),
    })
    expect((await server.ask('POST', '/v1/functions', { json: inline('new') })).status).toBe(201)
    expect(server.log.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining([
        'the disk is nearly full: nothing new is accepted',
        'there is space on the disk again',
        'executions are not recorded: the disk takes no more',
      ]),
    )
    expect(await server.stop()).toMatchObject({ code: 0 })
  })

  test('stops with a sentence and no stack, and answers what is in flight; what it could not write runs again', async () => {
    await using disk = new SmallDisk(64)
    await using server = await ServerProcess.start({ data: disk.data, settings })
    await server.deploy('deeds', fixtureActions.nodejs)
    await server.deploy('long', longAnswer)
    const json = { function_id: 'long', sync: false }
    const promised = (await server.must('POST', '/v1/executions', { json })).json.id
    const call = server.ask('POST', '/fn/deeds', { json: { do: 'sleep', ms: 4000 } })
    await atWork(server, 2)
    disk.fill(0)
    const exit = await server.stop()
    expect(await call).toMatchObject({ status: 200, text: 'slept' })
    expect(exit).toEqual({ code: 1, signal: null })
    expect(server.program.stderr).toMatch(/^Stopped, but not everything could be saved: The disk of the data folder/)
    expect(server.program.stderr).not.toMatch(/^\s+at /m)
    expect(server.log).toContainEqual(
      expect.objectContaining({ msg: 'the server stops, and these could not be recorded', writes: expect.any(Number) }),
    )
    expect(server.data.workerProcesses()).toEqual([])

    disk.empty()
    await using next = await ServerProcess.start({ data: disk.data, settings })
    expect(await ended(next, promised)).toMatchObject({ status: 'success', attempt: 2 })
    expect(await next.stop()).toMatchObject({ code: 0 })
  })
})

/** Longer than what the journal of a database may have left of its own. */
const longAnswer = `
export const main = () => new Promise((done) => setTimeout(done, 4000, 'x'.repeat(3 * 1024 * 1024)))
`
const inline = (name: string) => ({
  name,
  runtime: 'nodejs',
  code: { source: 'inline', filename: 'main.mjs', content: 'export const main = () => 1' },
})
