import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { Project } from '../../../tests/support/project.ts'
import { importsFor, publicNames } from '../../../tests/support/public-names.ts'

/**
 * What a flow costs who compiles it: types that the compiler instantiates, above those of a flow without tasks. A count
 * is the same on every machine. Each bound lies a little above what was counted: one that breaks shows what made flows
 * dearer, and is raised only on purpose.
 */
const names = publicNames(path.join(import.meta.dirname, '..'))

/** Each task is defined by itself, and takes what the one before it made, and a constant. */
function chain(count: number): string {
  return `
${each(count, (at) => `const add${at} = task({ name: 'add ${at}', execute: ({ to, by }: { to: number; by: number }) => to + by })`)}
export const sum = flow('chain', (f, { made0 }: Inputs<{ made0: number }>) => {
${each(count, (at) => `  const made${at + 1} = f.add(add${at}, { to: made${at}, by: ${at} })`)}
  return made${count}
})`
}

/** The dearest chain: no two tasks take or make the same, and each takes a part of what the one before it made. */
function chainOfTypes(count: number): string {
  const execute = (at: number): string =>
    `({ part${at}, by }: { part${at}: Part; by: number }) => ({ part${at + 1}: { size: part${at}.size + by }, made: ${at} })`
  return `
type Part = { size: number }
${each(count, (at) => `const task${at} = task({ name: 'task ${at}', execute: ${execute(at)} })`)}
export const last = flow('chain of types', (f, { made0 }: Inputs<{ made0: { part0: Part } }>) => {
${each(count, (at) => `  const made${at + 1} = f.add(task${at}, { part${at}: made${at}.at('part${at}'), by: ${at} })`)}
  return made${count}
})`
}

/** Ten tasks a group: some side by side, some tried again, some linked by hand, some only if. */
function mixture(count: number): string {
  return `
interface Image { readonly id: string; readonly size: number; readonly tags: readonly string[] }
const fetch = task({
  name: 'fetch',
  execute: ({ id, mirror }: { id: string; mirror: string }): Image => ({ id, size: mirror.length, tags: [] }),
})
const copy = task({ name: 'copy', execute: ({ image, to }: { image: Image; to: string }) => ({ uri: to + image.id }) })
const tell = task({ name: 'tell', execute: ({ text, loud }: { text: string; loud?: boolean }) => void [text, loud] })
export const image = flow('mixture', (f, { image0 }: Inputs<{ image0: Image }>) => {
${each(count / 10, mixtureGroup)}
  return image${count / 10}
})`
}

function mixtureGroup(at: number): string {
  return `
  const image${at + 1} = f.linear('group ${at}', (g, mirror) => {
    const fetched = g.add(fetch, { id: image${at}.at('id'), mirror }, { name: 'fetch ${at}' })
    const copies = g.unordered('copies ${at}', (h) => [
      h.add(copy, { image: fetched, to: 'left' }, { name: 'left ${at}' }),
      h.add(copy, { image: fetched, to: 'right' }, { name: 'right ${at}' }),
      h.linear('slow ${at}', (i) => i.add(copy, { image: fetched, to: 'far' }, { name: 'far ${at}' }), times(3)),
    ])
    g.graph('graph ${at}', (h) => {
      const [first, ...others] = copies.map((made, n) =>
        h.add(tell, { text: made.at('uri') }, { name: \`tell ${at} \${n}\` }))
      const last = h.add(tell, { text: 'all', loud: true }, { name: 'tell all ${at}' })
      for (const other of others) h.link(first!, other)
      h.decide(h.add(copy, { image: fetched, to: 'x' }, { name: 'x ${at}' }), last, ({ uri }) => uri !== '')
    })
    g.when('large ${at}', fetched.at('size'), (size) => size > ${at}, (h) => {
      h.add(tell, { text: mirror }, { name: 'say ${at}' })
    })
    return fetched
  }, forEach(['a', 'b']))`
}

function each(count: number, write: (at: number) => string): string {
  return Array.from({ length: count }, (_, at) => write(at)).join('\n')
}

async function instantiations(code: string): Promise<number> {
  using project = new Project('type-cost')
  project.write('flow.ts', `${importsFor(code, names)}\n${code}\n`)
  return await project.instantiations()
}

describe('type instantiations', () => {
  const flows = [
    { what: 'a chain', write: chain, count: 10, most: 1_500 },
    { what: 'a chain', write: chain, count: 50, most: 5_500 },
    { what: 'a chain', write: chain, count: 100, most: 10_000 },
    { what: 'a chain', write: chain, count: 200, most: 20_000 },
    { what: 'a mixture', write: mixture, count: 10, most: 2_000 },
    { what: 'a mixture', write: mixture, count: 50, most: 3_500 },
    { what: 'a mixture', write: mixture, count: 100, most: 5_000 },
    { what: 'a mixture', write: mixture, count: 200, most: 8_000 },
    { what: 'a chain that shares no type', write: chainOfTypes, count: 200, most: 55_000 },
  ]
  const counted = new Map<object, number>()

  /** Two compilers at a time: more would only wait for one another. */
  beforeAll(async () => {
    const empty = await instantiations("export const nothing = flow('empty', () => {})")
    const left = flows.values()
    const countThoseLeft = async (): Promise<void> => {
      for (const flow of left) counted.set(flow, (await instantiations(flow.write(flow.count))) - empty)
    }
    await Promise.all([countThoseLeft(), countThoseLeft()])
    const told = flows.map((flow) => `${flow.what} of ${flow.count} tasks: ${counted.get(flow)}`)
    console.log(`type instantiations, above the ${empty} of a flow without tasks:\n${told.join('\n')}`)
  }, 120_000)

  it.each(flows)('of $what of $count tasks stay under $most', (flow) => {
    expect(counted.get(flow)).toBeGreaterThan(flow.count)
    expect(counted.get(flow)).toBeLessThan(flow.most)
  })
})
