/** What a hash worker is asked, in order; `job` names one checksum of one write. Offsets and lengths are in bytes. */
export type HashRequest =
  | { readonly kind: 'open'; readonly job: number; readonly algorithm: string; readonly memory: SharedArrayBuffer }
  | { readonly kind: 'update'; readonly job: number; readonly offset: number; readonly length: number }
  | { readonly kind: 'digest'; readonly job: number }
  | { readonly kind: 'drop'; readonly job: number }

/** One answer to every `update` and `digest`, in the order of asking. */
export type HashReply =
  | { readonly kind: 'updated'; readonly job: number }
  | { readonly kind: 'digest'; readonly job: number; readonly hex: string }
