/** Web frameworks from PyPI, as they come, below a prefix: redirects, links, static files, and the pages of OpenAPI. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import type { BoundWorker, Outcome } from '../support/conformance-harness.ts'
import { pythonPackages } from '../support/registry-packages.ts'
import { processHarness } from '../support/shim-process.ts'

const wanted = ['flask==3.1.2', 'django==5.2.8', 'fastapi==0.121.3']
const runtime = fileURLToPath(new URL('../../runtimes/python3', import.meta.url))
const { folder: packages, problem } = pythonPackages(wanted, { forWorkers: true })
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

if (problem !== null) console.warn(`NO WEB FRAMEWORKS FOR PYTHON: their tests are skipped. ${problem}`)

async function bind(files: Record<string, string>): Promise<BoundWorker> {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-frameworks-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return await processHarness(runtime, folder).bind({ signature: 'http', env: { PYTHONPATH: packages } })
}

const prefix = '/fn/shop'
const origin = 'https://example.org'

/** What the caller of `https://example.org/fn/shop` + target sees. */
async function get(worker: BoundWorker, target: string, method = 'GET') {
  const headers: [string, string][] = [
    ['host', 'example.org'],
    ['x-forwarded-prefix', prefix],
  ]
  const outcome = await worker.fetch({ method, target, prefix, url: `${origin}${prefix}${target}`, headers }).outcome
  const { status, headers: answered, body } = outcome as Extract<Outcome, { state: 'answer' }>
  const header = (name: string) => answered.find(([key]) => key.toLowerCase() === name)?.[1]
  const location = header('location')
  return {
    status,
    text: String(body),
    header,
    location: location && new URL(location, `${origin}${prefix}${target}`).href,
  }
}

const ours = `${origin}${prefix}`

describe.skipIf(problem !== null)('Below a prefix', () => {
  test('Flask redirects and links to itself, and serves its static files', async () => {
    await using worker = await bind({
      'static/style.css': 'body {}',
      'main.py': `
from flask import Flask, jsonify, redirect, request, url_for

main = Flask(__name__)

@main.get('/items/')
def items():
    return jsonify(item=url_for('item', id=7), whole=url_for('item', id=7, _external=True),
                   style=url_for('static', filename='style.css'), url=request.url, root=request.script_root)

@main.get('/items/<int:id>')
def item(id):
    return redirect(url_for('items'))
`,
    })
    expect(await get(worker, '/items')).toMatchObject({ status: 308, location: `${ours}/items/` })
    expect(await get(worker, '/items/7')).toMatchObject({ status: 302, location: `${ours}/items/` })
    const items = await get(worker, '/items/?page=2')
    expect(JSON.parse(items.text)).toEqual({
      item: '/fn/shop/items/7',
      whole: `${ours}/items/7`,
      style: '/fn/shop/static/style.css',
      url: `${ours}/items/?page=2`,
      root: '/fn/shop',
    })
    expect(await get(worker, '/static/style.css')).toMatchObject({ status: 200, text: 'body {}' })
    const head = await get(worker, '/static/style.css', 'HEAD')
    expect([head.text, head.header('content-length')]).toEqual(['', '7'])
  })

  test.each(['WSGI', 'ASGI'])('Django (%s) redirects and links to itself', async (kind) => {
    await using worker = await bind({
      'main.py': `
import django
from django.conf import settings
from django.core.${kind.toLowerCase()} import get_${kind.toLowerCase()}_application
from django.http import HttpResponseRedirect, JsonResponse
from django.templatetags.static import static
from django.urls import path, reverse

settings.configure(SECRET_KEY='secret', ALLOWED_HOSTS=['example.org'], ROOT_URLCONF=__name__, STATIC_URL='static/',
                   MIDDLEWARE=['django.middleware.common.CommonMiddleware'])

def items(request):
    return JsonResponse({'item': reverse('item', args=[7]), 'style': static('style.css'), 'url': request.build_absolute_uri(),
                         'path': request.path_info, 'secure': request.is_secure()})

urlpatterns = [path('items/', items, name='items'), path('items/<int:id>', lambda request, id: HttpResponseRedirect(reverse('items')), name='item')]
main = get_${kind.toLowerCase()}_application()
`,
    })
    expect(await get(worker, '/items')).toMatchObject({ status: 301, location: `${ours}/items/` })
    expect(await get(worker, '/items/7')).toMatchObject({ status: 302, location: `${ours}/items/` })
    expect(JSON.parse((await get(worker, '/items/')).text)).toEqual({
      item: '/fn/shop/items/7',
      style: '/fn/shop/static/style.css',
      url: `${ours}/items/`,
      path: '/items/',
      secure: true,
    })
  })

  test('FastAPI redirects and links to itself, and its OpenAPI pages find their document', async () => {
    await using worker = await bind({
      'static/style.css': 'body {}',
      'main.py': `
import os
from fastapi import FastAPI, Request
from starlette.staticfiles import StaticFiles

main = FastAPI()
main.mount('/static', StaticFiles(directory=os.path.join(os.path.dirname(__file__), 'static')), name='static')

@main.get('/items/')
def items(request: Request):
    return {'item': str(request.url_for('item', id=7)), 'style': str(request.url_for('static', path='style.css')), 'url': str(request.url)}

@main.get('/items/{id}')
def item(id: int):
    return {'id': id}
`,
    })
    expect(await get(worker, '/items')).toMatchObject({ status: 307, location: `${ours}/items/` })
    expect(await get(worker, '/items/7')).toMatchObject({ status: 200, text: '{"id":7}' })
    expect(JSON.parse((await get(worker, '/items/')).text)).toEqual({
      item: `${ours}/items/7`,
      style: `${ours}/static/style.css`,
      url: `${ours}/items/`,
    })
    expect(await get(worker, '/static/style.css')).toMatchObject({ status: 200, text: 'body {}' })
    expect((await get(worker, '/docs')).text).toContain("url: '/fn/shop/openapi.json'")
    const document = JSON.parse((await get(worker, '/openapi.json')).text)
    expect(document).toMatchObject({ servers: [{ url: '/fn/shop' }], paths: { '/items/{id}': {} } })
  })
})
