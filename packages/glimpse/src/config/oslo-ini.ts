import { unquote } from './oslo-values.ts'

/** One assignment, where it stands. A key that is repeated gives one entry each time, in order. */
export interface IniEntry {
  readonly group: string
  readonly name: string
  /** Continuation lines are joined with `\n`. */
  readonly text: string
  readonly file: string
  /** From 1; the line of the key. */
  readonly line: number
}

/** The head of a section; a section may come back later in the file. */
export interface IniSection {
  readonly name: string
  readonly file: string
  readonly line: number
}

export interface IniFile {
  readonly sections: readonly IniSection[]
  readonly entries: readonly IniEntry[]
  /** What is no INI, one sentence each, with file and line. */
  readonly problems: readonly string[]
}

type Open = { -readonly [K in keyof IniEntry]: IniEntry[K] }

/**
 * Reads the dialect of oslo.config: `[section]`, `key = value` or `key: value` (whichever sign comes first), `#` and `;`
 * comments at the start of a line only, lines that start with white space continue the value above, an empty line or a
 * comment ends it, and one pair of quotes round a value is dropped. Nothing throws: what cannot be read is in `problems`.
 *
 * @example parseIni('[DEFAULT]\ndebug = yes\n', 'a.conf').entries[0]?.text // 'yes'
 *
 * Source: reference/glance.md 3.3; oslo.config's documentation of its configuration files.
 */
export function parseIni(text: string, file: string): IniFile {
  const reader = new IniReader(file)
  const lines = text.replace(/^\uFEFF/, '').split('\n')
  for (const [index, line] of lines.entries()) reader.take(line.trimEnd(), index + 1)
  return reader
}

class IniReader implements IniFile {
  readonly sections: IniSection[] = []
  readonly entries: IniEntry[] = []
  readonly problems: string[] = []
  readonly #file: string
  #group: string | null = null
  /** The value that an indented line would continue. */
  #open: Open | null = null

  constructor(file: string) {
    this.#file = file
  }

  take(line: string, number: number): void {
    if (/^[ \t]/.test(line)) return this.#continue(line, number)
    this.#open = null
    if (line === '' || line.startsWith('#') || line.startsWith(';')) return
    if (line.startsWith('[')) this.#start(line, number)
    else this.#assign(line, number)
  }

  #continue(line: string, number: number): void {
    if (this.#open) this.#open.text += `\n${line.trimStart()}`
    else this.#refuse(number, line, 'an indented line continues the value above it, and there is none')
  }

  #start(line: string, number: number): void {
    const name = /^\[([^\]]+)\]$/.exec(line)?.[1]
    this.#group = name ?? null
    if (name === undefined) this.#refuse(number, line, 'a section is written [name]')
    else this.sections.push({ name, file: this.#file, line: number })
  }

  #assign(line: string, number: number): void {
    const sign = line.search(/[=:]/)
    const name = line.slice(0, Math.max(sign, 0)).trim()
    if (name === '') return this.#refuse(number, line, 'write key = value, [section], or # comment')
    if (this.#group === null) return this.#refuse(number, line, 'a value needs a section above it, such as [DEFAULT]')
    const text = unquote(line.slice(sign + 1).trim())
    this.#open = { group: this.#group, name, text, file: this.#file, line: number }
    this.entries.push(this.#open)
  }

  #refuse(number: number, line: string, allowed: string): void {
    // A value may be a password, so only what stands before it is repeated.
    const shown = line.trim().split(/[=:]/, 1)[0] ?? ''
    this.problems.push(`${this.#file}:${number}: cannot read "${shown.trim().slice(0, 40)}": ${allowed}`)
  }
}
