/** Finds the program that an entry names, and the command that starts it. */

const { builtin } = require('../builtins.cjs')
const { EntryNotFound } = require('../load.cjs')
const { accessSync, closeSync, constants, existsSync, openSync, readdirSync, readSync, statSync } = builtin('node:fs')
const { basename, dirname, join, relative } = builtin('node:path')

/** Throws EntryNotFound when nothing can be started. */
function programOf(code, entry) {
  const path = pathOf(code, entry)
  if (isExecutable(path)) return { command: path, args: [], cwd: code }
  const interpreter = interpreterOf(path)
  if (interpreter === undefined) {
    const name = relative(code, path)
    throw new EntryNotFound(
      'module',
      `"${name}" is not executable, and does not begin with #!: chmod +x ${name} before it is packed`,
    )
  }
  const [command, ...args] = interpreter
  return { command, args: [...args, path], cwd: code }
}

/** `report`, `report.sh`, `bin/report`; or `report.main`, for those who add a function's name. */
function pathOf(code, entry) {
  const path = join(code, entry)
  if (entry === '' || entry.startsWith('/') || relative(code, path).startsWith('..')) {
    throw new EntryNotFound('form', `the entry "${entry}" is no file of the package`)
  }
  const found = fileOf(path) ?? (path.endsWith('.main') ? fileOf(path.slice(0, -'.main'.length)) : undefined)
  if (found !== undefined) return found
  const there = existsSync(dirname(path)) ? readdirSync(dirname(path)).sort().join(', ') : ''
  throw new EntryNotFound('module', `the package has no file "${entry}"; found ${there || 'no files'}`)
}

/**
 * Among files with other extensions (`main.md`, `main.sh`), a program. The mark as executable says little, because some packers mark
 * all files. It is the last resort, before the first file.
 */
function fileOf(path) {
  if (isFile(path)) return path
  const folder = dirname(path)
  const names = existsSync(folder) ? readdirSync(folder).sort() : []
  const files = names
    .filter((name) => name.startsWith(`${basename(path)}.`))
    .map((name) => join(folder, name))
    .filter(isFile)
  const isProgram = (file) => interpreterOf(file) !== undefined || (isExecutable(file) && isBinary(file))
  return files.find((file) => isExecutable(file) && isProgram(file)) ?? files.find(isProgram) ?? firstOf(files)
}

const firstOf = (files) => files.find(isExecutable) ?? files[0]

/** As compilers make them for Linux. */
const isBinary = (path) => firstLine(path).startsWith('\x7fELF')

const isFile = (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The interpreter in the first line, as the kernel reads it; a shell for a bare name. */
function interpreterOf(path) {
  const line = firstLine(path)
  const [, program, argument] = /^#!\s*(\S+)[ \t]*(.*?)\s*$/.exec(line) ?? []
  if (program !== undefined) return argument === '' ? [program] : [program, argument]
  return path.endsWith('.sh') ? ['/bin/bash'] : undefined
}

function firstLine(path) {
  const bytes = Buffer.alloc(256)
  const file = openSync(path, 'r')
  const length = readSync(file, bytes)
  closeSync(file)
  return bytes.toString('latin1', 0, length).split('\n', 1)[0]
}

module.exports = { programOf }
