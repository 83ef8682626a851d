import { readFileSync } from 'node:fs'
import path from 'node:path'

/** A name that can be imported. */
export interface Importable {
  readonly name: string
  readonly from: string
  readonly isType: boolean
}

/** A name that a package exports, and what its declaration says of it. */
export interface PublicName extends Importable {
  readonly file: string
  /** Text of the doc comment right above the declaration; null: there is none. */
  readonly comment: string | null
}

interface Exported {
  readonly name: string
  /** What it is called where it comes from. */
  readonly original: string
  readonly source: string
  readonly isType: boolean
}

const exportList = /^export (type )?\{([^}]*)\} from '([^']+)'$/gm

/** Everything that a package exports by its `exports`, in the order of its index files. */
export function publicNames(folder: string): readonly PublicName[] {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    readonly name: string
    readonly exports: Readonly<Record<string, { readonly '@glimpse/source': string }>>
  }
  return Object.entries(manifest.exports).flatMap(([entry, { '@glimpse/source': source }]) => {
    const index = path.join(folder, source)
    const text = readFileSync(index, 'utf8')
    const rest = text
      .replaceAll(exportList, '')
      .replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '')
      .trim()
    if (rest !== '') throw new Error(`${index} is more than lists of exports: ${rest}`)
    return exportsOf(text).map(({ name, original, source: file, isType }) => ({
      name,
      from: path.posix.join(manifest.name, entry),
      isType,
      ...declarationOf(original, path.resolve(path.dirname(index), file)),
    }))
  })
}

/** The import of just those names that a piece of code uses and does not bring along; one line, whatever is in it. */
export function importsFor(code: string, names: readonly Importable[]): string {
  const own = new Set(
    [...code.matchAll(/^(?:import\b[^'"]*|(?:export )?(?:const|let|class|function|type|interface) \w+)/gm)].flatMap(
      ([text]) => text.match(/\w+/g) ?? [],
    ),
  )
  const used = names.filter(({ name }) => !own.has(name) && new RegExp(`(?<![\\w$'"])(?<!\\w\\.)${name}\\b`).test(code))
  const modules = Map.groupBy(used, ({ from }) => from)
  const lines = [...modules].map(
    ([from, list]) =>
      `import { ${list.map(({ name, isType }) => (isType ? `type ${name}` : name)).join(', ')} } from '${from}'`,
  )
  return lines.join('; ') || 'export {}'
}

/** The code of every `@example` of a doc comment. */
export function examplesIn(comment: string): readonly string[] {
  return [...comment.matchAll(/^@example *\n((?:(?!@\w).*(?:\n|$))+)/gm)].map(([, code = '']) =>
    code.replaceAll(/^```\w*\n/gm, '').trim(),
  )
}

function exportsOf(text: string): readonly Exported[] {
  return [...text.matchAll(exportList)].flatMap(([, allTypes, list = '', source = '']) =>
    [...list.matchAll(/(type )?(\w+)(?: as (\w+))?/g)].map(([, type, original = '', name = original]) => ({
      name,
      original,
      source,
      isType: (allTypes ?? type) !== undefined,
    })),
  )
}

/** Where a name is declared, however many files hand it on. */
function declarationOf(name: string, file: string): Pick<PublicName, 'file' | 'comment'> {
  const text = readFileSync(file, 'utf8')
  const kinds = '(?:abstract |async )?(?:function\\*?|class|const|interface|type)'
  const declaration = new RegExp(`^export ${kinds} ${name}\\b`, 'm').exec(text)
  if (declaration) {
    const [, comment] = /\/\*\*((?:(?!\*\/)[^])*)\*\/\n$/.exec(text.slice(0, declaration.index)) ?? []
    return { file, comment: comment?.replaceAll(/^ *\* ?/gm, '') ?? null }
  }
  const handedOn = exportsOf(text).find((exported) => exported.name === name)
  if (handedOn) return declarationOf(handedOn.original, path.resolve(path.dirname(file), handedOn.source))
  throw new Error(`${file} is said to export ${name}, but declares no such name`)
}
