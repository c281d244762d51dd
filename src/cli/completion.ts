import { argumentAt, type CommandSpec, globalOptions, usageError } from './command.ts'

export const commands: CommandSpec[] = [
  {
    name: 'completion',
    summary: "print a shell's completion script for commands and options",
    arguments: [['<shell>', 'bash, zsh or fish']],
    examples: ['source <(taibai completion bash)', 'taibai completion fish > ~/.config/fish/completions/taibai.fish'],
    async run(cli, args) {
      const script = scripts[argumentAt(args, 0)]
      if (script === undefined) throw usageError(`"${argumentAt(args, 0)}" is not supported: choose bash, zsh or fish.`)
      cli.out.raw(script(wordsOf(await cli.commands())))
    },
  },
]

/** Possible next words, by the words before them. The empty key is for the first word. */
type Words = Map<string, string[]>

function wordsOf(specs: CommandSpec[]): Words {
  const words: Words = new Map([['', ['help']]])
  const add = (key: string, word: string): void => {
    const known = words.get(key) ?? []
    if (!known.includes(word)) words.set(key, [...known, word])
  }
  for (const { name, options = [] } of specs) {
    const parts = name.split(' ')
    for (const [at, part] of parts.entries()) add(parts.slice(0, at).join(' '), part)
    for (const [flags] of [...options, ...globalOptions]) add(name, /--[\w-]+/.exec(flags)?.[0] ?? flags)
  }
  return words
}

const cases = (words: Words): string =>
  [...words].map(([key, all]) => `    "${key}") words="${all.join(' ')}" ;;`).join('\n')

const scripts: Record<string, (words: Words) => string> = {
  bash: (words) => `# taibai completion for bash
_taibai() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" key="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in -*) ;; *) [ -n "$key" ] && key="$key \${COMP_WORDS[i]}" || key="\${COMP_WORDS[i]}" ;; esac
  done
  while :; do
    case "$key" in
${cases(words)}
    esac
    [ -n "$words" ] && break
    case "$key" in *" "*) key="\${key% *}" ;; *) break ;; esac
  done
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [ \${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "$cur"))
}
complete -F _taibai taibai
`,
  zsh: (words) => `#compdef taibai
autoload -Uz bashcompinit && bashcompinit
${scripts.bash?.(words)}`,
  fish: (words) =>
    `# taibai completion for fish\n${[...words]
      .flatMap(([key, all]) => {
        const when =
          key === ''
            ? '__fish_use_subcommand'
            : key
                .split(' ')
                .map((word) => `__fish_seen_subcommand_from ${word}`)
                .join('; and ')
        return all.map((word) =>
          word.startsWith('--')
            ? `complete -c taibai -n '${when}' -l ${word.slice(2)}`
            : `complete -c taibai -n '${when}' -a ${word}`,
        )
      })
      .join('\n')}\n`,
}
