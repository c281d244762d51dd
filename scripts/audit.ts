// Asks the npm registry for known vulnerabilities of the packages of production. Exit code 0: none, 1: some, 2: it could not be asked.
import { projectFolder } from '../src/assets.ts'
import { audit } from './release/audit.ts'

const { kind, text } = await audit(projectFolder)
console.log(text)
process.exitCode = { clean: 0, vulnerable: 1, unasked: 2 }[kind]
