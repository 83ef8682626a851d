import type { Aim } from './life.ts'
import { anyOf, chance } from './samples.ts'

export interface Aiming {
  /** Transitions of the flow, in order. */
  readonly transitions: readonly string[]
  /** Names of steps that are over. */
  readonly over: readonly string[]
  readonly hitsAt: (transition: string) => number
}

/**
 * At the transition after which the fewest kills came so far. A step that is over is passed by in silence, so it is no
 * aim. What is seen in the log was stored before, and more may be by the time that the kill comes: so it is tried from
 * the transition before, too.
 */
export function aimAtRarest({ transitions, over, hitsAt }: Aiming): Aim {
  const ahead = transitions.filter((transition) => !over.some((step) => transition.startsWith(`${step} `)))
  const rarest = Math.min(...ahead.map(hitsAt))
  const target = anyOf(ahead.filter((transition) => hitsAt(transition) === rarest)) ?? 'unstage SUCCESS'
  const before = ahead[ahead.indexOf(target) - 1]
  const saying =
    (transition: string): Aim['at'] =>
    ({ step, state }) =>
      `${step} ${state}` === transition
  if (before !== undefined && chance(0.4)) return { at: saying(before), delay: Math.random() * 5 }
  return { at: saying(target), delay: 0 }
}

/** In the middle of anything: of a step, of what comes after the last one, of reverts. */
export function aimAnywhere(isReverted: boolean): Aim {
  const where = Math.random()
  const soon = Math.random() ** 2 * 4
  if (where < 0.1) return { at: ({ msg }) => /^task (succeeded|failed)$/.test(msg), delay: soon }
  if (where < 0.2)
    return { at: ({ msg }) => /^step (unstage: SUCCESS|mark-importing: REVERTED)/.test(msg), delay: soon }
  if (isReverted && where < 0.6) return { at: ({ state }) => state?.startsWith('REVERT') === true, delay: soon }
  return { at: ({ step }) => step !== undefined, delay: Math.random() ** 2 * 300 }
}
