import { expect, test } from 'vitest'
import type { TestApp, TestRequest } from './test-app.ts'

/** One request and what must come back: most HTTP tests are a list of these, refusals first. */
export interface Row extends TestRequest {
  name: string
  /** `POST /v1/runtimes`; a function when it needs an id that a test made. */
  ask: string | ((made: Record<string, string>) => string)
  /** The body, when it needs an id that a test made. */
  jsonOf?: (made: Record<string, string>) => unknown
  status: number
  /** Texts that must appear in the body. */
  shows?: string[]
  /** Texts that must not. */
  hides?: string[]
  /** Keys of the JSON body and their values. */
  has?: Record<string, unknown>
}

/** Runs each row against a new app; `prepare` makes what the rows need and names the ids. */
export function testRows(rows: Row[], prepare: () => { app: TestApp; made: Record<string, string> }): void {
  test.each(rows.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
    const { app, made } = prepare()
    const ask = typeof row.ask === 'function' ? row.ask(made) : row.ask
    const [method, path] = ask.split(' ') as [string, string]
    const answer = await app.request(method, path, row.jsonOf ? { ...row, json: row.jsonOf(made) } : row)
    expect({ status: answer.status, text: answer.text }).toMatchObject({ status: row.status })
    if (row.status >= 400) expectRefusal(answer.json, answer.headers)
    for (const text of row.shows ?? []) expect(answer.text).toContain(text)
    for (const text of row.hides ?? []) expect(answer.text).not.toContain(text)
    if (row.has !== undefined) expect(answer.json).toMatchObject(row.has)
  })
}

/** What every error of the contract looks like. */
export function expectRefusal(body: unknown, headers: Headers): void {
  expect(headers.get('Content-Type')).toContain('application/json')
  expect(body).toMatchObject({
    faultcode: expect.stringMatching(/^(Client|Server)$/),
    faultstring: expect.stringMatching(/./),
    debuginfo: null,
    code: expect.any(String),
  })
}
