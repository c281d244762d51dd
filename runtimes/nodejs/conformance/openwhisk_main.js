// Called as OpenWhisk calls actions: does what the parameters say. Nothing is exported: the name of the function is enough.

const fs = require('node:fs')

const deeds = {
  env: ({ name }) => ({ value: process.env[name] ?? null }),
  list: () => [1, { two: 2 }],
  wait: (params) => new Promise((resolve) => setTimeout(resolve, 5, { waited: params.ms })),
  nothing: () => undefined,
  text: () => 'no object',
  error: ({ error }) => ({ error, more: 1 }),
  throw: async ({ message }) => {
    throw new TypeError(message)
  },
  print: ({ text }) => {
    console.log(text)
    return { there: fs.existsSync('.') }
  },
}

function main(params) {
  const deed = deeds[params.do]
  return deed === undefined ? params : deed(params)
}

function other() {
  return { other: true }
}
