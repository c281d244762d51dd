/**
 * HTTP streams (`app.setup({ enableHttpStream: true })`): the library takes the request, and writes the response, at a server of
 * its own on the loopback address, beside the invocation.
 */

const { answerHttp, fail } = require('../answer.cjs')
const { builtin, toJson } = require('../builtins.cjs')
const { AnswerBody } = require('../web/answer-body.cjs')
const { AnswerValue } = require('../web/answer-value.cjs')
const { request } = builtin('node:http')

const dropped = new Set(['connection', 'date', 'keep-alive', 'transfer-encoding', 'x-ms-invocation-id'])

/**
 * Sends the request of an invocation to the library, and its response to the caller while the function still writes it.
 * `invoke(metadata)` starts the invocation, and returns `{hasResult, outputs}`, with JSON of the outputs.
 */
async function exchange(uri, { call, meta, body }, http, params, invoke) {
  const { asked, answered } = sent(uri, meta.execution_id, http, body)
  call.controller.signal.addEventListener('abort', () => asked.destroy())
  const invocation = invoke(metadataOf(http, params))
  const copied = answered.then((response) => copy(response, call, meta))
  // Only one of them may fail where the other waits for it for ever.
  copied.catch(() => {})
  try {
    const { hasResult, outputs } = await invocation
    if (outputs !== '') call.meta = `"outputs":${outputs},`
    if (hasResult) (await copied).end()
    else answerHead(call, meta, 204)
  } catch (error) {
    if (call.hasHead) fail(call, error)
    else if (meta.http === undefined) throw error
    else {
      console.error(error)
      answerHead(call, meta, 500)
    }
  } finally {
    asked.destroy()
  }
}

/** `asked` is the request; `answered` resolves to the head of its response. */
function sent(uri, id, { method, url, headers }, body) {
  const { protocol, host, pathname, search } = new URL(url)
  const asked = request({
    host: '127.0.0.1',
    port: new URL(uri).port,
    method,
    path: pathname + search,
    headers: {
      ...(body.length > 0 && { 'content-length': body.length }),
      ...(headers['content-type'] && { 'content-type': headers['content-type'] }),
      'x-forwarded-host': host,
      'x-forwarded-proto': protocol.slice(0, -1),
      'x-ms-invocation-id': id,
    },
  })
  const answered = new Promise((done, refuse) => {
    asked.on('response', done)
    asked.on('error', refuse)
  })
  answered.catch(() => {})
  asked.end(body)
  return { asked, answered }
}

/** The library reads headers from the metadata, and takes every other text there for a parameter of the route. */
function metadataOf({ headers }, params) {
  const texts = Object.entries(params).map(([name, value]) => [name, { string: value }])
  return { ...Object.fromEntries(texts), Headers: { json: toJson(headers) } }
}

async function copy(response, call, meta) {
  const headers = []
  for (let at = 0; at < response.rawHeaders.length; at += 2) {
    const name = response.rawHeaders[at].toLowerCase()
    if (!dropped.has(name)) headers.push([name, response.rawHeaders[at + 1]])
  }
  const Body = meta.http === undefined ? AnswerValue : AnswerBody
  const answer = new Body(call, toJson({ status: response.statusCode, headers }))
  call.hasHead = true
  for await (const piece of response) await answer.write(piece)
  return answer
}

function answerHead(call, meta, status) {
  const head = toJson({ status, headers: [] })
  if (meta.http === undefined) new AnswerValue(call, head).end()
  else answerHttp(call, head, '', { maxResultBytes: 0 })
}

module.exports = { exchange }
