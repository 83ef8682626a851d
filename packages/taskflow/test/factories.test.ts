import { describe, expect, it } from 'vitest'
import {
  atom,
  Engine,
  type Flow,
  flow,
  flowFactories,
  type Inputs,
  linear,
  task,
  withDefaults,
  withInputs,
} from '../src/index.ts'
import { thrownBy } from './workbench.ts'

const double = task({ name: 'double', execute: ({ n }: { n: number }) => 2 * n })
const doubling = flow('doubling', (f, { n }: Inputs<{ n: number }>) => f.add(double, { n }))

interface Numbers {
  readonly n: number
}

const factories = flowFactories({
  constant: ({ n }: Numbers) => flow('constant', (f) => f.add(double, { n })),
  input: (inputs: Numbers) => withInputs(doubling, inputs),
  defaulted: ({ n }: Numbers) => withDefaults(doubling, { n }),
  plain: ({ n }: Numbers) => withInputs(linear('plain', [atom(double, { requires: ['n'] })]), { n }),
  nothing: () => linear('nothing', []),
})

async function ran(name: string, parameters: Readonly<Record<string, unknown>>): Promise<unknown> {
  const built = factories.build(name, parameters)
  const engine = new Engine<object, unknown>(built.flow as Flow<object, unknown>)
  return await engine.run(built.inputs)
}

describe('factories', () => {
  it('build flows that run, with their inputs', async () => {
    expect(await ran('constant', { n: 2 })).toBe(4)
    expect(await ran('input', { n: 3 })).toBe(6)
    expect(await ran('defaulted', { n: 4 })).toBe(8)
    expect(await ran('plain', { n: 5 })).toBeUndefined()
    expect(await ran('nothing', {})).toBeUndefined()
  })

  it('are known by their names', () => {
    expect(factories.names).toEqual(['constant', 'input', 'defaulted', 'plain', 'nothing'])
  })

  it('name what there is when asked for what is not', () => {
    expect(thrownBy(() => factories.build('web-import', {}))).toMatchObject({
      code: 'not-found',
      message: "there is no factory with the name 'web-import'; there are: constant, input, defaulted, plain, nothing",
    })
    expect(thrownBy(() => flowFactories({}).build('toString', {}))).toMatchObject({
      code: 'not-found',
      message: "there is no factory with the name 'toString'; there is none at all",
    })
  })

  it('post jobs with the parameters that they take', () => {
    expect(factories.posting('input', { n: 1 }, { id: 'j', priority: 'LOW' })).toEqual({
      factory: 'input',
      parameters: { n: 1 },
      id: 'j',
      priority: 'LOW',
    })
    expect(factories.posting('nothing', {})).toEqual({ factory: 'nothing', parameters: {} })
  })

  it('are checked by the compiler', () => {
    const check = (): void => {
      // @ts-expect-error: there is no factory of that name
      factories.posting('inputs', { n: 1 })
      // @ts-expect-error: the factory takes a number
      factories.posting('input', { n: '1' })
      // @ts-expect-error: the factory takes an n
      factories.posting('input', {})
      // @ts-expect-error: a flow that needs inputs comes with them
      flowFactories({ doubling: () => doubling })
      // @ts-expect-error: the flow takes a number
      withInputs(doubling, { n: '1' })
      const dated = flowFactories({ dated: ({ at }: { at: Date }) => linear(`${at.getTime()}`, []) })
      // @ts-expect-error: a date does not survive storage
      dated.posting('dated', { at: new Date() })
    }
    expect(check).toBeTypeOf('function')
  })
})
