/** Prints its arguments, then does what the first one says. */
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const args = process.argv.slice(2)
const deeds = {
  exit: (code) => process.exit(Number(code)),
  sleep: (ms) => sleep(Number(ms)),
  env: (name) => console.log(`${name}=${process.env[name]}`),
  write: (path) => writeFileSync(path, 'x'),
  tryToWrite: (path) => {
    try {
      writeFileSync(path, 'x')
    } catch (error) {
      console.error(error.message)
    }
  },
  warn: (text) => console.error(text),
  memory: (mb) => Buffer.alloc(Number(mb) * 1024 * 1024, 1),
  flood: (lines) => process.stdout.write(`${'x'.repeat(99)}\n`.repeat(Number(lines))),
}

console.log(JSON.stringify(args))
await deeds[args[0]]?.(...args.slice(1))
