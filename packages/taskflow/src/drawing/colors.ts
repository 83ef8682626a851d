import type { AtomState } from '../states.ts'

/** Colours of a node as `#rrggbb`. Text stands out from its ground by at least 7 to 1, a border from white by 3 to 1. */
export interface Colors {
  readonly fill: string
  readonly border: string
  readonly text: string
}

export const stateColors: { readonly [S in AtomState]: Colors } = {
  PENDING: { fill: '#f3f4f6', border: '#6b7280', text: '#111827' },
  IGNORE: { fill: '#d1d5db', border: '#4b5563', text: '#111827' },
  RUNNING: { fill: '#bfdbfe', border: '#1d4ed8', text: '#111827' },
  SUCCESS: { fill: '#bbf7d0', border: '#15803d', text: '#111827' },
  FAILURE: { fill: '#fecaca', border: '#b91c1c', text: '#111827' },
  RETRYING: { fill: '#fef08a', border: '#a16207', text: '#111827' },
  REVERTING: { fill: '#fed7aa', border: '#c2410c', text: '#111827' },
  REVERTED: { fill: '#e9d5ff', border: '#7e22ce', text: '#111827' },
  REVERT_FAILURE: { fill: '#7f1d1d', border: '#450a0a', text: '#ffffff' },
}

/** Of what has no state. */
export const plainColors: Colors = { fill: '#ffffff', border: '#374151', text: '#111827' }

/** Of what a targeted graph leaves out. */
export const leftOutColors: Colors = { fill: '#ffffff', border: '#6b7280', text: '#4b5563' }
