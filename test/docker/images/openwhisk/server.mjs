import { createServer } from 'node:http'

const mark = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n'
let main = (params) => ({ params, seen: process.env.__OW_ACTIVATION_ID })
let inits = 0

const end = () => {
  process.stdout.write(mark)
  process.stderr.write(mark)
}

function init({ code }) {
  if (++inits > 1) return [403, { error: 'Cannot initialize the action more than once.' }]
  if (code === '') return [200, { ok: true }]
  try {
    main = new Function('params', `${code}\nreturn main(params)`)
    return [200, { ok: true }]
  } catch (error) {
    console.error(String(error))
    end()
    return [502, { error: String(error) }]
  }
}

function run({ value, ...about }) {
  for (const [name, text] of Object.entries(about)) process.env[`__OW_${name.toUpperCase()}`] = text
  try {
    return [200, main(value)]
  } catch (error) {
    return [502, { error: `An error has occurred: ${error}` }]
  }
}

createServer(async (request, response) => {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  const body = JSON.parse(text)
  const [status, answer] = request.url === '/init' ? init(body.value) : run(body)
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer))
  // Behind the answer: whoever reads the log has to wait for it.
  if (request.url === '/run') setTimeout(end, 30)
}).listen(8080, '0.0.0.0')
