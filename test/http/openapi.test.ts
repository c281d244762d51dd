import { expect, test } from 'vitest'
import { makeTestApp } from '../support/test-app.ts'

const { app, request } = makeTestApp()
const documented = async () => (await request('GET', '/openapi.json', { as: 'nobody' })).json

test('every route below /v1 is in the document, and nothing else', async () => {
  const routes = [...app.routes, { method: 'POST', path: '/v1/executions' }]
    .filter(({ method, path }) => method !== 'ALL' && path.startsWith('/v1'))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
  const { paths } = await documented()
  const listed = Object.entries(paths as Record<string, object>)
    .filter(([path]) => path.startsWith('/v1'))
    .flatMap(([path, verbs]) => Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`))
  expect(listed.sort()).toEqual([...new Set(routes)].sort())
})

test('what functions answer is in it, with every verb, and so is a challenge of a webhook', async () => {
  const { paths } = await documented()
  const verbs = ['delete', 'get', 'head', 'options', 'patch', 'post', 'put']
  for (const path of ['/fn/{name}', '/fn/{name}/{path}']) expect(Object.keys(paths[path]).sort()).toEqual(verbs)
  expect(Object.keys(paths['/v1/webhooks/{id}/invoke']).sort()).toEqual(['get', 'post'])
  expect(paths['/v1/webhooks/{id}/invoke'].get.security).toEqual([])
})

test('every operation has a summary, a response and its errors', async () => {
  const { paths } = await documented()
  for (const [path, verbs] of Object.entries(paths as Record<string, Record<string, never>>)) {
    for (const [verb, operation] of Object.entries(verbs)) {
      expect(operation, `${verb} ${path}`).toMatchObject({
        summary: expect.stringMatching(/./),
        tags: [expect.any(String)],
      })
      const statuses = Object.keys((operation as { responses: object }).responses)
      expect(
        statuses.some((status) => status.startsWith('2')),
        `${verb} ${path}`,
      ).toBe(true)
      expect(statuses).toContain('500')
    }
  }
})

test('the document names the media types of a new function and the fields of ours', async () => {
  const { paths, components } = await documented()
  const { content } = paths['/v1/functions'].post.requestBody
  expect(Object.keys(content)).toEqual([
    'application/json',
    'multipart/form-data',
    'application/x-www-form-urlencoded',
    'application/zip',
  ])
  expect(content['multipart/form-data'].schema.properties).toHaveProperty('package')
  expect(content['application/json'].schema.properties).toHaveProperty('min_workers')
  expect(components.schemas.Function.properties).toHaveProperty('idle_timeout')
  expect(components.securitySchemes).toHaveProperty('token')
})

test('the page lists every path and fetches nothing', async () => {
  const page = await request('GET', '/docs/openapi', { as: 'nobody' })
  const { paths } = await documented()
  expect(page.headers.get('Content-Type')).toContain('text/html')
  for (const path of Object.keys(paths)) expect(page.text).toContain(path)
  expect(page.text).not.toMatch(/<script|src=|@import|https?:\/\//)
})

test('no shape of the document takes back the type of a field that it builds on', async () => {
  const { components } = await documented()
  type Shape = { $ref?: string; allOf?: Shape[]; properties?: Record<string, object> }
  const shapes = components.schemas as Record<string, Shape>
  const fieldsOf = ({ $ref, allOf = [], properties = {} }: Shape): string[] => {
    const base = $ref === undefined ? [] : fieldsOf(shapes[$ref.split('/').at(-1) as string] as Shape)
    return [...base, ...allOf.flatMap(fieldsOf), ...Object.keys(properties)]
  }
  for (const [name, { allOf = [] }] of Object.entries(shapes)) {
    const fields = allOf.flatMap(fieldsOf)
    expect(fields, name).toEqual([...new Set(fields)])
  }
})
