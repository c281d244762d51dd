/** The event and the response of a function URL: payload format 2.0. */

const { answerHttp } = require('../answer.cjs')
const { dateNow, toJson } = require('../builtins.cjs')

function eventOf({ execution_id: requestId, http }, { functionName, gateway }, body) {
  const { method, target } = http
  const at = target.indexOf('?')
  const rawPath = at === -1 ? target : target.slice(0, at)
  const rawQueryString = at === -1 ? '' : target.slice(at + 1)
  const { headers, cookies } = readHeaders(http.headers)
  const domainName = headers.host ?? 'localhost'
  const now = dateNow()
  const event = { version: '2.0', routeKey: '$default', rawPath, rawQueryString }
  if (cookies !== undefined) event.cookies = cookies
  event.headers = headers
  if (rawQueryString !== '') event.queryStringParameters = joinedQuery(rawQueryString)
  event.requestContext = {
    accountId: 'anonymous',
    apiId: functionName,
    domainName,
    domainPrefix: domainName.split('.', 1)[0],
    http: {
      method,
      path: rawPath,
      protocol: 'HTTP/1.1',
      sourceIp: headers['x-forwarded-for']?.split(',', 1)[0].trim() ?? '127.0.0.1',
      userAgent: headers['user-agent'] ?? '',
    },
    requestId,
    routeKey: '$default',
    stage: '$default',
    time: timeOf(now),
    timeEpoch: now,
  }
  event.isBase64Encoded = body.length > 0 && !isText(headers['content-type'])
  if (body.length > 0) event.body = body.toString(event.isBase64Encoded ? 'base64' : 'utf8')
  return gateway === undefined ? event : gateway(event, http.headers)
}

/** Joins repeated headers, except for cookies, which have their own field. */
function readHeaders(pairs) {
  const headers = {}
  let cookies
  for (const [name, value] of pairs) {
    if (name === 'cookie') cookies = [...(cookies ?? []), ...value.split(/;\s*/).filter((one) => one !== '')]
    else headers[name] = Object.hasOwn(headers, name) ? `${headers[name]},${value}` : value
  }
  return { headers, cookies }
}

function joinedQuery(query) {
  const joined = {}
  for (const [name, value] of new URLSearchParams(query)) {
    joined[name] = Object.hasOwn(joined, name) ? `${joined[name]},${value}` : value
  }
  return joined
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `29/Nov/2026:00:00:00 +0000`. */
function timeOf(ms) {
  const text = new Date(ms).toISOString()
  return `${text.slice(8, 10)}/${months[text.slice(5, 7) - 1]}/${text.slice(0, 4)}:${text.slice(11, 19)} +0000`
}

const textTypes = /^(text\/|application\/(json|xml|javascript|x-www-form-urlencoded|[\w.-]+\+(json|xml))\b)/i

const isText = (type = '') => textTypes.test(type)

/** An object with `statusCode` is a response; any other value becomes the body as JSON. */
function answerRequest(call, value, limits) {
  if (typeof value !== 'object' || value === null || value.statusCode === undefined) {
    const body = typeof value === 'string' ? value : (toJson(value) ?? 'null')
    return answerHttp(call, toJson({ status: 200, headers: [['content-type', 'application/json']] }), body, limits)
  }
  answerHttp(call, toJson(headOf(value)), bodyOf(value), limits)
}

/** `multiValueHeaders` is of API Gateway. Content-Type is always set: without it, clients treat a function URL's response as JSON. */
function headOf({ statusCode, headers, multiValueHeaders, cookies }) {
  const pairs = Object.entries({ ...headers, ...multiValueHeaders }).flatMap(([name, value]) =>
    [value].flat().map((one) => [name.toLowerCase(), `${one}`]),
  )
  if (!pairs.some(([name]) => name === 'content-type')) pairs.push(['content-type', 'application/json'])
  for (const cookie of cookies ?? []) pairs.push(['set-cookie', `${cookie}`])
  return { status: Number(statusCode), headers: pairs.filter(([name]) => name !== 'content-length') }
}

function bodyOf({ body, isBase64Encoded }) {
  if (body === undefined || body === null) return ''
  if (typeof body !== 'string') return toJson(body)
  return isBase64Encoded ? Buffer.from(body, 'base64') : body
}

module.exports = { answerRequest, eventOf, headOf }
