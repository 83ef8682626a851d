import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

/**
 * The floors of the house (docs/decisions/002-floors.md): a file imports only from its own folder or from floors below.
 * Siblings on one floor do not see one another.
 */
const root = fileURLToPath(new URL('..', import.meta.url))

/** For each package, the packages of ours that it may import. */
const packages: Record<string, readonly string[]> = {
  '@glimpse/taskflow': [],
  '@glimpse/taskflow-sqlite': ['@glimpse/taskflow'],
  '@glimpse/stores': [],
  '@glimpse/client': [],
  '@glimpse/service': ['@glimpse/taskflow', '@glimpse/taskflow-sqlite', '@glimpse/stores'],
}

const domain = ['domain']
const ports = ['config', 'data', 'db']
const steps = [...domain, 'data', 'flows/steps']
const flows = [...steps, 'flows']
const executors = [...flows, 'executors']
const usecases = [...executors, 'config', 'usecases']
/** For each folder of the service, what it may import from. `.` is the composition root and the command line. */
const service: Record<string, readonly string[]> = {
  domain,
  config: ['config'],
  data: [...domain, 'data'],
  db: [...domain, 'db'],
  'flows/steps': steps,
  flows,
  executors,
  usecases,
  api: [...usecases, 'api'],
  '.': [...usecases, ...ports, 'api', '.'],
}

describe('packages', () => {
  for (const [name, allowed] of Object.entries(packages)) {
    it(`${name} imports only ${allowed.join(', ') || 'no package of ours'}`, () => {
      const files = sources(packageFolder(name))
      expect(files.length).toBeGreaterThan(0)
      const wrong = importsOf(files).filter(
        ({ to }) => isOurs(to) && !allowed.includes(nameOf(to)) && nameOf(to) !== name,
      )
      expect(wrong).toEqual([])
    })
  }

  it('every package of ours has a floor', () => {
    const found = readdirSync(path.join(root, 'packages')).map((folder) => manifest(folder).name)
    expect(found.toSorted()).toEqual(Object.keys(packages).toSorted())
  })

  it('taskflow depends on nothing at all', () => {
    expect(manifest('taskflow').dependencies ?? {}).toEqual({})
  })
})

describe('folders of the service', () => {
  const base = path.join(packageFolder('@glimpse/service'), 'src')
  const files = sources(base)
  for (const [folder, allowed] of Object.entries(service)) {
    it(`${folder} imports only from ${allowed.join(', ')}`, () => {
      const own = files.filter((file) => folderOf(base, file) === folder)
      expect(own.length).toBeGreaterThan(0)
      const wrong = importsOf(own)
        .filter(({ to }) => to.startsWith('.'))
        .map(({ from, to }) => ({ from, to, floor: folderOf(base, path.resolve(root, path.dirname(from), to)) }))
        .filter(({ floor }) => !allowed.includes(floor))
      expect(wrong).toEqual([])
    })
  }

  it('every folder has a floor', () => {
    const found = new Set(files.map((file) => folderOf(base, file)))
    expect([...found].filter((folder) => !(folder in service))).toEqual([])
  })
})

function packageFolder(name: string): string {
  return path.join(root, 'packages', name === '@glimpse/service' ? 'glimpse' : name.slice('@glimpse/'.length))
}

function manifest(folder: string): { name: string; dependencies?: object } {
  return JSON.parse(readFileSync(path.join(root, 'packages', folder, 'package.json'), 'utf8')) as { name: string }
}

function sources(folder: string): string[] {
  const src = folder.endsWith('src') ? folder : path.join(folder, 'src')
  if (!existsSync(src)) return []
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.join(src, file))
}

function importsOf(files: readonly string[]): { from: string; to: string }[] {
  return files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/(?:from\s+|import\s*\(?\s*)'([^']+)'/g)].map((match) => ({
      from: path.relative(root, file),
      to: match[1]!,
    })),
  )
}

function isOurs(specifier: string): boolean {
  return specifier.startsWith('@glimpse/')
}

function nameOf(specifier: string): string {
  return specifier.split('/').slice(0, 2).join('/')
}

/** `flows/steps` is a floor of its own below `flows`; everything else goes by its first folder. */
function folderOf(base: string, file: string): string {
  const [first = '', second = ''] = path.relative(base, file).split(path.sep)
  if (first.endsWith('.ts')) return '.'
  return first === 'flows' && second === 'steps' ? 'flows/steps' : first
}
