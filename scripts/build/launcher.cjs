#!/usr/bin/env node
// The entry of `npx taibai`: starts the program on a suitable Node.js, this one or the one in its packages.
'use strict'

const { spawn } = require('node:child_process')
const { dirname, join } = require('node:path')

const [major, minor] = process.versions.node.split('.').map(Number)
const program = join(__dirname, 'src', 'main.cjs')

if (major > 22 || (major === 22 && minor >= 22)) require(program)
else startOn(packagedNode())

function packagedNode() {
  try {
    return join(dirname(require.resolve(`node-linux-${process.arch}/package.json`)), 'bin', 'node')
  } catch {
    process.stderr.write(
      `Taibai needs Node.js 22.22 or newer. This is ${process.version}, and there is no packaged one for this system.\n`,
    )
    process.exit(1)
  }
}

function startOn(node) {
  const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: 'inherit' })
  // A terminal signals both processes; a signal sent to this process alone is meant for the program.
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.on('SIGINT', () => {})
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
