// Generates docs/cli.md from the commands: `--write` writes it, otherwise the script fails when it is outdated.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CommandSpec, exitCodes, globalOptions } from '../src/cli/command.ts'
import { allCommands, commandGroups, headingOf } from '../src/cli/commands.ts'
import { cliVariables } from '../src/cli-settings.ts'

const file = join(import.meta.dirname, '../docs/cli.md')
const commands = await allCommands()
const text = page()
if (process.argv.includes('--write')) writeFileSync(file, text)
else if (readOrEmpty() !== text) {
  console.error('docs/cli.md does not say what the commands say: npm run fix')
  process.exitCode = 1
}

function readOrEmpty(): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function page(): string {
  return `# The command line

<!-- made from src/cli by scripts/cli-docs.ts: npm run fix -->

\`taibai COMMAND --help\` shows a command with its options. A command asks the server that \`--url\` or \`TAIBAI_URL\` names, else that of
\`--context\`, \`TAIBAI_CONTEXT\` or \`taibai context use\`, else the server of this machine, whose token it reads from the data folder:
the one whose data are in \`data\` of the current folder, else the one that this user's last \`taibai up\` or \`taibai service install\` started.
From the sources it is \`npm run -s taibai -- COMMAND\` in the project, and \`npm --prefix FOLDER-OF-THE-PROJECT run -s taibai -- COMMAND\`
anywhere; paths begin where you are.

People get tables and sentences; \`--json\` gives programs JSON on standard output, and errors as \`{"error", "exit_code"}\` on
standard error. Colours are for terminals only, and \`NO_COLOR\` switches them off.

Every command takes ${globalOptions.map(([flags, description]) => `\`${flags}\` (${description})`).join(', ')}.

| exit code | meaning |
| --- | --- |
${Object.values(exitCodes)
  .map(([code, meaning]) => `| ${code} | ${meaning} |`)
  .join('\n')}

| variable | what it does |
| --- | --- |
${Object.entries(cliVariables)
  .map(([name, meaning]) => `| \`${name}\` | ${meaning} |`)
  .join('\n')}

${Object.keys(commandGroups).map(group).join('\n\n')}

${commands.map(section).join('\n')}`
}

function group(heading: string): string {
  const rows = commands
    .filter(({ name }) => headingOf(name.split(' ')[0] as string) === heading)
    .map(({ name, summary }) => `| [\`${name}\`](#${anchor(name)}) | ${cell(summary)} |`)
  return `### ${heading}\n\n| command | what it does |\n| --- | --- |\n${rows.join('\n')}`
}

function anchor(name: string): string {
  return `taibai-${name.replaceAll(' ', '-')}`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function section({ name, summary, arguments: args = [], options = [], examples }: CommandSpec): string {
  const usage = ['taibai', name, ...args.map(([syntax]) => syntax)].join(' ')
  const rows = [...args, ...options].map(([syntax, description]) => `| \`${cell(syntax)}\` | ${cell(description)} |`)
  const table = rows.length === 0 ? '' : `\n| | |\n| --- | --- |\n${rows.join('\n')}\n`
  const sentence = `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`
  return `## taibai ${name}\n\n${sentence}\n\n\`${usage}\`\n${table}\n\`\`\`\n${examples.join('\n')}\n\`\`\`\n`
}
