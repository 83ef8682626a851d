/** What is told of a random flow: how it is run, when its parts end, and what comes from outside. */
import * as fc from 'fast-check'
import type { EngineOptions } from '../src/index.ts'
import { everything, type FlowPlan, type Ingredients, randomFlow, type Shared } from './random-flow.ts'

export type Options = Pick<
  EngineOptions,
  'mode' | 'maxWorkers' | 'deferReverts' | 'neverResolve' | 'failFast' | 'onRevertFailure'
>

export type Act = 'cancel' | 'abort' | 'suspend'

/** Something that comes from outside: at the nth turn, call of an atom, event, or question to a retry or decider. */
export interface Interruption {
  readonly act: Act
  readonly on: 'turn' | 'call' | 'event' | 'question'
  readonly nth: number
}

/** How the run is driven; what stops early is driven again, in the end by `run()`. */
export type Drive = { readonly by: 'run' } | { readonly by: 'iterate'; readonly stop: number; readonly pauses: boolean }

export interface Story {
  readonly plan: FlowPlan
  readonly given: readonly Shared[]
  readonly options: Options
  /** Which of those that are under way end next, turn after turn, over and over. */
  readonly choices: readonly (readonly number[])[]
  readonly interruptions: readonly Interruption[]
  readonly drives: readonly Drive[]
  /** Whether to store takes time, too. */
  readonly slowStore: boolean
  /** Which commit fails, for whatever reason; null: none does. */
  readonly storeFails: number | null
  /** What is done once more when the flow is over. */
  readonly again: readonly ('run' | 'reset')[]
  /** Whether two executes of one atom give different results. */
  readonly stamped: boolean
}

export interface StoryOptions extends Partial<Ingredients> {
  readonly options?: fc.Arbitrary<Options>
  /** How many interruptions there may be. */
  readonly interruptions?: number
  /** Whether a run may be left off in the middle by who listens to it. Default: it may. */
  readonly drives?: 'whole'
  readonly again?: number
  readonly stamped?: boolean
  readonly storeFails?: fc.Arbitrary<number>
}

const anyMode: fc.Arbitrary<Options> = fc.oneof(
  fc.constant({ mode: 'serial' as const }),
  fc.integer({ min: 1, max: 5 }).map((maxWorkers) => ({ mode: 'parallel' as const, maxWorkers })),
)

/** A boolean that is seldom true. */
const seldom = fc.constantFrom(false, false, false, false, true)

export const anyOptions: fc.Arbitrary<Options> = fc
  .record({
    mode: anyMode,
    deferReverts: seldom,
    neverResolve: fc.constantFrom(...Array.from({ length: 9 }, () => false), true),
    failFast: seldom,
    onRevertFailure: fc.constantFrom('stop' as const, 'continue' as const),
  })
  .map(({ mode, ...options }) => ({ ...mode, ...options }))

export type Timing = Pick<Story, 'choices' | 'drives' | 'slowStore'>

/** @param stops after how many transitions who listens to a run may leave it off */
export function anyTiming(stops: readonly number[] = [0, 1, 3, 8]): fc.Arbitrary<Timing> {
  const drive = fc.oneof<fc.Arbitrary<Drive>[]>(
    fc.constant({ by: 'run' }),
    fc.record({ by: fc.constant('iterate' as const), stop: fc.constantFrom(10_000, ...stops), pauses: fc.boolean() }),
  )
  return fc.record({
    choices: fc.array(fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 10 }),
    drives: fc.array(drive, { maxLength: 3 }),
    slowStore: seldom,
  })
}

export function randomStory(options: StoryOptions = {}): fc.Arbitrary<Story> {
  const { interruptions = 3, drives, again = 2, stamped = true, storeFails, ...ingredients } = options
  const interruption = fc.record({
    act: fc.constantFrom<Act>('suspend', 'suspend', 'cancel', 'abort'),
    on: fc.constantFrom('turn' as const, 'call' as const, 'event' as const, 'question' as const),
    nth: fc.nat({ max: 25 }),
  })
  const story = fc.record({
    plan: randomFlow({ ...everything, ...ingredients }),
    given: fc.subarray<Shared>(['s0', 's1'], { maxLength: 1 }),
    options: options.options ?? anyOptions,
    interruptions: fc.array(interruption, { maxLength: interruptions }),
    again: fc.array(fc.constantFrom('run' as const, 'reset' as const), { maxLength: again }),
    stamped: fc.constant(stamped),
    storeFails: storeFails ?? fc.constant(null),
    timing: anyTiming(drives === 'whole' ? [] : undefined),
  })
  return story.map(({ timing, ...rest }) => ({ ...rest, ...timing }))
}
