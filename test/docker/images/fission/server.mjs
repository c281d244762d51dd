/** An environment of Fission in short: loads a package once, then every request is a call of its function. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'

const isOfFirstVersion = process.env.ENV_VERSION === '1'
let userFunction

async function specialize(path, text) {
  if (userFunction !== undefined) return [400, 'Not a generic container']
  if (path === '/v2/specialize' && isOfFirstVersion) return [404, 'no such path']
  console.log('specialize', path, text)
  try {
    // As the environment for Python does it.
    writeFileSync('/userfunc/state.json', text)
    userFunction = path === '/specialize' ? ofFile() : await ofPackage(JSON.parse(text))
    return typeof userFunction === 'function' ? [202, ''] : [500, '{}']
  } catch (error) {
    return [500, String(error)]
  }
}

const ofFile = () => {
  const text = readFileSync('/userfunc/user', 'utf8').replace('export default', 'return')
  return new Function(text)()
}

async function ofPackage({ filepath, functionName }) {
  const [file, name = 'default'] = functionName.split('.')
  return (await import(`${filepath}/${file || 'index'}.mjs`))[name]
}

createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  const isSpecialize = request.method === 'POST' && /^(\/v2)?\/specialize$/.test(request.url)
  if (isSpecialize) {
    const [status, said] = await specialize(request.url, text)
    return response.writeHead(status).end(said)
  }
  if (userFunction === undefined) return response.writeHead(500).end('Generic container: no requests supported')
  const { status = 200, body } = await userFunction({
    request,
    text,
    hasPackage: existsSync('/userfunc/deployarchive'),
  })
  response.writeHead(status, { 'content-type': 'text/plain' }).end(body)
}).listen(8888, '0.0.0.0')
